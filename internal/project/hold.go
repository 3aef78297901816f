package project

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/talix-dev/talix/internal/registry"
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
	h.set(func(own context.Context) (context.Context, context.CancelFunc) {
		held, cancel := context.WithCancel(own)
		stop := context.AfterFunc(ctx, cancel)
		return held, func() { stop(); cancel() }
	})
	<-ctx.Done()
	h.set(nil)
	h.users.Wait()
}

// runHeld takes events while the partition is held, until ctx ends.
func (r *runner) runHeld(ctx context.Context) {
	h := &r.view.cfg.holds[r.partition]
	for ctx.Err() == nil {
		held, leave, turned := h.enter(ctx)
		if leave == nil {
			r.lookOn(ctx, turned)
			continue
		}
		r.reload = true // someone else has moved the mark
		r.untilDone(held, func() error { return r.tryAgain(held) })
		for held.Err() == nil {
			r.untilDone(held, func() error { return r.step(held) })
		}
		leave()
	}
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
func (r *runner) lookOn(ctx context.Context, turned <-chan struct{}) {
	for {
		pause := later
		asked := r.progress.asked()
		if asked == nil {
			pause = soon
		}
		var look <-chan time.Time
		if r.onWhole != nil || asked == nil {
			look = time.After(pause)
		}
		select {
		case <-turned:
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
	r.moveTo(store.Position(mark))
}

// errMaking is the fault of what one process has to do alone.
func errMaking(view, what string) error {
	return registry.Faultf(registry.Rejected,
		"%s of the view %q is not possible while several nodes work on the store: stop them, let one node do it alone, and start the others again", what, view)
}
