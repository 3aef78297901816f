package entity

import (
	"context"
	"fmt"
	"time"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// AsOf is a moment in an entity's history.
type AsOf struct {
	Version store.Version // zero: by time
	Time    time.Time     // zero: now
}

// VersionAt is the version that an entity had at a moment: its last one, or the
// last one whose event is not later than a time. Clocks may have differed: a
// version counts if it, or one after it, is not later.
func (g *Engine) VersionAt(ctx context.Context, s store.Stream, at AsOf) (store.Version, error) {
	for e, err := range store.LoadBack(ctx, g.cfg.Store, s, before(at.Version)) {
		if err != nil {
			return 0, fmt.Errorf("load %s: %w", s, err)
		}
		if at.Version > 0 || at.Time.IsZero() || !e.Time.After(at.Time) {
			return e.Version, nil
		}
	}
	return 0, nil
}

func before(last store.Version) store.Version {
	if last <= 0 {
		return 0
	}
	return last + 1
}

// History is a fold that goes on event by event.
type History struct{ loading }

// StateAt is an entity's state after its event of a version, which it has.
// Snapshots are used where they help.
func (g *Engine) StateAt(ctx context.Context, def *registry.Entity, s store.Stream, version store.Version) (*History, error) {
	pic, found := g.cfg.Snapshots.Load(ctx, g.cfg.Snapshots.Plan(def), s)
	if found && pic.Version <= version {
		h := &History{loading{engine: g, def: def, stream: s, sum: sum{state: pic.State, version: pic.Version, last: pic.Last}}}
		if err := h.to(ctx, version); err == nil {
			return h, nil
		}
	}
	h := &History{loading{engine: g, def: def, stream: s, sum: sum{state: def.New()}, proved: true}}
	err := h.to(ctx, version)
	return h, err
}

// to adds the events up to a version.
func (h *History) to(ctx context.Context, version store.Version) error {
	if h.version == version && h.proved {
		return nil
	}
	from := h.version
	if !h.proved {
		from--
	}
	for e, err := range h.engine.cfg.Store.Load(ctx, h.stream, from) {
		if err != nil {
			return fmt.Errorf("load %s: %w", h.stream, err)
		}
		if err := h.step(&e); err != nil {
			return err
		}
		if e.Version == version {
			return nil
		}
	}
	return fmt.Errorf("%s has no version %d", h.stream, version)
}

// Add folds one more event, which need not be stored. Its stream and version are
// set.
func (h *History) Add(e *store.Event) error {
	e.Stream, e.Version = h.stream, h.version+1
	return h.step(e)
}

// State is a pointer to the state; it changes with Add.
func (h *History) State() any { return h.state }

// Version is that of the state.
func (h *History) Version() store.Version { return h.version }

// Draft is what a command would lead to.
type Draft struct {
	Value   any // what the handler returned
	Reply   []byte
	Events  []store.Event
	Version store.Version
	Before  *History // what they would be added to
}

// Preview runs a command's handler on an entity's confirmed state, and forgets
// it. An error is the rejection.
func (g *Engine) Preview(ctx context.Context, call *Call) (Draft, error) {
	def := call.Command.Entity
	stream := store.Stream{Type: def.Type, ID: call.ID}
	state, version, err := g.Read(ctx, def, call.ID)
	if err != nil {
		return Draft{}, err
	}
	ended, err := g.hasEnded(ctx, stream, version)
	if err != nil {
		return Draft{}, err
	}
	h := &History{loading{engine: g, def: def, stream: stream, sum: sum{state: def.Copy(state), version: version}, proved: true}}
	l := &live{def: def, stream: stream, partition: store.PartitionOf(stream, g.partitions), state: state, version: version, ended: ended}
	t := &turn{engine: g, live: l, call: call, now: g.cfg.Now().UTC().Truncate(time.Microsecond), state: state}
	if t.run(); t.err != nil {
		return Draft{}, t.err
	}
	return Draft{Value: t.out, Reply: t.reply, Events: t.events, Version: t.Version(), Before: h}, nil
}
