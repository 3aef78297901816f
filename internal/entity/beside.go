package entity

import (
	"context"
	"math"
	"time"

	"github.com/talix-dev/talix/internal/commit"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// besideWait bounds how long a change of a record waits for the turn.
const besideWait = 5 * time.Second

// Beside begins to commit a change of a record that stands and falls with an
// entity. Its batch names the version that the entity has at its place among the
// appends, so that whoever deletes the entity, here or in another process, does
// so before, and it is a Conflict, or after, and removes the record. Nil: the
// entity was deleted, belongs to another process, or cannot be looked at now.
//
// The batch is none of the chain: no command falls with it.
func (g *Engine) Beside(def *registry.Entity, s store.Stream, c store.Change) *commit.Pending {
	p := store.PartitionOf(s, g.partitions)
	group := g.cfg.Group(p)
	if _, own := g.owns(p); !own || group.Busy() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), besideWait)
	defer cancel()
	l := g.acquire(def, s, p)
	defer g.release(l)
	if err := l.enter(ctx, math.MaxInt, math.MaxInt64, time.Now); err != nil {
		return nil
	}
	defer l.leave()
	version, alive := g.whereabouts(ctx, l)
	if !alive {
		return nil
	}
	return group.Submit(store.Batch{
		Appends: []store.Append{{Stream: s, Expect: version}},
		Records: []store.Change{c},
	}, nil)
}

// whereabouts is the version of an entity; false if it was deleted, or cannot be
// told. The caller has the turn.
func (g *Engine) whereabouts(ctx context.Context, l *live) (store.Version, bool) {
	if l.chain != nil && l.usable() && l.poison == nil && !l.guessed() {
		return l.version, !l.ended
	}
	if l.last != nil && !l.last.Wait(ctx) {
		return 0, false
	}
	for e, err := range store.LoadBack(ctx, g.cfg.Store, l.stream, 0) {
		return e.Version, err == nil && !registry.Ends(&e)
	}
	return 0, false
}
