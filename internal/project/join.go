package project

import (
	"context"
	"errors"
	"fmt"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/table"
)

// Where several processes work on the tables, each build has an id, which is
// part of its state. Whoever changes rows or marks of a build compares it within
// the transaction, so that no one writes to tables that have become others.

// errTurned: the builds of a view are not those any more that this process
// knows.
var errTurned = errors.New("the tables of the view have become others")

// scene is what decides about where a view stands for a process.
type scene struct {
	live, livePrint string // id and fingerprint of what queries read
	next, nextPrint string // of what is to take that place
	last            bool   // nobody has a later definition
}

func (v *view) scene() scene {
	c := v.cfg.crew
	live, _ := c.state(v.def.Name)
	next, _ := c.state(prefixNext + v.def.Name)
	return scene{live.ID, live.Print, next.ID, next.Print, c.isLast(v.def.Name, v.fingerprint)}
}

// join finds out where a view stands among several processes, and makes what is
// missing.
func (v *view) join(ctx context.Context) (*standing, error) {
	for tries := 0; ; tries++ {
		s, err := v.joinOnce(ctx)
		if !errors.Is(err, errTurned) || tries == attempts {
			return s, err
		}
	}
}

func (v *view) joinOnce(ctx context.Context) (*standing, error) {
	if err := v.cfg.look(ctx); err != nil {
		return nil, err
	}
	made, err := v.cfg.Tables.Made(ctx)
	if err != nil {
		return nil, err
	}
	s, live, next := &standing{scene: v.scene()}, v.build(""), v.build(prefixNext)
	var known bool
	live.state, known = v.cfg.crew.state(live.name)
	next.state, _ = v.cfg.crew.state(next.name)
	same, some := live.presence(made)
	if !some && !known {
		return nil, v.again(v.make(ctx, live, s.scene, func(*state) {}))
	}
	if same && (live.state.Print == "" || live.state.Print == v.fingerprint) {
		s.live = live
	} else {
		s.other = live
	}
	ahead, err := live.attach(ctx)
	if err != nil {
		return nil, err
	}
	if s.live != nil {
		if err := v.reopen(ctx, live); err != nil {
			return nil, err
		}
	}
	if s.scene.next != "" && s.scene.nextPrint == v.fingerprint && (s.live != nil || s.scene.last) {
		return s, v.follow(ctx, s, next)
	}
	if !s.scene.last || s.live != nil && !ahead {
		return s, nil
	}
	return nil, v.again(v.make(ctx, next, s.scene, func(st *state) { st.Asked, st.Starts = s.live != nil, live.state.Starts }))
}

// again has the view be looked at once more after tables were made.
func (v *view) again(err error) error {
	if err == nil {
		return errTurned
	}
	return err
}

// follow takes part in a build that is to take the place of the live one.
func (v *view) follow(ctx context.Context, s *standing, next *build) error {
	s.next = next
	ahead, err := next.attach(ctx)
	if err == nil && ahead {
		starts := next.state.Starts
		err = v.again(v.make(ctx, next, s.scene, func(st *state) { st.Asked, st.Starts = s.live != nil, starts }))
	}
	return err
}

// attach has the runners go to where a build stands. Tables that are ahead of
// the log were made of events which are gone.
func (b *build) attach(ctx context.Context) (ahead bool, err error) {
	cfg := b.view.cfg
	b.id = b.state.ID
	marks, err := b.marks(ctx)
	if err != nil {
		return false, err
	}
	for p, mark := range marks {
		head, err := cfg.headBeyond(ctx, store.Partition(p), mark)
		if err != nil {
			return false, err
		}
		if mark > head {
			cfg.Log.WarnContext(ctx, "view is ahead of the log, which must have lost events: making the view anew",
				"view", b.name, "partition", p, "mark", mark, "head", head)
			ahead = true
		}
		if p < len(b.state.Starts) {
			b.parts[p].start = min(store.Position(b.state.Starts[p]), head)
		}
	}
	return ahead, b.load(ctx, marks)
}

// make makes the tables of a build, if all is as it was seen.
func (v *view) make(ctx context.Context, b *build, seen scene, change func(*state)) error {
	cfg := v.cfg
	fresh := state{ID: cfg.newID(), Print: v.fingerprint}
	if cfg.Erasure != nil {
		fresh.Erasure = cfg.Erasure()
	}
	change(&fresh)
	if v.def.FromNow && len(fresh.Starts) != len(b.parts) {
		starts, err := cfg.heads(ctx)
		if err != nil {
			return err
		}
		fresh.Starts = starts
	}
	return cfg.Tables.Make(ctx, b.schemas(), func(tx table.Tx) error {
		if err := v.unturned(tx, seen); err != nil {
			return err
		}
		if err := b.forget(tx); err != nil {
			return err
		}
		b.state = fresh
		return b.lay(tx)
	})
}

