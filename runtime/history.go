package runtime

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/internal/entity"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// EntityState is what an entity is, or was.
type EntityState struct {
	EntityType, EntityID string
	Version              int64
	State                json.RawMessage
}

// State is an entity's state at a moment: of its confirmed events up to there,
// as their Apply methods are now. That it did not exist then, or has no such
// version, is an ErrNotFound.
func (e Entities) State(ctx context.Context, entityType, id string, at talix.AsOf) (EntityState, error) {
	h, err := e.at(ctx, entityType, id, at)
	if err != nil {
		return EntityState{}, err
	}
	data, err := json.Marshal(h.State())
	if err != nil {
		return EntityState{}, e.unwritten(entityType, err)
	}
	return EntityState{entityType, id, int64(h.Version()), data}, nil
}

func (e Entities) unwritten(entityType string, err error) error {
	return talix.UserError(registry.Faultf(registry.Internal, "the state of %s cannot be written as JSON", entityType).Because(err))
}

// at folds an entity up to a moment at which it existed.
func (e Entities) at(ctx context.Context, entityType, id string, at talix.AsOf) (*entity.History, error) {
	h, err := e.upTo(ctx, entityType, id, at)
	if err == nil && h.Version() == 0 {
		return nil, talix.NotFound("%s %q did not exist then", entityType, id)
	}
	return h, err
}

func (e Entities) upTo(ctx context.Context, entityType, id string, at talix.AsOf) (*entity.History, error) {
	def, err := e.definition(entityType)
	if err != nil {
		return nil, err
	}
	s := store.Stream{Type: entityType, ID: id}
	version, err := e.r.engine.VersionAt(ctx, s, entity.AsOf{Version: store.Version(at.Version), Time: at.Time})
	if err != nil {
		return nil, e.fault("find version", err)
	}
	if at.Version > 0 && int64(version) != at.Version {
		return nil, talix.NotFound("%s %q has no version %d", entityType, id, at.Version)
	}
	h, err := e.r.engine.StateAt(ctx, def, s, version)
	return h, e.fault("fold "+s.String(), err)
}

// EventFilter says which events of an entity are wanted. The zero filter wants
// the first hundred.
type EventFilter struct {
	From, To int64 // versions, both included; zero: from the first, to the last
	Reverse  bool  // the newest first
	// Max bounds the events. Defaults to 100, at most 1,000.
	Max int
	// States asks for the state after each event.
	States bool
}

func (f *EventFilter) defaults() {
	if f.Max <= 0 {
		f.Max = 100
	}
	f.Max = min(f.Max, 1000)
	f.From = max(f.From, 1)
}

// Events lists events of an entity. The newest of a long history are read
// without the others, unless states are asked for. An entity that does not exist
// has none. Where an event cannot be folded, its Moment and the later ones have a
// Fault.
func (e Entities) Events(ctx context.Context, entityType, id string, f EventFilter) ([]Moment, error) {
	def, err := e.definition(entityType)
	if err != nil {
		return nil, err
	}
	f.defaults()
	s := store.Stream{Type: entityType, ID: id}
	var events []store.Event
	if f.Reverse {
		events, err = e.newest(ctx, s, &f)
	} else {
		events, err = e.oldest(ctx, s, &f)
	}
	if err != nil {
		return nil, e.fault("load "+s.String(), err)
	}
	moments := make([]Moment, len(events))
	for i := range events {
		moments[i] = Moment{Logged: loggedOf(&events[i])}
	}
	if f.States && len(events) > 0 {
		err = e.addStates(ctx, def, s, events, moments, f.Reverse)
	}
	return moments, err
}

func (e Entities) newest(ctx context.Context, s store.Stream, f *EventFilter) (events []store.Event, err error) {
	before := store.Version(0)
	if f.To > 0 {
		before = store.Version(f.To) + 1
	}
	for ev, err := range store.LoadBack(ctx, e.r.cfg.Store, s, before) {
		if err != nil {
			return nil, err
		}
		if int64(ev.Version) < f.From {
			break
		}
		if events = append(events, ev); len(events) == f.Max {
			break
		}
	}
	return events, nil
}

func (e Entities) oldest(ctx context.Context, s store.Stream, f *EventFilter) (events []store.Event, err error) {
	for ev, err := range e.r.cfg.Store.Load(ctx, s, store.Version(f.From-1)) {
		if err != nil {
			return nil, err
		}
		if f.To > 0 && int64(ev.Version) > f.To {
			break
		}
		if events = append(events, ev); len(events) == f.Max {
			break
		}
	}
	return events, nil
}

// addStates folds the entity up to the first of some events, and then each.
func (e Entities) addStates(ctx context.Context, def *registry.Entity, s store.Stream, events []store.Event, moments []Moment, reverse bool) error {
	at := func(i int) int {
		if reverse {
			return len(events) - 1 - i
		}
		return i
	}
	h, err := e.r.engine.StateAt(ctx, def, s, events[at(0)].Version-1)
	fault := ""
	switch {
	case entity.IsPoison(err):
		fault = err.Error()
	case err != nil:
		return e.fault("fold "+s.String(), err)
	}
	for i := range events {
		m := &moments[at(i)]
		if fault == "" {
			m.State, fault = after(h, &events[at(i)])
		}
		m.Fault = fault
	}
	return nil
}

