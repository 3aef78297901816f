package entity

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// Comparison is an entity's state as its snapshot and the events after it give
// it, beside the one that all events give.
type Comparison struct {
	Version  store.Version // of both
	Snapshot store.Version // of the snapshot; zero: there is none that is used
	With     any
	Full     any
}

// Equal tells whether both are the same.
func (c *Comparison) Equal() bool { return c.Snapshot == 0 || reflect.DeepEqual(c.With, c.Full) }

// Compare folds an entity with its snapshot and without, in one reading.
func (g *Engine) Compare(ctx context.Context, def *registry.Entity, id string) (Comparison, error) {
	s := store.Stream{Type: def.Type, ID: id}
	full := loading{engine: g, def: def, stream: s, sum: sum{state: def.New()}, proved: true}
	c := Comparison{}
	pic, found := g.cfg.Snapshots.Load(ctx, g.cfg.Snapshots.Plan(def), s)
	with := loading{engine: g, def: def, stream: s, sum: sum{state: pic.State, version: pic.Version, last: pic.Last}}
	for e, err := range g.cfg.Store.Load(ctx, s, 0) {
		if err != nil {
			return c, fmt.Errorf("load %s: %w", s, err)
		}
		if err := full.step(&e); err != nil {
			return c, err
		}
		if !found || e.Version < pic.Version {
			continue
		}
		if err := with.step(&e); errors.Is(err, errNotOfLog) {
			found = false
		} else if err != nil {
			return c, fmt.Errorf("on top of the snapshot of version %d: %w", pic.Version, err)
		}
	}
	c.Version, c.Full = full.version, full.state
	if found && with.proved {
		c.Snapshot, c.With = pic.Version, with.state
	}
	return c, nil
}
