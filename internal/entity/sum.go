package entity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/snapshot"
	"github.com/talix-dev/talix/store"
)

// sum is what events add up to.
type sum struct {
	state   any
	version store.Version
	last    store.ID      // the event of that version
	pinned  store.Version // of the last snapshot that there is, or was asked for
	ended   bool          // by its last event
}

// errNotOfLog: a snapshot rests on events that this log does not have, as after
// a part of the store was restored from a backup.
var errNotOfLog = errors.New("the snapshot is not of this log")

// sumUp adds up the events of an entity in the store: on top of its snapshot, or
// all of them. A snapshot that leads to an entity that cannot be folded is not
// trusted.
func (g *Engine) sumUp(ctx context.Context, def *registry.Entity, s store.Stream) (sum, error) {
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	plan := g.cfg.Snapshots.Plan(def)
	if pic, ok := g.cfg.Snapshots.Load(ctx, plan, s); ok {
		all, err := g.addUp(ctx, def, s, sum{state: pic.State, version: pic.Version, last: pic.Last, pinned: pic.Version})
		poison, _ := errors.AsType[*poisonError](err)
		if poison == nil && !errors.Is(err, errNotOfLog) {
			return all, err
		}
		g.cfg.Log.Warn("pass over snapshot", "entity", s.String(), "error", err)
	}
	return g.addUp(ctx, def, s, sum{state: def.New()})
}

// addUp adds the events above a sum. One that is not empty is held against the
// log first.
func (g *Engine) addUp(ctx context.Context, def *registry.Entity, s store.Stream, all sum) (sum, error) {
	l := loading{engine: g, def: def, stream: s, sum: all, began: g.cfg.Now(), proved: all.version == 0}
	for e, err := range g.cfg.Store.Load(ctx, s, max(all.version-1, 0)) {
		if err != nil {
			return sum{}, registry.Faultf(registry.Unavailable, "the store cannot be read at the moment; try again later").
				Because(fmt.Errorf("load %s: %w", s, err))
		}
		if err := l.add(&e); err != nil {
			return sum{}, err
		}
	}
	if !l.proved {
		return sum{}, errNotOfLog
	}
	l.end()
	return l.sum, nil
}

// loading is a load under way.
type loading struct {
	engine *Engine
	def    *registry.Entity
	stream store.Stream
	sum
	began  time.Time
	proved bool // the sum that it began with is of this log
}

// add is step, and leaves snapshots on its way.
func (l *loading) add(e *store.Event) error {
	if err := l.step(e); err != nil {
		return err
	}
	if l.version%pauseEvery == 0 {
		l.pause()
	}
	return nil
}

// step takes the next event.
func (l *loading) step(e *store.Event) error {
	if !l.proved {
		l.proved = e.Version == l.version && e.ID == l.last
		if !l.proved {
			return errNotOfLog
		}
		l.ended = registry.Ends(e)
		return nil
	}
	if e.Version != l.version+1 {
		return &poisonError{*e, fmt.Errorf("it follows version %d", l.version)}
	}
	if err := apply(l.def, l.state, e); err != nil {
		return &poisonError{*e, err}
	}
	l.version, l.last, l.ended = e.Version, e.ID, l.ended || registry.Ends(e)
	return nil
}

// A load that takes so long leaves a snapshot on its way now and then, so that
// the next one need not begin from the front, even if this one is given up.
const (
	pauseEvery = 10_000
	longLoad   = time.Second
)

func (l *loading) pause() {
	if now := l.engine.cfg.Now(); now.Sub(l.began) > longLoad {
		l.offer()
		l.began = now
	}
}

// end asks for a snapshot if this load was one too many.
func (l *loading) end() {
	plan := l.engine.cfg.Snapshots.Plan(l.def)
	if l.ended || l.version == l.pinned || plan.Every() == 0 {
		return
	}
	if plan.DueLoaded(l.pinned, l.version, l.def.Size(l.state), l.engine.cfg.Now().Sub(l.began)) {
		l.offer()
	}
}

func (l *loading) offer() {
	pic, ok := l.engine.draw(l.def, l.stream, l.state, l.def.Size(l.state))
	if !ok {
		return
	}
	pic.Version, pic.Last = l.version, l.last
	l.pinned = l.version
	l.engine.cfg.Snapshots.Offer(pic)
}

// draw takes a picture of a state, unless there are too many already.
func (g *Engine) draw(def *registry.Entity, s store.Stream, state any, size int) (pic snapshot.Picture, ok bool) {
	plan := g.cfg.Snapshots.Plan(def)
	if plan.Every() == 0 || !g.cfg.Snapshots.Room(size) {
		return pic, false
	}
	defer func() {
		if p := recover(); p != nil { // the state's own Clone
			g.cfg.Log.Warn("copy state for a snapshot", "entity", s.String(), "error", fmt.Sprintf("panic: %v", p))
			ok = false
		}
	}()
	if !snapshot.Tree(state) {
		return pic, false
	}
	c := def.Copy(state)
	return snapshot.Picture{Stream: s, State: c, Size: size, Plan: plan}, true
}

// pin draws the state that a turn led to if a snapshot of it is due. It is
// offered once the turn's events are durable.
func (t *turn) pin() {
	l, now := t.live, t.Version()
	if len(t.events) == 0 || t.ended || !l.plan.Due(l.pinned, now, l.size) {
		return
	}
	l.pinned = now // should it not come to be written, the next one is soon enough
	pic, ok := t.engine.draw(l.def, l.stream, t.state, l.size)
	if ok {
		pic.Version, pic.Last = now, t.events[len(t.events)-1].ID
		t.picture = &pic
	}
}

// offer hands over what was pinned; the turn is durable.
func (t *turn) offer() {
	if t.picture != nil {
		if !t.live.isOver() {
			t.engine.cfg.Snapshots.Offer(*t.picture)
		}
		t.picture = nil
	}
}
