package project

import (
	"context"
	"errors"
	"fmt"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/table"
)

// serveShared runs the runners beside those of other processes, until the view
// stands elsewhere.
func (v *view) serveShared(ctx context.Context, s *standing) error {
	stop := s.start(ctx)
	defer stop()
	for {
		news := v.cfg.crew.changed()
		if s.scene != v.scene() {
			v.inDoubt()
			return nil
		}
		turned, err := v.further(ctx, s, stop)
		if turned || errors.Is(err, errTurned) {
			v.inDoubt()
			v.cfg.crew.poke()
			return nil
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-news:
		case ask := <-v.requests:
			return v.answer(ctx, s, ask, stop)
		case <-ctx.Done():
			return nil
		}
	}
}

// further does what is next with what is being made.
func (v *view) further(ctx context.Context, s *standing, stop func()) (turned bool, err error) {
	if s.live != nil && !s.live.state.Built {
		if whole, err := s.live.caughtUp(ctx); err != nil || !whole {
			return false, err
		}
		s.live.setWhole()
		if err := v.built(ctx, s.live); err != nil {
			return false, err
		}
	}
	if s.next == nil {
		return false, nil
	}
	names, known := v.cfg.crew.readers(v.def.Name, v.fingerprint, s.scene.livePrint)
	v.waitFor(s, names)
	if !known || len(names) > 0 {
		return false, s.next.look(ctx)
	}
	if whole, err := s.next.caughtUp(ctx); err != nil || !whole {
		return false, err
	}
	return v.turnOver(ctx, s, stop)
}

// look shows how far others are.
func (b *build) look(ctx context.Context) error {
	marks, err := b.marks(ctx)
	for p, mark := range marks {
		b.parts[p].progress.atLeast(mark)
	}
	return err
}

// waitFor notes who keeps the view from turning.
func (v *view) waitFor(s *standing, names []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	s.waits = names
}

// turnOver puts the new tables into the place of the old ones, in one
// transaction, whoever of several processes comes first. Before, the old ones
// come to rest, and the new ones get as far as those, so that who has seen an
// event in the old ones sees it in the new ones.
func (v *view) turnOver(ctx context.Context, s *standing, stop func()) (turned bool, err error) {
	shown := s.live
	if shown == nil {
		shown = s.other
	}
	if err := v.closeDown(ctx, shown, s.next); err != nil {
		return false, rested(err)
	}
	ends, err := shown.marks(ctx)
	if err != nil {
		return false, err
	}
	marks, err := s.next.marks(ctx)
	if err != nil {
		return false, err
	}
	for p := range marks {
		if marks[p] < min(ends[p], v.cfg.Tail.Head(store.Partition(p))) {
			v.cfg.crew.poke()
			return false, nil
		}
	}
	stop()
	err = v.replace(ctx, s)
	if err == nil {
		v.cfg.Log.InfoContext(ctx, "view was made anew", "view", v.def.Name)
		return true, nil
	}
	if v.cfg.look(ctx) == nil && s.scene != v.scene() {
		return true, nil // another process was first
	}
	return false, fmt.Errorf("switch view %s over to its new tables: %w", v.def.Name, err)
}

// rested passes over what only needs another look.
func rested(err error) error {
	if errors.Is(err, errRests) || errors.Is(err, table.ErrMark) {
		return nil
	}
	return err
}

func (v *view) replace(ctx context.Context, s *standing) error {
	live := v.build("")
	return v.cfg.Tables.Replace(ctx, live.schemas(), s.next.schemas(), func(tx table.Tx) error {
		if err := v.unturned(tx, s.scene); err != nil {
			return err
		}
		was, err := v.stateIn(tx, live.name)
		if err == nil && was.Ended != s.next.id {
			err = errTurned
		}
		if err != nil {
			return err
		}
		if err := live.forget(tx); err != nil {
			return err
		}
		return s.next.hand(tx, live)
	})
}

// hand is become for a build that several processes have filled: what is parked
// stands in the table.
func (b *build) hand(tx table.Tx, live *build) error {
	st, err := b.view.stateIn(tx, b.name)
	if err != nil {
		return err
	}
	all, err := parkedOf(tx, b.view.cfg.parked, b.name)
	if err != nil {
		return err
	}
	for _, p := range all {
		if err := tx.Put(b.view.cfg.parked, p.row(live.name)); err != nil {
			return err
		}
	}
	if err := b.forget(tx); err != nil {
		return err
	}
	st.Built, st.Asked = true, false
	return st.put(tx, b.view.cfg.states, live.name)
}

// closeDown has no process feed a build any more, for the one that is to take
// its place. At first the state tells that, which each transaction reads; those
// that had read it before are refused for the marks that they were to move.
func (v *view) closeDown(ctx context.Context, shown, next *build) error {
	now, _ := v.cfg.crew.state(shown.name)
	if now.Ended == next.id {
		return nil
	}
	err := v.change(ctx, shown, func(st *state) error {
		if st.Held != "" {
			return errRests
		}
		st.Closed = next.id
		return nil
	})
	if err != nil {
		return err
	}
	return v.settle(ctx, shown, func(st *state) error {
		st.Ended = st.Closed
		return nil
	})
}

// settle changes the state of a build that rests once no transaction of its
// runners is under way which could still be committed; table.ErrMark if there
// may be one.
func (v *view) settle(ctx context.Context, b *build, change func(*state) error) error {
	marks, err := b.marks(ctx)
	if err != nil {
		return err
	}
	return v.cfg.Tables.Update(ctx, func(tx table.Tx) error {
		for p, mark := range marks {
			if err := tx.Mark(b.name, p, int64(mark), int64(mark)); err != nil {
				return err
			}
		}
		return v.changeIn(tx, b, change)
	})
}

// change changes the state of a build, if it is still the one that is known.
func (v *view) change(ctx context.Context, b *build, change func(*state) error) error {
	return v.cfg.Tables.Update(ctx, func(tx table.Tx) error { return v.changeIn(tx, b, change) })
}

func (v *view) changeIn(tx table.Tx, b *build, change func(*state) error) error {
	st, err := v.stateIn(tx, b.name)
	if err != nil {
		return err
	}
	if st.ID != b.id {
		return errTurned
	}
	if err := change(&st); err != nil {
		return err
	}
	return st.put(tx, v.cfg.states, b.name)
}
