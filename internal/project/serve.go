package project

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/table"
)

// request is something to be done to a view while nothing else is.
type request struct {
	do   func(ctx context.Context, s *standing) error
	done chan error
}

// run keeps the view up with all partitions.
func (v *view) run(ctx context.Context) {
	for tries := 0; ctx.Err() == nil; {
		err := v.once(ctx)
		if err == nil {
			tries = 0
			continue
		}
		tries++
		v.inDoubt()
		r := v.build("").parts[0]
		if ctx.Err() == nil && !r.pauseAfter(ctx, err, tries) {
			return
		}
	}
}

// once finds out where the view stands, if that is in doubt, and runs it.
func (v *view) once(ctx context.Context) error {
	v.mu.Lock()
	doubt := v.doubt
	v.mu.Unlock()
	if doubt {
		if err := v.stand(ctx); err != nil {
			return err
		}
	}
	s := v.where()
	if !v.tried && !v.cfg.Shared {
		v.tried = true
		s.tryParked(ctx)
	}
	if v.cfg.Shared {
		return v.serveShared(ctx, s)
	}
	return v.serve(ctx, s)
}

// inDoubt has stand called again. Until then, what was known is told.
func (v *view) inDoubt() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.doubt = true
}

// serve runs the runners, until there is something else to do, and does that.
func (v *view) serve(ctx context.Context, s *standing) error {
	reached := make(chan struct{})
	s.awaited(func() { close(reached) })
	whole := (<-chan struct{})(reached)
	stop := s.start(ctx)
	defer stop()
	if s.next == nil && !s.live.state.Built {
		select {
		case <-whole:
			if err := v.built(ctx, s.live); err != nil {
				return err
			}
			whole = nil
		case ask := <-v.requests:
			return v.answer(ctx, s, ask, stop)
		case <-ctx.Done():
			return nil
		}
	}
	select {
	case <-whole:
		stop()
		return v.switchOver(ctx, s)
	case ask := <-v.requests:
		return v.answer(ctx, s, ask, stop)
	case <-ctx.Done():
		return nil
	}
}

// start starts the runners; stop waits until they have ended.
func (s *standing) start(ctx context.Context) (stop func()) {
	running, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	for _, b := range s.builds() {
		for _, r := range b.parts {
			wg.Go(func() { r.run(running) })
		}
	}
	if s.other != nil {
		for _, r := range s.other.parts {
			wg.Go(func() { r.lookOn(running, nil, nil) })
		}
	}
	return func() {
		cancel()
		wg.Wait()
	}
}

func (s *standing) builds() (all []*build) {
	for _, b := range []*build{s.live, s.next} {
		if b != nil {
			all = append(all, b)
		}
	}
	return all
}

// awaited calls fn once all runners of the build that is being made have
// reached what there was when they began.
func (s *standing) awaited(fn func()) {
	b := s.next
	if b == nil && !s.live.state.Built {
		b = s.live
	}
	if b == nil {
		return
	}
	var left atomic.Int32
	left.Store(int32(len(b.parts)))
	for _, r := range b.parts {
		r.onWhole = func() {
			if left.Add(-1) == 0 {
				b.setWhole()
				fn()
			}
		}
	}
}

// answer does what was asked for while the runners rest. Who asked is told once
// the view stands where that led to, so that its status shows it.
func (v *view) answer(ctx context.Context, s *standing, ask *request, stop func()) error {
	stop()
	err := s.flush(ctx)
	if err == nil {
		err = ask.do(ctx, s)
	}
	v.inDoubt()
	stood := v.stand(ctx)
	ask.done <- err
	return stood
}

// flush writes what runners hold in memory. Those that don't know where they
// stand find out.
func (s *standing) flush(ctx context.Context) error {
	for _, b := range s.builds() {
		for _, r := range b.parts {
			if r.reload && !r.view.cfg.Shared { // else it may be another process's
				if err := r.load(ctx); err != nil {
					return err
				}
			}
			if err := r.flush(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// built notes that the tables have once been up to date.
func (v *view) built(ctx context.Context, b *build) error {
	if err := b.note(ctx, func(st *state) { st.Built = true }); err != nil {
		return fmt.Errorf("note that view %s is made: %w", v.def.Name, err)
	}
	v.changed()
	return nil
}

// switchOver puts the new tables into the place of the old ones, in one
// transaction. First they get as far as those, so that who has seen an event in
// the old ones sees it in the new ones.
func (v *view) switchOver(ctx context.Context, s *standing) error {
	if err := s.flush(ctx); err != nil {
		return err
	}
	if s.live != nil {
		for p, r := range s.next.parts {
			if err := r.reach(ctx, s.live.parts[p].seen); err != nil {
				return err
			}
		}
	}
	next, live := s.next, v.build("")
	next.set(func(st *state) { st.Built, st.Asked = true, false })
	err := v.cfg.Tables.Replace(ctx, live.schemas(), next.schemas(), func(tx table.Tx) error {
		if err := live.forget(tx); err != nil {
			return err
		}
		for p, r := range next.parts {
			if err := tx.Mark(live.name, p, int64(r.mark), int64(r.mark)); err != nil {
				return err
			}
		}
		return next.become(tx, live)
	})
	if err != nil {
		return fmt.Errorf("switch view %s over to its new tables: %w", v.def.Name, err)
	}
	v.cfg.Log.InfoContext(ctx, "view was made anew", "view", v.def.Name)
	v.changed()
	v.inDoubt()
	return nil
}

// become hands on what stands beside the tables.
func (b *build) become(tx table.Tx, live *build) error {
	for _, r := range b.parts {
		for _, p := range r.lot.all {
			if err := tx.Put(b.view.cfg.parked, p.row(live.name)); err != nil {
				return err
			}
		}
	}
	if err := b.forget(tx); err != nil {
		return err
	}
	return b.putState(tx, live.name)
}

// reach takes the events up to a position.
func (r *runner) reach(ctx context.Context, to store.Position) error {
	for r.reload || r.seen < to {
		if r.reload {
			if err := r.load(ctx); err != nil {
				return err
			}
			continue
		}
		var err error
		if r.size() > 1 {
			err = r.catchUp(ctx, to)
		} else {
			err = r.next(ctx, 1)
		}
		if err != nil {
			return err
		}
	}
	return r.flush(ctx)
}
