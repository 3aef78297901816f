package runtime

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/internal/journal"
	"github.com/talix-dev/talix/internal/queue"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/stuck"
	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
)

// Work tells of the work that is kept, and mends it: events and messages that
// an action failed at or waits in, timers, schedules, requests that were
// answered before the work, and workflows. Its methods may be called from many
// goroutines. Errors are of type *talix.Error.
type Work struct {
	r *Runtime
}

// Work tells of the work that is kept, and mends it.
func (r *Runtime) Work() Work { return Work{r} }

// WorkItem is one piece of work that is not finished.
type WorkItem struct {
	ID      string // names it in calls of Work
	RunID   string // names the run under way, for talix.Send
	Kind    string // event, message, pour, timer, schedule, request or workflow
	Action  string
	Service string // empty: no service of this program has the action any more
	// Status is ready (it runs when it is due), waiting, parked, suspended,
	// compensating, or behind (another one is done first).
	Status string
	// EntityType and EntityID name the entity of an event or timer, and Version
	// the event that is to be done next.
	EntityType, EntityID string
	Version              int64
	Key                  string // of a message
	Attempts             int    // failed ones since it last went on
	Error                string // of the last one
	Created, Changed     time.Time
	Due                  time.Time // when it runs next; zero: not by time
	Awaits               string    // the signal that it waits for
	Correlation          store.ID
	// Payload is the event, the message, or the input.
	Payload []byte
	// Behind counts what is to be done after it, in order.
	Behind int
}

// WorkFilter says which items List wants. Zero fields want all.
type WorkFilter struct {
	Kind   string
	Action string
	Status string
	// After is the ID of the last item of the page before.
	After string
	// Max bounds the items. Defaults to 100, at most 1,000.
	Max int
}

var workKinds = [...]work.Kind{work.Event, work.Message, work.Pour, work.Request, work.Schedule, work.Timer, work.Workflow}

// List lists unfinished work, in the order of kinds and then of IDs.
func (w Work) List(ctx context.Context, f WorkFilter) ([]WorkItem, error) {
	if f.Max <= 0 {
		f.Max = 100
	}
	f.Max = min(f.Max, 1000)
	if f.Kind != "" && !slices.Contains(workKinds[:], work.Kind(f.Kind)) {
		return nil, talix.Invalid("kind", "is none of %v", workKinds)
	}
	var out []WorkItem
	for _, kind := range workKinds {
		if len(out) == f.Max || f.Kind != "" && f.Kind != string(kind) || f.After >= string(kind)+"0" { // 0 follows the slash
			continue
		}
		some, err := w.ofKind(ctx, kind, f, f.Max-len(out))
		if err != nil {
			return nil, w.fault(err)
		}
		out = append(out, some...)
	}
	return out, nil
}

// ofKind lists up to max items of one kind.
func (w Work) ofKind(ctx context.Context, kind work.Kind, f WorkFilter, max int) (out []WorkItem, err error) {
	prefix := string(kind) + "/"
	if f.Action != "" {
		prefix += registry.Escape(f.Action) + "/"
	}
	if kind == work.Schedule || kind == work.Request || kind == work.Pour { // the ID of a clock ends with its action
		prefix = string(kind) + "/"
	}
	for after := f.After; len(out) < max; {
		items, err := w.r.flow.List(ctx, prefix, after, 1000)
		if err != nil {
			return nil, err
		}
		for _, item := range items {
			after = item.ID
			if len(out) == max || f.Status != "" && f.Status != string(item.Status) || f.Action != "" && f.Action != item.Action {
				continue
			}
			described, err := w.describe(ctx, item)
			if err != nil {
				return nil, err
			}
			out = append(out, described)
		}
		if len(items) < 1000 {
			break
		}
	}
	return out, nil
}

