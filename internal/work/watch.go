package work

import (
	"context"
	"sync"
	"time"

	"github.com/talix-dev/talix/store"
)

// watch tells those who wait for an item that it was written.
type watch struct {
	mu    sync.Mutex
	items map[name]*watched
}

type watched struct {
	changed chan struct{} // closed at the next write
	waiting int
}

func (w *watch) enter(n name) *watched {
	w.mu.Lock()
	defer w.mu.Unlock()
	item := w.items[n]
	if item == nil {
		item = &watched{changed: make(chan struct{})}
		w.items[n] = item
	}
	item.waiting++
	return item
}

func (w *watch) leave(n name, item *watched) {
	w.mu.Lock()
	defer w.mu.Unlock()
	item.waiting--
	if item.waiting == 0 && w.items[n] == item {
		delete(w.items, n)
	}
}

func (w *watch) tell(n name) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if item := w.items[n]; item != nil {
		close(item.changed)
		delete(w.items, n)
	}
}

// Wait waits until an item is finished or gone, and returns what was last seen
// of it: false if it never was there. The error is the store's or ctx's.
func (r *Runner) Wait(ctx context.Context, p store.Partition, id string) (Item, bool, error) {
	var last Item
	seen, n := false, name{p, id}
	for {
		item := r.watch.enter(n)
		now, found, err := r.Get(ctx, p, id)
		if found {
			last, seen = now, true
		}
		if err != nil || !found || now.Status.Finished() {
			r.watch.leave(n, item)
			return last, seen, err
		}
		err = item.wait(ctx, r.cfg.Poll)
		r.watch.leave(n, item)
		if err != nil {
			return last, seen, err
		}
	}
}

// wait waits for a write, or for as long as one may go unnoticed: of another
// runtime, or of who commits batches on his own.
func (w *watched) wait(ctx context.Context, most time.Duration) error {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-w.changed:
	case <-timer.C:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}