// after adds an event, and gives the state as JSON.
func after(h *entity.History, e *store.Event) (state json.RawMessage, fault string) {
	if err := h.Add(e); err != nil {
		return nil, err.Error()
	}
	state, err := json.Marshal(h.State())
	if err != nil {
		return nil, "the state cannot be written as JSON: " + err.Error()
	}
	return state, ""
}

// GivenEvent is an event that did not happen.
type GivenEvent struct {
	Type string          // its event type name, as in DOCUMENTS:DOCUMENT_CREATED
	Data json.RawMessage // in the form of its present schema
	Time time.Time       // zero: now
}

// Simulate tells what events would make of an entity that was as it was at a
// moment; it may have no event yet. Nothing is stored. An event that cannot be
// folded is an ErrInvalid.
func (e Entities) Simulate(ctx context.Context, entityType, id string, at talix.AsOf, events []GivenEvent) ([]Moment, error) {
	h, err := e.upTo(ctx, entityType, id, at)
	if err != nil {
		return nil, err
	}
	def := e.r.registry.Entity(entityType)
	var moments []Moment
	for i := range events {
		ev, err := e.given(def, &events[i])
		if err != nil {
			return nil, err
		}
		state, fault := after(h, &ev)
		if fault != "" {
			return nil, talix.Invalid("events", "event %d cannot be folded: %s", i, fault)
		}
		moments = append(moments, Moment{Logged: loggedOf(&ev), State: state})
	}
	return moments, nil
}

func (e Entities) given(def *registry.Entity, g *GivenEvent) (store.Event, error) {
	known := def.ByName[g.Type]
	if known == nil {
		return store.Event{}, talix.Invalid("events", "entity %q has no event type %q", def.Type, g.Type)
	}
	at := g.Time
	if at.IsZero() {
		at = e.r.cfg.Now()
	}
	return store.Event{
		ID: e.r.ids.New(), Type: g.Type, Schema: known.Schema, Time: at.UTC().Truncate(time.Microsecond), Data: compact(g.Data),
	}, nil
}

// Preview is what a command would lead to, if it were run now.
type Preview struct {
	Reply   json.RawMessage
	Events  []Moment // with the states that they would lead to
	Version int64    // of the entity, after them
}

// Preview runs a command, named as in account.deposit, without keeping anything
// of it: no event, no timer, no command id. Its error is the one that Run would
// return, such as a rejection.
func (e Entities) Preview(ctx context.Context, command, id string, input json.RawMessage) (Preview, error) {
	i := slices.IndexFunc(e.r.registry.Commands, func(c *registry.Command) bool { return c.FullName() == command })
	if i < 0 {
		return Preview{}, talix.NotFound("no service of this runtime has the command %q", command)
	}
	c := e.r.registry.Commands[i]
	in, err := decodeInput(c.Decode, input)
	if err != nil {
		return Preview{}, err
	}
	s := e.r.newScope(cause{})
	d, err := s.preview(ctx, c, id, in)
	if err != nil {
		return Preview{}, userError(err)
	}
	p := Preview{Reply: d.Reply, Version: int64(d.Version)}
	h := d.Before
	for i := range d.Events {
		m := Moment{Logged: loggedOf(&d.Events[i])}
		m.State, m.Fault = after(h, &d.Events[i])
		p.Events = append(p.Events, m)
	}
	return p, nil
}

// preview checks an input, and runs the command on what is confirmed.
func (s *scope) preview(ctx context.Context, c *registry.Command, entityID string, in any) (entity.Draft, error) {
	call, err := s.call(c, entityID, in)
	if err != nil {
		return entity.Draft{}, err
	}
	d, err := s.r.engine.Preview(ctx, call)
	if err != nil {
		return d, s.r.fail(err, "command", c.FullName(), s.cause.correlation)
	}
	return d, nil
}

var _ registry.Historian = (*scope)(nil)

// Preview implements registry.Historian.
func (s *scope) Preview(ctx context.Context, c *registry.Command, entityID string, in any) (registry.Preview, error) {
	d, err := s.preview(ctx, c, entityID, in)
	return registry.Preview{Reply: d.Value, Events: d.Events, Version: d.Version}, err
}

// ReadAt implements registry.Historian.
func (s *scope) ReadAt(ctx context.Context, e *registry.Entity, id string, version store.Version, at time.Time) (any, store.Version, error) {
	h, err := s.r.Entities().at(ctx, e.Type, id, talix.AsOf{Version: int64(version), Time: at})
	if err != nil {
		return nil, 0, talix.EngineError(err)
	}
	return h.State(), h.Version(), nil
}
