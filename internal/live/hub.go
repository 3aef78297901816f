package live

import (
	"context"
	"iter"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/talix-dev/talix/internal/registry"
)

// Hub has the feeds of a runtime. Its methods may be called from many
// goroutines.
type Hub struct {
	cfg   Config
	count atomic.Int64  // of feeds, for Changed
	turns chan struct{} // one for each feed that asks the database

	mu      sync.Mutex
	feeds   map[string]*feed
	readers int
	closed  bool
	running sync.WaitGroup
}

// New makes a hub. It has to be closed.
func New(cfg Config) *Hub {
	cfg.setDefaults()
	return &Hub{cfg: cfg, feeds: map[string]*feed{}, turns: make(chan struct{}, cfg.Parallel)}
}

// Changed tells that rows of a table changed: that the change is committed, and
// that no one has been told yet that it is. It never waits for a database or a
// caller.
func (h *Hub) Changed(table string) {
	if h.count.Load() == 0 {
		return
	}
	table = strings.ToLower(table)
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range h.feeds {
		if f.reads(table) {
			f.touch()
		}
	}
}

// Watch gives the present rows of a source, or the changes that follow the one
// named by resume where they are known still, and then each change as it
// happens, until ctx ends. The present rows have all that Changed had told of
// when it began.
//
// It ends with an error, of type *registry.Fault: overloaded if there are too
// many callers, or if the loop is too slow; unavailable if the hub is closed;
// or what is wrong with the query.
func (h *Hub) Watch(ctx context.Context, source Source, resume string) iter.Seq2[registry.Change, error] {
	return func(yield func(registry.Change, error) bool) {
		f, err := h.join(source)
		if err != nil {
			yield(registry.Change{}, err)
			return
		}
		defer h.leave(f)
		r := reader{feed: f, yield: yield}
		if err := r.read(ctx, resume); err != nil && ctx.Err() == nil {
			yield(registry.Change{}, err)
		}
	}
}

// join finds the feed of a source, or begins one.
func (h *Hub) join(source Source) (*feed, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	id := source.ID()
	f := h.feeds[id]
	switch {
	case h.closed:
		return nil, errStopping()
	case h.readers >= h.cfg.MaxReaders:
		return nil, registry.Faultf(registry.Overloaded, "too many callers watch queries; try again later")
	case f == nil && len(h.feeds) >= h.cfg.MaxFeeds:
		return nil, registry.Faultf(registry.Overloaded, "too many queries are watched; try again later")
	case f == nil:
		f = h.begin(id, source)
	}
	h.readers++
	f.enter()
	return f, nil
}

func (h *Hub) begin(id string, source Source) *feed {
	ctx, cancel := context.WithCancel(context.Background())
	f := newFeed(h, id, source, cancel)
	h.feeds[id] = f
	h.count.Add(1)
	h.running.Go(func() {
		defer cancel()
		f.run(ctx)
	})
	return f
}

func (h *Hub) leave(f *feed) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.readers--
	f.exit()
}

// retire forgets a feed that no one reads, and tells whether it did.
func (h *Hub) retire(f *feed) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if f.hasReaders() {
		return false
	}
	h.forget(f)
	return true
}

// end forgets a feed and tells its readers why.
func (h *Hub) end(f *feed, why error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.forget(f)
	f.end(why)
}

func (h *Hub) forget(f *feed) {
	if h.feeds[f.id] == f {
		delete(h.feeds, f.id)
		h.count.Add(-1)
	}
}

// Close ends all feeds, tells their readers that they may come back, and waits
// for what the feeds were doing.
func (h *Hub) Close() {
	h.mu.Lock()
	h.closed = true
	for _, f := range h.feeds {
		h.forget(f)
		f.end(errStopping())
		f.cancel()
	}
	h.mu.Unlock()
	h.running.Wait()
}

func errStopping() error {
	return registry.Faultf(registry.Unavailable, "the program is stopping; come back")
}

// turn waits until a feed may ask the database.
func (h *Hub) turn(ctx context.Context) bool {
	select {
	case h.turns <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// pause waits for a while, and tells whether it was not cut short.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