// lay writes the state of a build that is made, and its marks: those that are
// there keep a late transaction of another build from making them.
func (b *build) lay(tx table.Tx) error {
	for p := range b.parts {
		start := int64(0)
		if p < len(b.state.Starts) {
			start = b.state.Starts[p]
		}
		if err := tx.Mark(b.name, p, 0, start); err != nil {
			return err
		}
	}
	return b.putState(tx, b.name)
}

// heads are those of all partitions.
func (c *Config) heads(ctx context.Context) (all []int64, err error) {
	for p := range c.Tail.Partitions() {
		if err := c.Tail.Refresh(ctx, store.Partition(p)); err != nil {
			return nil, err
		}
		all = append(all, int64(c.Tail.Head(store.Partition(p))))
	}
	return all, nil
}

// unturned fails if the builds are not those that were seen.
func (v *view) unturned(tx table.Tx, seen scene) error {
	live, err := v.stateIn(tx, v.def.Name)
	if err != nil {
		return err
	}
	next, err := v.stateIn(tx, prefixNext+v.def.Name)
	if err == nil && (live.ID != seen.live || next.ID != seen.next) {
		err = errTurned
	}
	return err
}

// admit fails if the build is not the one any more that this process knows, or
// rests.
func (b *build) admit(tx table.Tx) error {
	if !b.view.cfg.Shared {
		return nil
	}
	st, err := b.view.stateIn(tx, b.name)
	switch {
	case err != nil:
		return err
	case st.ID != b.id:
		return fmt.Errorf("build %s: %w", b.name, errTurned)
	case b.live && st.rests():
		return fmt.Errorf("build %s: %w", b.name, errRests)
	}
	return nil
}

// reopen has a build be fed again that rested for one which is not made any
// more.
func (v *view) reopen(ctx context.Context, live *build) error {
	next, _ := v.cfg.crew.state(prefixNext + v.def.Name)
	if live.state.Closed == "" || live.state.Closed == next.ID {
		return nil
	}
	return v.change(ctx, live, func(st *state) error {
		st.Closed, st.Ended = "", ""
		return nil
	})
}

// rebuild makes new tables beside those that are there, which all processes
// fill. It returns when this one takes part in that.
func (p *Projector) rebuild(ctx context.Context, v *view) error {
	for tries := 0; ; tries++ {
		err := v.wish(ctx)
		if err == nil {
			err = p.cfg.look(ctx)
		}
		if err == nil {
			break
		}
		if !errors.Is(err, errTurned) || tries == attempts {
			return err
		}
	}
	_, err := p.stood(ctx, v)
	return err
}

// stood waits until a view stands where the tables say that it does.
func (p *Projector) stood(ctx context.Context, v *view) (*standing, error) {
	p.cfg.crew.poke()
	for {
		turned, news := v.turn(), p.cfg.crew.changed()
		if s := v.where(); s != nil && s.scene == v.scene() {
			return s, nil
		}
		select {
		case <-turned:
		case <-news:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-p.ended:
			return nil, errEnded
		}
	}
}

// wish begins to make new tables, unless they are being made, or have become
// those that queries read since this process looked last.
func (v *view) wish(ctx context.Context) error {
	if err := v.cfg.look(ctx); err != nil {
		return err
	}
	now, s := v.scene(), v.where()
	live, _ := v.cfg.crew.state(v.def.Name)
	switch {
	case now.next != "" && now.nextPrint == v.fingerprint, s != nil && s.scene.live != now.live:
		return nil
	case now.next != "" && v.cfg.crew.hadBy(v.def.Name, now.nextPrint):
		return registry.Faultf(registry.Unavailable, "other nodes make the view %q anew, as its definition has changed there: try again when that is done", v.def.Name)
	case s == nil || s.live == nil:
		return registry.Faultf(registry.Unavailable, "the definition of the view %q is not the one that is in use: other nodes have a later one", v.def.Name)
	}
	next := v.build(prefixNext)
	return v.make(ctx, next, now, func(st *state) { st.Asked, st.Starts = true, live.Starts })
}
