package entity

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/talix-dev/talix/internal/commit"
	"github.com/talix-dev/talix/internal/id"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// prepare is load, but takes an entity whose id was made a moment ago for one
// without events. The caller has the turn, and must not rely on a guess.
func (g *Engine) prepare(ctx context.Context, l *live) error {
	if l.chain == nil && id.Within(l.stream.ID, g.cfg.Now(), newborn) {
		l.assume(l.def.New())
	}
	if l.chain != nil && l.usable() {
		return l.poison
	}
	return g.load(ctx, l)
}

// newborn is how young an id is for its entity to be taken for new.
const newborn = 10 * time.Second

// load makes an entity's state usable. The caller has the turn.
func (g *Engine) load(ctx context.Context, l *live) error {
	if l.chain != nil && l.usable() && !l.guessed() {
		return l.poison
	}
	// What is on its way has to arrive before the store can be read.
	if l.last != nil {
		if !l.last.Wait(ctx) {
			return notStarted(context.Cause(ctx))
		}
	}
	term := l.term.Load()
	all, err := g.sumUp(ctx, l.def, l.stream)
	if poison, ok := errors.AsType[*poisonError](err); ok {
		g.cfg.Log.Error("fold entity", "entity", l.stream.String(), "error", poison)
		l.set(sum{state: l.def.New()}, poison.fault(), term)
		return l.poison
	}
	if err != nil {
		return err
	}
	l.set(all, nil, term)
	g.resize(l)
	return nil
}

// poisonError: the entity's events cannot be folded, so nothing can be decided
// on it until the program was mended.
type poisonError struct {
	event store.Event
	cause error
}

func (e *poisonError) Error() string {
	return fmt.Sprintf("event %d of %s, %s at position %d, cannot be folded: %v",
		e.event.Version, e.event.Stream, e.event.Type, e.event.Position, e.cause)
}

// IsPoison tells whether an error says that an entity's events cannot be
// folded.
func IsPoison(err error) bool {
	_, is := errors.AsType[*poisonError](err)
	return is
}

func (e *poisonError) fault() error {
	return registry.Faultf(registry.Internal, "%s %q cannot be loaded", e.event.Stream.Type, e.event.Stream.ID).Because(e)
}

// loadTimeout bounds a load, and with it how long a turn can last.
const loadTimeout = 30 * time.Second

// fold is the state that an entity's events in the store add up to.
func (g *Engine) fold(ctx context.Context, def *registry.Entity, s store.Stream) (any, store.Version, error) {
	all, err := g.sumUp(ctx, def, s)
	return all.state, all.version, err
}

// apply folds one event into a state and turns a panic into an error.
func apply(def *registry.Entity, state any, e *store.Event) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return def.Fold(state, e)
}

// Read returns a copy of an entity's confirmed state, and its version.
func (g *Engine) Read(ctx context.Context, def *registry.Entity, id string) (any, store.Version, error) {
	return g.read(ctx, def, id, false)
}

// read is Read; inTurn tells that the caller has another entity's turn, and so
// must not wait for this one's.
func (g *Engine) read(ctx context.Context, def *registry.Entity, id string, inTurn bool) (any, store.Version, error) {
	s := store.Stream{Type: def.Type, ID: id}
	p := store.PartitionOf(s, g.partitions)
	before, ok := g.owns(p)
	if !ok {
		return g.fold(ctx, def, s)
	}
	l := g.acquire(def, s, p)
	defer g.release(l)
	for attempt := range g.cfg.Attempts {
		state, version, ok, err := g.readOnce(ctx, l, inTurn)
		switch {
		case !g.stillOwns(p, before):
			return g.fold(ctx, def, s)
		case ok || err != nil:
			return state, version, err
		}
		if err := wait(ctx, g.pause(attempt)); err != nil {
			return nil, 0, notStarted(err)
		}
	}
	return g.fold(ctx, def, s)
}

func (g *Engine) readOnce(ctx context.Context, l *live, inTurn bool) (any, store.Version, bool, error) {
	if state, version, rests, ok := l.peek(); ok {
		durable := g.gate(ctx, rests)
		if !durable {
			return nil, 0, false, notStarted(context.Cause(ctx))
		}
		return l.def.Copy(state), version, true, nil
	}
	if inTurn {
		if !l.tryEnter() {
			state, version, err := g.fold(ctx, l.def, l.stream)
			return state, version, true, err
		}
	} else if err := l.enter(ctx, g.cfg.MaxQueue, g.cfg.MaxWait, g.cfg.Now); err != nil {
		return nil, 0, false, err
	}
	state, version, rests, err := g.copyInTurn(ctx, l)
	if err != nil {
		return nil, 0, false, err
	}
	if !g.gate(ctx, rests) {
		return nil, 0, false, notStarted(context.Cause(ctx))
	}
	return state, version, true, nil
}

// copyInTurn loads and copies a state; it gives back the turn that the caller
// has.
func (g *Engine) copyInTurn(ctx context.Context, l *live) (any, store.Version, *commit.Pending, error) {
	defer l.leave()
	if err := g.load(ctx, l); err != nil {
		return nil, 0, nil, err
	}
	return l.def.Copy(l.state), l.version, l.unsettled(), nil
}
