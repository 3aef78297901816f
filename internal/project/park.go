package project

import (
	"context"
	"fmt"
	"time"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/table"
)

// Parked is an entity whose events a view does not take, because one of them
// can't be taken.
type Parked struct {
	View string
	// Making tells that it is parked in the tables that are being made.
	Making   bool
	Entity   store.Stream
	Event    store.Event // that can't be taken
	Error    string
	Attempts int64
	Since    time.Time // when it was parked
	Tried    time.Time // the last time
	Behind   int64     // later events of the entity that wait
}

// Parked lists up to max entities that a view has parked, in order of entity
// type and id, beginning after one of them.
func (p *Projector) Parked(ctx context.Context, view string, after store.Stream, max int) ([]Parked, error) {
	v, err := p.view(view)
	if err != nil {
		return nil, err
	}
	s := v.where()
	if s == nil {
		return nil, registry.Faultf(registry.Unavailable, "the runtime has not been started")
	}
	var found []Parked
	for _, b := range s.builds() {
		some, err := b.parkedAfter(ctx, after, max-len(found))
		if err != nil {
			return nil, fmt.Errorf("list what is parked of view %s: %w", view, err)
		}
		found = append(found, some...)
	}
	return found, nil
}

func (b *build) parkedAfter(ctx context.Context, after store.Stream, most int) (found []Parked, err error) {
	var all []*parked
	err = b.view.cfg.Tables.Update(ctx, func(tx table.Tx) (err error) {
		all, err = parkedOf(tx, b.view.cfg.parked, b.name)
		return err
	})
	for _, p := range all {
		if err != nil || len(found) >= most {
			break
		}
		if p.stream.Type < after.Type || p.stream.Type == after.Type && p.stream.ID <= after.ID {
			continue
		}
		e, loadErr := b.event(ctx, p)
		err = loadErr
		found = append(found, Parked{
			View: b.view.def.Name, Making: !b.live, Entity: p.stream, Event: e, Error: p.err, Attempts: p.attempts,
			Since: p.since, Tried: p.tried, Behind: p.behind,
		})
	}
	return found, err
}

// event reads the event that is parked.
func (b *build) event(ctx context.Context, p *parked) (store.Event, error) {
	for e, err := range b.view.cfg.Load(ctx, p.stream, p.version-1) {
		return e, err
	}
	return store.Event{}, fmt.Errorf("load version %d of %s: %w", p.version, p.stream, store.ErrCorrupt)
}

// Rebuild makes the tables of a view anew from the log, beside the present
// ones, which answer and are kept up until the new ones are there. It returns
// once that has begun, and goes on after a restart. It needs Run.
func (p *Projector) Rebuild(ctx context.Context, view string) error {
	v, err := p.view(view)
	switch {
	case err != nil:
		return err
	case v.making():
		return nil // asking would hold up what is under way
	case p.cfg.Shared:
		return p.rebuild(ctx, v)
	}
	return p.ask(ctx, view, func(ctx context.Context, s *standing) error {
		if s.next != nil {
			return nil
		}
		next := s.live.view.build(prefixNext)
		if err := next.drop(ctx); err != nil {
			return err
		}
		return next.note(ctx, func(st *state) { *st = state{Asked: true, Starts: s.live.state.Starts} })
	})
}

// making tells that new tables are on their way.
func (v *view) making() bool {
	s := v.where()
	return s != nil && s.next != nil
}
