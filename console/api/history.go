package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/console/diff"
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
	Ends    bool            `json:"ends,omitempty"`  // the entity would be deleted by it

	before json.RawMessage
}

// Lines are the state's, with what the event would change marked.
func (p Previewed) Lines() []diff.Line { return diff.Lines(p.before, p.State) }

// State is an entity's state as of a version or a time; a zero AsOf is now.
func (a *API) State(ctx context.Context, entityType, id string, at talix.AsOf) (State, error) {
	s, err := a.rt.Entities().State(ctx, entityType, id, at)
	if a.hides(ctx) {
		s.State = a.rt.Personal().CoverState(entityType, s.State)
	}
	return State{entityType, id, s.Version, s.State}, err
}

// Events are events of an entity, without the states that they led to.
func (a *API) Events(ctx context.Context, entityType, id string, q EventQuery) (EventPage, error) {
	f := runtime.EventFilter{From: q.From, To: q.To, Reverse: q.Reverse, Max: q.Max}
	found, err := a.rt.Entities().Events(ctx, entityType, id, f)
	if err != nil {
		return EventPage{Items: []Event{}}, err
	}
	found, _, err = a.coverMoments(ctx, found)
	page := EventPage{Items: []Event{}}
	for i := range found {
		page.Items = append(page.Items, eventOf(&found[i].Logged))
	}
	return page, err
}

// Preview tries a command without keeping anything of it. Its error is what the
// command would be refused with.
func (a *API) Preview(ctx context.Context, in PreviewRequest) (Preview, error) {
	out := Preview{Events: []Previewed{}}
	before, err := a.stateNow(ctx, entityOf(in.Name), in.ID)
	if err != nil {
		return out, err
	}
	p, err := a.rt.Entities().Preview(ctx, in.Name, in.ID, in.Input)
	if err != nil {
		return out, err
	}
	moments, _, err := a.coverMoments(ctx, p.Events)
	out.Reply, out.Version = a.cover(ctx, p.Reply), p.Version
	for i := range moments {
		m := &moments[i]
		out.Events = append(out.Events, Previewed{m.EventType, m.Version, m.Payload, m.State, m.Fault, m.Ends, before})
		before = m.State
	}
	return out, err
}

// stateNow is an entity's present state, as it is shown; an empty object where
// it has none.
func (a *API) stateNow(ctx context.Context, entityType, id string) (json.RawMessage, error) {
	s, err := a.State(ctx, entityType, id, talix.AsOf{})
	if errors.Is(err, talix.ErrNotFound) { // if there is no such type, the command will tell
		return json.RawMessage("{}"), nil
	}
	return s.State, err
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
