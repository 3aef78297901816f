package api

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/console/meter"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store"
)

// Flow is everything that one outside cause led to, as far as it is remembered
// and stands in the log.
type Flow struct {
	Correlation string    `json:"correlation"`
	Started     time.Time `json:"started"`
	// Duration is from the beginning to the end of what is known.
	Duration time.Duration `json:"durationNanos"`
	Steps    []FlowStep    `json:"steps"` // in the order of a tree: each before what it led to
	// Work is what is not finished.
	Work []WorkItem `json:"work,omitempty"`
	// Partly tells that operations were forgotten since, or were too many to be
	// remembered.
	Partly bool `json:"partly,omitempty"`
}

// FlowStep is one thing that happened.
type FlowStep struct {
	Depth    int           `json:"depth"`
	Kind     string        `json:"kind"` // action, step, command, event, query or work
	Name     string        `json:"name"`
	Service  string        `json:"service,omitempty"`
	EntityID string        `json:"entityId,omitempty"`
	Entity   string        `json:"entityType,omitempty"`
	Version  int64         `json:"version,omitempty"`
	Started  time.Time     `json:"started"`
	Duration time.Duration `json:"durationNanos"`
	Attempt  int           `json:"attempt,omitempty"` // from 1, of an action on an event
	Code     string        `json:"code,omitempty"`
	Error    string        `json:"error,omitempty"`
	WorkID   string        `json:"workId,omitempty"` // of work that is not finished
	Status   string        `json:"status,omitempty"` // of it
	// Group is the command id of a group that a command or event is of: all of
	// one id were stored in one append.
	Group string `json:"group,omitempty"`
}

// FlowRef is a flow as a list has it.
type FlowRef struct {
	Correlation string        `json:"correlation"`
	Kind        string        `json:"kind"` // of what began it
	Name        string        `json:"name"`
	Started     time.Time     `json:"started"`
	Duration    time.Duration `json:"durationNanos"`
	Operations  int           `json:"operations"`
	Failed      int           `json:"failed"`
}

// Flows are the newest ones.
type Flows struct {
	Items []FlowRef `json:"items"`
	// OneIn tells that at present, of so many requests one is remembered.
	OneIn uint64 `json:"oneIn"`
}

// Bounds of what is looked at for a flow.
const (
	maxFlowRecords = 2000
	maxFlowEvents  = 1000
	maxFlows       = 100
	// looked is how far back events are looked for, in positions of each
	// partition.
	looked = 5000
)

// Flows are up to maxFlows flows of what is remembered, the newest first.
func (a *API) Flows(failedOnly bool) Flows {
	out := Flows{Items: []FlowRef{}, OneIn: a.meter.OneIn()}
	index := map[store.ID]int{}
	ends := []time.Time{}
	for _, r := range a.meter.Recent(maxFlowRecords, func(*meter.Record) bool { return true }) {
		i, ok := index[r.Correlation]
		if !ok {
			i = len(out.Items)
			index[r.Correlation] = i
			out.Items = append(out.Items, FlowRef{Correlation: r.Correlation.String(), Started: r.Started})
			ends = append(ends, r.Started)
		}
		out.Items[i].add(&r)
		if end := r.Started.Add(r.Duration); end.After(ends[i]) {
			ends[i] = end
		}
	}
	for i := range out.Items {
		out.Items[i].Duration = ends[i].Sub(out.Items[i].Started)
	}
	if failedOnly {
		out.Items = slices.DeleteFunc(out.Items, func(f FlowRef) bool { return f.Failed == 0 })
	}
	out.Items = out.Items[:min(len(out.Items), maxFlows)]
	return out
}

func (f *FlowRef) add(r *meter.Record) {
	f.Operations++
	if r.Code != "" {
		f.Failed++
	}
	if f.Name == "" || !r.Started.After(f.Started) && r.Caller == "" {
		f.Kind, f.Name = string(r.Kind), r.Name
	}
	if r.Started.Before(f.Started) {
		f.Started = r.Started
	}
}

// Flow finds what a correlation id led to.
func (a *API) Flow(ctx context.Context, correlation string) (Flow, error) {
	id, err := store.ParseID(correlation)
	if err != nil {
		return Flow{}, talix.Invalid("correlation", "%v", err)
	}
	f := Flow{Correlation: correlation, Steps: []FlowStep{}}
	records := a.meter.Recent(maxFlowRecords, func(r *meter.Record) bool { return r.Correlation == id })
	events, err := a.rt.Log().Newest(ctx, looked, maxFlowEvents, func(e *runtime.Logged) bool { return e.CorrelationID == id })
	if err != nil {
		return f, err
	}
	if f.Work, err = a.workOf(ctx, id); err != nil {
		return f, err
	}
	if len(records)+len(events)+len(f.Work) == 0 {
		return f, talix.NotFound("nothing is known of %s any more: only the newest requests and events are looked at", correlation)
	}
	b := branches(records, events, f.Work)
	f.Steps, f.Partly = b.steps(), b.partly
	f.span()
	return f, nil
}

func (a *API) workOf(ctx context.Context, id store.ID) ([]WorkItem, error) {
	items, err := a.rt.Work().List(ctx, runtime.WorkFilter{Max: countMost})
	if err != nil {
		return nil, err
	}
	var all []WorkItem
	for i := range items {
		if items[i].Correlation == id {
			all = append(all, a.workItemOf(ctx, &items[i]))
		}
	}
	return all, nil
}

// span finds when it began and ended.
func (f *Flow) span() {
	var end time.Time
	for _, s := range f.Steps {
		if s.Kind == "work" {
			continue
		}
		if f.Started.IsZero() || s.Started.Before(f.Started) {
			f.Started = s.Started
		}
		if e := s.Started.Add(s.Duration); e.After(end) {
			end = e
		}
	}
	f.Duration = max(end.Sub(f.Started), 0)
}

func byStart(a, b FlowStep) int {
	return cmp.Or(a.Started.Compare(b.Started), cmp.Compare(a.Name, b.Name))
}
