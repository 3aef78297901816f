package api

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/console/diff"
	"github.com/talix-dev/talix/runtime"
)

// Event is an event as it is stored, with what it did.
type Event struct {
	ID          string          `json:"id"`
	Type        string          `json:"type"`
	EntityType  string          `json:"entityType"`
	EntityID    string          `json:"entityId"`
	Version     int64           `json:"version"`
	Time        time.Time       `json:"time"`
	Partition   int             `json:"partition"`
	Position    int64           `json:"position"`
	Schema      int             `json:"schema"`
	Command     string          `json:"command"`
	Correlation string          `json:"correlation"`
	Causation   string          `json:"causation,omitempty"`
	Payload     json.RawMessage `json:"payload"`
	// Ends: the entity was deleted by it.
	Ends bool `json:"ends,omitempty"`
}

// Moment is an event with the state that it led to.
type Moment struct {
	Event
	State json.RawMessage `json:"state,omitempty"`
	// Fault is why there is no state.
	Fault string `json:"fault,omitempty"`
	// By is the command that emitted the event, and the action that ran it, as
	// far as is remembered.
	By     string `json:"by,omitempty"`
	Caller string `json:"caller,omitempty"`
	// Hidden counts the personal values of the event in whose place
	// runtime.Hidden stands, or stood before they were revealed; Erased counts
	// those that are gone for good, and null.
	Hidden int `json:"hidden,omitempty"`
	Erased int `json:"erased,omitempty"`
	// Changes is what the event changed in the state.
	Changes []diff.Line `json:"changes,omitempty"`

	before json.RawMessage
}

// Lines are the state's, with what the event changed marked.
func (m Moment) Lines() []diff.Line {
	before := m.before
	if m.Version == 1 {
		before = json.RawMessage("{}")
	}
	return diff.Lines(before, m.State)
}

// Entity is an entity with a part of its timeline.
type Entity struct {
	Type    string   `json:"type"`
	ID      string   `json:"id"`
	Service string   `json:"service"`
	Version int64    `json:"version"` // of the newest moment that was read
	Moments []Moment `json:"moments"` // in order of version
	// Deleted: its last event ended it. It takes no command any more.
	Deleted bool `json:"deleted,omitempty"`
	// Personal tells that events or states have personal values, which are
	// hidden if Hidden is true.
	Personal bool `json:"personal,omitempty"`
	Hidden   bool `json:"hidden,omitempty"`
	// Snapshot is the one that loads begin with; nil: there is none.
	Snapshot *Snapshot `json:"snapshot,omitempty"`
	// Plan says how snapshots of the type are made.
	Plan SnapshotPlan `json:"snapshots"`
}

// Snapshot is that of an entity.
type Snapshot struct {
	Version int64 `json:"version"`
	Bytes   int   `json:"bytes"`
}

// SnapshotPlan says how the snapshots of an entity type are made.
type SnapshotPlan struct {
	Every int    `json:"every,omitempty"` // so many events are between two
	None  string `json:"none,omitempty"`  // why there are none
}

// MaxMoments bounds the moments of one answer.
const MaxMoments = 100

// Entity is an entity with its moments from version first to last, at most
// MaxMoments; last below one stands for the newest ones.
func (a *API) Entity(ctx context.Context, entityType, id string, first, last int64) (Entity, error) {
	out := Entity{Type: entityType, ID: id}
	if err := a.hasEntity(entityType); err != nil {
		return out, err
	}
	for _, e := range a.catalog.Entities {
		if e.Name == entityType {
			out.Service = e.Service
		}
	}
	f := runtime.EventFilter{States: true, Max: MaxMoments + 1} // one more, to compare the first one with
	if last > 0 {
		first = max(first, 1, last-MaxMoments+1)
		f.To = last
	}
	f.From, f.Reverse = first-1, last <= 0
	moments, err := a.rt.Entities().Events(ctx, entityType, id, f)
	if f.Reverse {
		slices.Reverse(moments)
	}
	if err != nil {
		return out, err
	}
	if len(moments) == 0 {
		return out, talix.NotFound("%s %q has no events", entityType, id)
	}
	moments, covers, err := a.coverMoments(ctx, moments)
	if err != nil {
		return out, err
	}
	out.take(moments, covers, first)
	out.trim()
	out.Hidden = out.Personal && a.hides(ctx)
	a.credit(out.Moments)
	err = a.around(ctx, &out)
	return out, err
}

// around adds what is known of the entity beside its events.
func (a *API) around(ctx context.Context, e *Entity) error {
	last, err := a.rt.Entities().Events(ctx, e.Type, e.ID, runtime.EventFilter{Reverse: true, Max: 1})
	if err != nil {
		return err
	}
	e.Deleted = len(last) > 0 && last[0].Ends
	for _, p := range a.rt.Entities().Snapshots() {
		if p.EntityType == e.Type {
			e.Plan = SnapshotPlan{Every: p.Every, None: p.None}
		}
	}
	s, ok, err := a.rt.Entities().Snapshot(ctx, e.Type, e.ID)
	if ok {
		e.Snapshot = &Snapshot{s.Version, s.Bytes}
	}
	return err
}

func (e *Entity) take(moments []runtime.Moment, covers []runtime.Covered, first int64) {
	var before json.RawMessage
	for i := range moments {
		m := &moments[i]
		e.Version = m.Version
		if m.Version >= first {
			e.Moments = append(e.Moments, momentOf(m, covers[i], before))
			e.Personal = e.Personal || covers[i].Hidden > 0 || covers[i].State
		}
		before = m.State
	}
}

func (e *Entity) trim() {
	if n := len(e.Moments) - MaxMoments; n > 0 {
		e.Moments = e.Moments[n:]
	}
}

func momentOf(m *runtime.Moment, c runtime.Covered, before json.RawMessage) Moment {
	out := Moment{Event: eventOf(&m.Logged), State: m.State, Fault: m.Fault, Hidden: c.Hidden, Erased: c.Erased, before: before}
	if m.Fault == "" {
		for _, l := range out.Lines() {
			if l.Mark != diff.Same && strings.Trim(l.Text, "{}[],") != "" {
				out.Changes = append(out.Changes, l)
			}
		}
	}
	return out
}

func eventOf(e *runtime.Logged) Event {
	out := Event{
		ID: e.EventID.String(), Type: e.EventType, EntityType: e.EntityType, EntityID: e.EntityID, Version: e.Version, Time: e.Time,
		Partition: e.Partition, Position: e.Position, Schema: e.Schema, Command: e.CommandID.String(), Correlation: e.CorrelationID.String(),
		Payload: e.Payload, Ends: e.Ends,
	}
	if !e.CausationID.IsZero() {
		out.Causation = e.CausationID.String()
	}
	if !json.Valid(out.Payload) {
		out.Payload, _ = json.Marshal(string(e.Payload)) // a string always encodes
	}
	return out
}
