package project

import (
	"context"
	"errors"
	"fmt"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/table"
)

// errRests: the build is not fed for the time being.
var errRests = errors.New("the view rests")

// verifyShared is verify where several processes feed the view. One at a time
// makes tables to compare with; while rows are compared, the view rests for all.
func (p *Projector) verifyShared(ctx context.Context, v *view, each func(Difference) bool) error {
	for tries := 0; ; tries++ {
		err := p.verifyOnce(ctx, v, each)
		if !errors.Is(err, errTurned) || tries == attempts {
			return err
		}
	}
}

// verifyOnce is errTurned where the view was made anew meanwhile, before it has
// compared a row.
func (p *Projector) verifyOnce(ctx context.Context, v *view, each func(Difference) bool) (err error) {
	if err := p.cfg.look(ctx); err != nil {
		return err
	}
	s, err := p.stood(ctx, v)
	if err != nil {
		return err
	}
	if _, fault := v.pending(); fault != nil {
		return fault
	}
	check := v.build(prefixCheck)
	if err := v.claim(ctx, check, s.live); err != nil {
		return err
	}
	defer func() {
		// The caller may have gone, but the tables are to go, too.
		if dropped := check.drop(context.WithoutCancel(ctx)); err == nil {
			err = dropped
		}
	}()
	marks, err := s.live.marks(ctx)
	if err == nil {
		err = check.reachAll(ctx, marks)
	}
	if err != nil {
		return err
	}
	v.checking.Store(true)
	defer v.checking.Store(false)
	defer func() {
		if released := v.release(context.WithoutCancel(ctx), s.live); err == nil {
			err = released
		}
	}()
	if marks, err = v.rest(ctx, s.live); err == nil {
		err = check.reachAll(ctx, marks)
	}
	if err != nil {
		return err
	}
	return s.live.compare(ctx, check, each)
}

// claim makes the tables to compare with, unless another process has.
func (v *view) claim(ctx context.Context, check, live *build) error {
	fresh := state{ID: v.cfg.newID(), Print: v.fingerprint, By: v.cfg.Self, Starts: live.state.Starts}
	check.id, check.state = fresh.ID, fresh
	for p := range fresh.Starts {
		check.parts[p].start = store.Position(fresh.Starts[p])
	}
	return v.cfg.Tables.Make(ctx, check.schemas(), func(tx table.Tx) error {
		was, err := v.stateIn(tx, check.name)
		if err != nil {
			return err
		}
		if was.By != "" && was.By != v.cfg.Self && v.cfg.crew.lives(was.By) {
			return registry.Faultf(registry.Unavailable, "another node verifies the view %q: try again when that is done", v.def.Name)
		}
		if err := check.forget(tx); err != nil {
			return err
		}
		return check.lay(tx)
	})
}

// reachAll takes the events up to positions.
func (b *build) reachAll(ctx context.Context, to []store.Position) error {
	for p, r := range b.parts {
		if err := b.view.cfg.Tail.Refresh(ctx, r.partition); err != nil {
			return err
		}
		if err := r.reach(ctx, to[p]); err != nil {
			return err
		}
	}
	return nil
}

// rest has a build rest, for all processes, and tells where it stands then.
func (v *view) rest(ctx context.Context, b *build) ([]store.Position, error) {
	for {
		err := v.settle(ctx, b, func(st *state) error {
			if st.Held != v.cfg.Self {
				return errRests
			}
			return nil
		})
		switch {
		case err == nil:
			return b.marks(ctx)
		case errors.Is(err, errRests):
			err = v.change(ctx, b, func(st *state) error {
				if st.rests() {
					return errRests
				}
				st.Held = v.cfg.Self
				return nil
			})
		}
		if err = rested(err); err != nil {
			return nil, fmt.Errorf("have the view rest: %w", err)
		}
		if !sleep(ctx, soon) {
			return nil, context.Cause(ctx)
		}
	}
}

// release ends that. Should it fail, it is done again by whoever finds it.
func (v *view) release(ctx context.Context, b *build) error {
	bounded, cancel := context.WithTimeout(ctx, longPause)
	defer cancel()
	err := v.change(bounded, b, func(st *state) error {
		if st.Held == v.cfg.Self {
			st.Held = ""
		}
		return nil
	})
	v.cfg.crew.poke()
	if errors.Is(err, errTurned) {
		return nil
	}
	return err
}

// tidy ends what processes have left behind that are gone.
func (v *view) tidy(ctx context.Context) error {
	c := v.cfg.crew
	live, _ := c.state(v.def.Name)
	if h := live.Held; h != "" && (!c.lives(h) || h == c.self && !v.checking.Load()) {
		b := v.build("")
		b.id = live.ID
		err := v.change(ctx, b, func(st *state) error {
			if st.Held == h && (h != c.self || !v.checking.Load()) {
				st.Held = ""
			}
			return nil
		})
		if err != nil && !errors.Is(err, errTurned) {
			return err
		}
	}
	if check, known := c.state(prefixCheck + v.def.Name); known && !c.lives(check.By) {
		if err := v.leave(ctx, v.build(prefixCheck), check.ID); err != nil {
			return err
		}
	}
	next, known := c.state(prefixNext + v.def.Name)
	if known && live.Print == v.fingerprint && !c.hadBy(v.def.Name, next.Print) {
		return v.leave(ctx, v.build(prefixNext), next.ID)
	}
	return nil
}

// leave drops a build that nobody makes any more.
func (v *view) leave(ctx context.Context, b *build, id string) error {
	b.id = id
	err := v.change(ctx, b, func(*state) error { return nil })
	if err == nil {
		err = b.drop(ctx)
	}
	if errors.Is(err, errTurned) {
		return nil
	}
	return err
}

// onHold tells that the view rests.
func (v *view) onHold() bool {
	s, _ := v.cfg.crew.state(v.def.Name)
	return s.rests()
}