// describe tells of an item what people want to know.
func (w Work) describe(ctx context.Context, i work.Item) (WorkItem, error) {
	out := itemOf(i)
	out.Payload = w.open(ctx, out.Payload)
	out.Service = w.r.owner(i)
	switch i.Kind {
	case work.Event:
		lane, _, err := w.r.dispatcher.Inspect(ctx, i.ID, 0, 0)
		if errors.Is(err, stuck.ErrNotFound) { // it was done meanwhile
			err = nil
		}
		out.Behind = lane.Behind
		if lane.Event != nil {
			out.Payload = lane.Event.Data
		}
		return out, err
	case work.Message:
		m, _, err := w.r.queues.Inspect(ctx, i.ID, 0, 0)
		if errors.Is(err, stuck.ErrNotFound) || errors.Is(err, queue.ErrBehind) {
			err = nil
		}
		out.Key, out.Behind = m.Message.Key, m.Behind
		if m.Message.Data != nil {
			out.Payload = m.Message.Data
		}
		return out, err
	}
	return out, nil
}

// open opens what is sealed, as far as it can be.
func (w Work) open(ctx context.Context, data []byte) []byte {
	if opened, err := w.r.box().Kept(ctx, data); err == nil {
		return opened
	}
	return data
}

func itemOf(i work.Item) WorkItem {
	return WorkItem{
		ID: i.ID, RunID: i.Run, Kind: string(i.Kind), Action: i.Action, Status: string(i.Status),
		EntityType: i.Stream.Type, EntityID: i.Stream.ID, Version: int64(i.Version),
		Attempts: i.Attempts, Error: i.Error, Created: i.Created, Changed: i.Changed, Due: i.Due,
		Awaits: i.Awaits, Correlation: i.Correlation, Payload: i.Input,
	}
}

// owner is the service that has an item's action.
func (r *Runtime) owner(i work.Item) string {
	for _, a := range r.registry.Actions {
		if a.Name == i.Action {
			return r.registry.Owner(a)
		}
	}
	return ""
}

// WorkDetail is a piece of work with what is known around it.
type WorkDetail struct {
	WorkItem
	// Steps are what the run under way has done.
	Steps []WorkStep
	// Next are the first events or messages behind it, in order.
	Next []WorkBehind
}

// WorkStep is a step of a run.
type WorkStep struct {
	Path string // its place: "0002", and "0003.0001.0001" in a branch of All
	Kind string // step, run (a command), sleep, await, …
	Name string
	// Result is JSON; Error is set if the handler went on from a failure.
	Result []byte
	Error  string
}

// WorkBehind is an event or message that stands behind another.
type WorkBehind struct {
	ID      string // of the event, or of the message
	Version int64  // of the event
	Payload []byte
}

// Inspect tells all that is known of a piece of work.
func (w Work) Inspect(ctx context.Context, id string) (WorkDetail, error) {
	p, err := w.r.flow.Find(id)
	if err != nil {
		return WorkDetail{}, w.fault(err)
	}
	item, err := stuck.Find(ctx, w.r.flow.Work, p, id)
	if err != nil {
		return WorkDetail{}, w.fault(err)
	}
	out := WorkDetail{}
	if out.WorkItem, err = w.describe(ctx, item); err != nil {
		return out, w.fault(err)
	}
	entries, err := w.r.flow.Steps(ctx, p, item.Run)
	if err != nil {
		return out, w.fault(err)
	}
	for _, e := range entries {
		step := stepOf(e)
		step.Result = w.open(ctx, step.Result)
		out.Steps = append(out.Steps, step)
	}
	out.Next, err = w.behind(ctx, item)
	return out, w.fault(err)
}

func stepOf(e journal.Entry) WorkStep {
	s := WorkStep{Path: e.Path, Kind: e.Kind, Name: e.Name, Result: e.Data}
	if e.Error != nil {
		s.Error = registry.KeptFault(e.Error).Error()
	}
	return s
}

// mostBehind bounds what Inspect shows.
const mostBehind = 100

