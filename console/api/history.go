package api

import (
	"cmp"
	"context"
	"encoding/json"
	"net/url"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/runtime"
)

// State is what an entity is, or was.
type State struct {
	Type    string          `json:"type"`
	ID      string          `json:"id"`
	Version int64           `json:"version"`
	State   json.RawMessage `json:"state"`
}

// EventQuery says which events of an entity are wanted. Zero fields bound
// nothing.
type EventQuery struct {
	From, To int64 // versions, both included
	Reverse  bool  // the newest first
	Max      int   // defaults to 100, at most 1,000
}

// EventPage are events of an entity.
type EventPage struct {
	Items []Event `json:"items"`
}

// PreviewRequest says which command is to be tried on which entity.
type PreviewRequest struct {
	Name  string          `json:"name"`
	ID    string          `json:"id"`
	Input json.RawMessage `json:"input,omitempty"`
}

// Preview is what a command would lead to, if it were run now.
type Preview struct {
	Reply   json.RawMessage `json:"reply"`
	Version int64           `json:"version"` // of the entity, after the events
	Events  []Previewed     `json:"events"`
}

// Previewed is an event that did not happen, with the state that it would lead
// to.
type Previewed struct {
	Type    string          `json:"type"`
	Version int64           `json:"version"`
	Payload json.RawMessage `json:"payload"`
	State   json.RawMessage `json:"state,omitempty"`
	Fault   string          `json:"fault,omitempty"` // why there is no state
}

// State is an entity's state as of a version or a time; a zero AsOf is now.
func (a *API) State(ctx context.Context, entityType, id string, at talix.AsOf) (State, error) {
	s, err := a.rt.Entities().State(ctx, entityType, id, at)
	return State{entityType, id, s.Version, s.State}, err
}

// Events are events of an entity, without the states that they led to.
func (a *API) Events(ctx context.Context, entityType, id string, q EventQuery) (EventPage, error) {
	f := runtime.EventFilter{From: q.From, To: q.To, Reverse: q.Reverse, Max: q.Max}
	found, err := a.rt.Entities().Events(ctx, entityType, id, f)
	page := EventPage{Items: []Event{}}
	for i := range found {
		page.Items = append(page.Items, eventOf(&found[i].Logged))
	}
	return page, err
}

// Preview tries a command without keeping anything of it. Its error is what the
// command would be refused with.
func (a *API) Preview(ctx context.Context, in PreviewRequest) (Preview, error) {
	p, err := a.rt.Entities().Preview(ctx, in.Name, in.ID, in.Input)
	out := Preview{Reply: p.Reply, Version: p.Version, Events: []Previewed{}}
	for i := range p.Events {
		m := &p.Events[i]
		out.Events = append(out.Events, Previewed{m.EventType, m.Version, m.Payload, m.State, m.Fault})
	}
	return out, err
}

// histories answers what entities were, and would be.
func (a *API) histories(mux *router) {
	get(mux, "state", func(ctx context.Context, q url.Values) (State, error) {
		at, err := asOf(q)
		if err != nil {
			return State{}, err
		}
		return a.State(ctx, q.Get("type"), q.Get("id"), at)
	})
	get(mux, "events", func(ctx context.Context, q url.Values) (EventPage, error) {
		from, err := number(q, "from", 0)
		to, err2 := number(q, "to", 0)
		most, err3 := number(q, "max", 0)
		if err := cmp.Or(err, err2, err3); err != nil {
			return EventPage{}, err
		}
		return a.Events(ctx, q.Get("type"), q.Get("id"), EventQuery{from, to, q.Get("reverse") == "true", int(min(most, 1000))})
	})
	post(mux, "preview", a.Preview)
}

// asOf reads a version or a time.
func asOf(q url.Values) (at talix.AsOf, err error) {
	if at.Version, err = number(q, "version", 0); err != nil {
		return at, err
	}
	if text := q.Get("time"); text != "" {
		if at.Time, err = time.Parse(time.RFC3339, text); err != nil {
			return at, talix.Invalid("query.time", "is no time such as 2026-03-01T12:00:00Z")
		}
	}
	return at, nil
}
