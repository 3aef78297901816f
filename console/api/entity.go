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
	out.take(moments, first)
	out.trim()
	a.credit(out.Moments)
	return out, nil
}

func (e *Entity) take(moments []runtime.Moment, first int64) {
	var before json.RawMessage
	for i := range moments {
		m := &moments[i]
		e.Version = m.Version
		if m.Version >= first {
			e.Moments = append(e.Moments, momentOf(m, before))
		}
		before = m.State
	}
}

func (e *Entity) trim() {
	if n := len(e.Moments) - MaxMoments; n > 0 {
		e.Moments = e.Moments[n:]
	}
}

func momentOf(m *runtime.Moment, before json.RawMessage) Moment {
	out := Moment{Event: eventOf(&m.Logged), State: m.State, Fault: m.Fault, before: before}
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
		Payload: e.Payload,
	}
	if !e.CausationID.IsZero() {
		out.Causation = e.CausationID.String()
	}
	if !json.Valid(out.Payload) {
		out.Payload, _ = json.Marshal(string(e.Payload)) // a string always encodes
	}
	return out
}