func (w Work) behind(ctx context.Context, i work.Item) (out []WorkBehind, err error) {
	switch i.Kind {
	case work.Event:
		_, events, err := w.r.dispatcher.Inspect(ctx, i.ID, i.Version, mostBehind)
		for _, e := range events {
			out = append(out, WorkBehind{e.ID.String(), int64(e.Version), e.Data})
		}
		return out, err
	case work.Message:
		_, messages, err := w.r.queues.Inspect(ctx, i.ID, i.Version, mostBehind)
		for _, m := range messages {
			out = append(out, WorkBehind{m.Message.ID, 0, m.Message.Data})
		}
		return out, err
	}
	return nil, nil
}

// Retry has a piece of work run now, as if it had never failed.
func (w Work) Retry(ctx context.Context, id string) error {
	if there, err := w.r.workElsewhere(ctx, "retry", id); there {
		return w.fault(err)
	}
	return w.retry(ctx, id)
}

// Skip gives up what a piece of work is stuck at: an event or message, and what
// stands behind it goes on; a timer; a request; one time of a schedule. A
// workflow is cancelled, so that it is undone; if it is its undoing that is
// stuck, that is given up. A pour passes over the event.
func (w Work) Skip(ctx context.Context, id string) error {
	if there, err := w.r.workElsewhere(ctx, "skip", id); there {
		return w.fault(err)
	}
	return w.skip(ctx, id)
}

func (w Work) retry(ctx context.Context, id string) error {
	return w.change(ctx, id, w.r.dispatcher.Retry, w.r.queues.Retry, w.r.flow.Retry)
}

func (w Work) skip(ctx context.Context, id string) error {
	if strings.HasPrefix(id, string(work.Pour)+"/") {
		return w.fault(Pours(w).skip(ctx, id))
	}
	return w.change(ctx, id, w.r.dispatcher.Skip, w.r.queues.Skip, w.r.flow.Skip)
}

type byID = func(context.Context, string) error

func (w Work) change(ctx context.Context, id string, event, message byID, other func(context.Context, store.Partition, string) error) error {
	kind, _, _ := strings.Cut(id, "/")
	switch work.Kind(kind) {
	case work.Event:
		return w.fault(event(ctx, id))
	case work.Message:
		return w.fault(message(ctx, id))
	}
	p, err := w.r.flow.Find(id)
	if err == nil {
		err = other(ctx, p, id)
	}
	return w.fault(err)
}

// Replay retries all parked work of an action, such as after a mend, and counts
// it. After an error, some may run already.
func (w Work) Replay(ctx context.Context, action string) (int, error) {
	n := 0
	for _, kind := range workKinds {
		some, err := w.replay(ctx, kind, action)
		n += some
		if err != nil && !errors.Is(err, stuck.ErrOrphan) { // an action has but one kind of work
			return n, w.fault(err)
		}
	}
	return n, nil
}

func (w Work) replay(ctx context.Context, kind work.Kind, action string) (n int, err error) {
	switch kind {
	case work.Event:
		return w.r.dispatcher.Replay(ctx, action)
	case work.Message:
		return w.r.queues.Replay(ctx, action)
	}
	for after := ""; ; {
		items, err := w.ofKind(ctx, kind, WorkFilter{Action: action, Status: string(work.Parked), After: after}, 1000)
		if err != nil {
			return n, err
		}
		for _, i := range items {
			after = i.ID
			switch err := w.Retry(ctx, i.ID); {
			case err == nil:
				n++
			case !errors.Is(err, talix.ErrNotFound): // someone else was faster
				return n, err
			}
		}
		if len(items) < 1000 {
			return n, nil
		}
	}
}

// fault gives an error the form of users.
func (w Work) fault(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, stuck.ErrNotFound), errors.Is(err, work.ErrNotFound):
		return talix.NotFound("%w", err)
	case errors.Is(err, stuck.ErrBusy), errors.Is(err, stuck.ErrOrphan), errors.Is(err, queue.ErrBehind):
		return talix.Reject("%w", err)
	}
	return talix.UserError(w.r.fail(fmt.Errorf("kept work: %w", err), "action", "work", store.ID{}))
}
