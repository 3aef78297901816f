package project

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/talix-dev/talix/store"
)

// hold says whether a partition is this process's to take events of. Where other
// processes work on the store too, it is so for a time, again and again.
type hold struct {
	mu     sync.Mutex
	begin  func(context.Context) (context.Context, context.CancelFunc) // nil: it is not
	turned chan struct{}                                               // closed when that changes
	users  sync.WaitGroup
}

func newHolds(n int) []hold {
	all := make([]hold, n)
	for p := range all {
		all[p].turned = make(chan struct{})
	}
	return all
}

// give has the partition held while ctx lasts, or until it is set otherwise.
func (h *hold) give(ctx context.Context) {
	h.set(func(own context.Context) (context.Context, context.CancelFunc) {
		held, cancel := context.WithCancel(own)
		stop := context.AfterFunc(ctx, cancel)
		return held, func() { stop(); cancel() }
	})
}

// held tells whether the partition is held.
func (h *hold) held() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.begin != nil
}

func (h *hold) set(begin func(context.Context) (context.Context, context.CancelFunc)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.begin = begin
	close(h.turned)
	h.turned = make(chan struct{})
}

// enter gives a context that ends with the given one, or when the partition is
// to be let go; leave tells that nothing is under way any more. A nil leave: it
// is not held, and turned is closed once it may be.
func (h *hold) enter(ctx context.Context) (held context.Context, leave func(), turned <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.begin == nil {
		return nil, nil, h.turned
	}
	held, cancel := h.begin(ctx)
	h.users.Add(1)
	return held, func() { cancel(); h.users.Done() }, nil
}

// Serve takes the events of a partition while ctx lasts, and returns when
// nothing of it is under way. It needs Run, and Config.Shared.
func (p *Projector) Serve(ctx context.Context, partition store.Partition) {
	h := &p.cfg.holds[partition]
	h.give(ctx)
	<-ctx.Done()
	h.set(nil)
	h.users.Wait()
}

// runHeld takes events while the partition is held, by this process or in the
// place of an owner that has another definition, until ctx ends.
func (r *runner) runHeld(ctx context.Context) {
	own, stand := &r.view.cfg.holds[r.partition], &r.view.stands[r.partition]
	for ctx.Err() == nil {
		held, leave, turned := own.enter(ctx)
		if leave != nil {
			r.feed(held)
			leave()
			continue
		}
		held, leave, stands := stand.enter(ctx)
		if leave == nil {
			r.lookOn(ctx, turned, stands)
			continue
		}
		var looking sync.WaitGroup
		looking.Go(func() { r.refresh(held) })
		r.feed(held)
		leave()
		looking.Wait()
	}
}

// feed takes events until ctx ends.
func (r *runner) feed(ctx context.Context) {
	if !r.clean(ctx) {
		return
	}
	r.reload = true // someone else has moved the mark
	r.untilDone(ctx, func() error { return r.tryAgain(ctx) })
	for ctx.Err() == nil {
		if r.awake(ctx) {
			r.untilDone(ctx, func() error { return r.step(ctx) })
		}
	}
}

// clean waits until nothing in memory is from before the last erasure that the
// build need not fear; false if ctx ended.
func (r *runner) clean(ctx context.Context) bool {
	cfg := r.view.cfg
	for cfg.Erasure != nil && cfg.Erasure() < r.build.state.Erasure {
		if !sleep(ctx, soon) {
			return false
		}
	}
	return ctx.Err() == nil
}

// awake waits while the build rests; false if it may go on resting.
func (r *runner) awake(ctx context.Context) bool {
	c := r.view.cfg.crew
	news := c.changed()
	if s, _ := c.state(r.build.name); !r.build.live || !s.rests() {
		return true
	}
	select {
	case <-news:
	case <-ctx.Done():
	}
	return false
}

// tryAgain takes what is parked once more.
func (r *runner) tryAgain(ctx context.Context) error {
	if err := r.load(ctx); err != nil {
		return err
	}
	for _, p := range r.lot.list() {
		err := r.unpark(ctx, p.stream, false)
		if _, still := errors.AsType[*Poison](err); err != nil && !still {
			return err
		}
	}
	return nil
}

// How often a mark is looked at that another process moves: while someone waits
// for it, and while a view is being made.
const (
	soon  = 15 * time.Millisecond
	later = 250 * time.Millisecond
)

// lookOn follows what another process does, as far as someone wants to know,
// until the partition may be held.
func (r *runner) lookOn(ctx context.Context, turned, stands <-chan struct{}) {
	for {
		asked := r.progress.asked()
		var look <-chan time.Time
		if asked == nil {
			look = time.After(soon)
		}
		select {
		case <-turned:
			return
		case <-stands:
			return
		case <-ctx.Done():
			return
		case <-asked:
		case <-look:
			r.follow(ctx)
		}
	}
}

// follow reads how far another process is. Should that fail, it is tried again.
func (r *runner) follow(ctx context.Context) {
	cfg := r.view.cfg
	mark, err := cfg.Tables.Mark(ctx, r.build.name, int(r.partition))
	if err == nil {
		err = cfg.Tail.Refresh(ctx, r.partition)
	}
	if err != nil {
		return
	}
	r.moveTo(r.past(ctx, store.Position(mark)))
}

// past is the position up to which nothing follows a mark that the view takes:
// marks are not moved for each event that it does not.
func (r *runner) past(ctx context.Context, mark store.Position) store.Position {
	if r.head() <= mark {
		return mark
	}
	events, err := r.view.cfg.Tail.Read(ctx, r.partition, mark, r.view.cfg.Ignored)
	if err != nil {
		return mark
	}
	for _, e := range events {
		if r.view.takeOf(e) != nil {
			break
		}
		mark = e.Position
	}
	return mark
}
