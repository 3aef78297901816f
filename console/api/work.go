package api

import (
	"context"
	"encoding/json"
	"time"

	"github.com/talix-dev/talix/runtime"
)

// WorkItem is one piece of work that is not finished.
type WorkItem struct {
	ID          string          `json:"id"`
	RunID       string          `json:"runId,omitempty"`
	Kind        string          `json:"kind"`
	Action      string          `json:"action"`
	Service     string          `json:"service,omitempty"` // empty: no service has the action any more
	Status      string          `json:"status"`
	EntityType  string          `json:"entityType,omitempty"`
	EntityID    string          `json:"entityId,omitempty"`
	Version     int64           `json:"version,omitempty"`
	Key         string          `json:"key,omitempty"`
	Attempts    int             `json:"attempts"`
	Error       string          `json:"error,omitempty"`
	Created     time.Time       `json:"created"`
	Changed     time.Time       `json:"changed"`
	Due         time.Time       `json:"due,omitzero"`
	Awaits      string          `json:"awaits,omitempty"`
	Correlation string          `json:"correlation"`
	Payload     json.RawMessage `json:"payload,omitempty"`
	Behind      int             `json:"behind,omitempty"`
	// Hidden tells that runtime.Hidden stands in the place of all values of
	// payloads and results, as some may be personal.
	Hidden bool `json:"hidden,omitempty"`
}

// WorkDetail is a piece of work with what is known around it.
type WorkDetail struct {
	WorkItem
	Steps []WorkStep   `json:"steps"`
	Next  []WorkBehind `json:"next"`
}

// WorkStep is what a run has done.
type WorkStep struct {
	Path   string          `json:"path"`
	Kind   string          `json:"kind"`
	Name   string          `json:"name"`
	Result json.RawMessage `json:"result,omitempty"`
	Error  string          `json:"error,omitempty"`
}

// WorkBehind stands behind another piece of work.
type WorkBehind struct {
	ID      string          `json:"id"`
	Version int64           `json:"version,omitempty"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// WorkQuery says which work is wanted. Zero fields want all.
type WorkQuery struct {
	Kind, Action, Status string
	After                string // the ID of the last one of the page before
	Max                  int    // defaults to 50
}

// WorkPage is a page of work.
type WorkPage struct {
	Items []WorkItem `json:"items"`
	Next  string     `json:"next,omitempty"` // After of the next page
}

// Work lists unfinished work.
func (a *API) Work(ctx context.Context, q WorkQuery) (WorkPage, error) {
	if q.Max <= 0 || q.Max > 500 {
		q.Max = 50
	}
	found, err := a.rt.Work().List(ctx, runtime.WorkFilter{Kind: q.Kind, Action: q.Action, Status: q.Status, After: q.After, Max: q.Max + 1})
	page := WorkPage{Items: []WorkItem{}}
	for i := range found[:min(len(found), q.Max)] {
		page.Items = append(page.Items, a.workItemOf(ctx, &found[i]))
	}
	if len(found) > q.Max {
		page.Next = found[q.Max-1].ID
	}
	return page, err
}

func (a *API) workItemOf(ctx context.Context, i *runtime.WorkItem) WorkItem {
	return WorkItem{
		ID: i.ID, RunID: i.RunID, Kind: i.Kind, Action: i.Action, Service: i.Service, Status: i.Status,
		EntityType: i.EntityType, EntityID: i.EntityID, Version: i.Version, Key: i.Key, Attempts: i.Attempts, Error: i.Error,
		Created: i.Created, Changed: i.Changed, Due: i.Due, Awaits: i.Awaits, Correlation: i.Correlation.String(),
		Payload: a.cover(ctx, document(i.Payload)), Hidden: len(i.Payload) > 0 && a.hides(ctx), Behind: i.Behind,
	}
}

// document is data as JSON: a text if it is none.
func document(data []byte) json.RawMessage {
	if len(data) == 0 {
		return nil
	}
	if json.Valid(data) {
		return data
	}
	text, _ := json.Marshal(string(data)) // a string always encodes
	return text
}

// WorkDetail tells all that is known of a piece of work.
func (a *API) WorkDetail(ctx context.Context, id string) (WorkDetail, error) {
	d, err := a.rt.Work().Inspect(ctx, id)
	out := WorkDetail{WorkItem: a.workItemOf(ctx, &d.WorkItem), Steps: []WorkStep{}, Next: []WorkBehind{}}
	for _, s := range d.Steps {
		out.Steps = append(out.Steps, WorkStep{s.Path, s.Kind, s.Name, a.cover(ctx, document(s.Result)), s.Error})
	}
	for _, b := range d.Next {
		out.Next = append(out.Next, WorkBehind{b.ID, b.Version, a.cover(ctx, document(b.Payload))})
	}
	return out, err
}

// Retry has a piece of work run now, as if it had never failed.
func (a *API) Retry(ctx context.Context, id string) error {
	defer a.recount()
	return a.change(ctx, "retry work", id, func() error { return a.rt.Work().Retry(ctx, id) })
}

// Skip gives up what a piece of work is stuck at.
func (a *API) Skip(ctx context.Context, id string) error {
	defer a.recount()
	return a.change(ctx, "skip work", id, func() error { return a.rt.Work().Skip(ctx, id) })
}

// Replay retries all parked work of an action, and counts it.
func (a *API) Replay(ctx context.Context, action string) (n int, err error) {
	defer a.recount()
	err = a.change(ctx, "replay work", action, func() error {
		n, err = a.rt.Work().Replay(ctx, action)
		return err
	})
	return n, err
}

// Signal tells a run what it may wait for.
func (a *API) Signal(ctx context.Context, runID, signal string, data json.RawMessage) error {
	defer a.recount()
	return a.change(ctx, "signal run", runID+" "+signal, func() error { return a.rt.Calls().Signal(ctx, runID, signal, data) })
}

// Cancel asks a run to end, and what it did to be undone.
func (a *API) Cancel(ctx context.Context, runID string) error {
	defer a.recount()
	return a.change(ctx, "cancel run", runID, func() error { return a.rt.Calls().Cancel(ctx, runID) })
}
