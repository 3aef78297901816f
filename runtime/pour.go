package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/stuck"
	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
)

// Pours have actions on events do again what they did for past events, on
// purpose: to send what was lost, or to fill what an action now does and did
// not do before. Views are not poured, but made anew by Views.Rebuild. Its
// methods may be called from many goroutines. Errors are of type *talix.Error.
type Pours struct {
	r *Runtime
}

// Pours begins pours, and tells of them.
func (r *Runtime) Pours() Pours { return Pours{r} }

// Pour says which events are poured to which actions. Empty fields of the
// filter want all events of the actions.
type Pour struct {
	// Name names the pour. A pour of the same name is the same one: it is begun
	// once.
	Name string
	// Actions are the names of actions on events; at least one.
	Actions []string

	EntityIDs []string
	// From and Until bound the times of events: from that time on, and before
	// that time.
	From, Until time.Time
}

// PourStatus tells how far a pour is.
type PourStatus struct {
	Name string
	// Done and Total count positions of the log, for each action.
	Done, Total int64
	// Events counts the events that actions have got, each as often as there
	// are actions.
	Events int64
	// Status is running, waiting, parked (Error says why), suspended, done or
	// cancelled: the worst of its parts.
	Status string
	Error  string
	// Stuck are the ids of the parts that are parked, for Work.Retry, and
	// Work.Skip, which passes over the event that a part is stuck at.
	Stuck []string
}

// pouring is what the item of a pour keeps: of one action in one partition.
type pouring struct {
	EntityIDs []string       `json:"entityIds,omitempty"`
	From      time.Time      `json:"from,omitzero"`
	Until     time.Time      `json:"until,omitzero"`
	At        store.Position `json:"at"`     // up to where all is done
	Head      store.Position `json:"head"`   // where it ends
	Events    int64          `json:"events"` // that the action has got
	Stuck     store.Position `json:"stuck,omitempty"`
}

// keepPours is how long the status of a pour that has ended can be asked for.
const keepPours = 30 * 24 * time.Hour

// Start begins a pour: the actions get all events that the log has by now and
// that the pour wants, at least once each, in order for one entity, beside the
// events that come meanwhile. It returns once that is durable, and goes on over
// restarts. What an action runs has its effect again, once for each pour, since
// its ids derive from the pour too; ActionContext.Replay tells the action. An
// action that fails at an event is tried again and then parked there, with the
// later events of its partition.
//
// After an error, Start with the same Pour does what is left.
func (p Pours) Start(ctx context.Context, pour Pour) error {
	if err := p.check(pour); err != nil {
		return err
	}
	for _, action := range pour.Actions {
		for part := range store.Partition(p.r.cfg.Store.Partitions()) {
			if err := p.begin(ctx, pour, action, part); err != nil {
				return p.fault(err)
			}
		}
	}
	return nil
}

func (p Pours) check(pour Pour) error {
	if !registry.ValidName(pour.Name) {
		return talix.Invalid("name", "%s", registry.NameRule)
	}
	if len(pour.Actions) == 0 {
		return talix.Invalid("actions", "names none: name actions on events")
	}
	for _, name := range pour.Actions {
		switch a := p.r.eventAction(name); {
		case a == nil:
			return talix.Invalid("actions", "there is no action on events with the name %q", name)
		case a.Topic != nil:
			return talix.Invalid("actions", "%q publishes to a topic: who receives it would take what comes again for what it has", name)
		}
	}
	return nil
}

// eventAction is nil if there is none.
func (r *Runtime) eventAction(name string) *registry.Action {
	for _, a := range r.registry.Actions {
		if a.Name == name && a.Event != nil {
			return a
		}
	}
	return nil
}

func pourID(pour string, rest ...string) string {
	return registry.RunID(string(work.Pour), pour, rest...)
}

func (p Pours) begin(ctx context.Context, pour Pour, action string, part store.Partition) error {
	head, err := p.r.cfg.Store.Head(ctx, part)
	if err != nil {
		return err
	}
	state := pouring{EntityIDs: pour.EntityIDs, From: pour.From.UTC(), Until: pour.Until.UTC(), Head: head}
	now := p.r.cfg.Now()
	item, created, err := p.r.flow.Work.Create(ctx, work.Item{
		ID: pourID(pour.Name, action, strconv.Itoa(int(part))), Partition: part, Kind: work.Pour, Action: action,
		Status: work.Ready, Due: now, Created: now, Input: state.encode(),
	})
	if err != nil || created {
		return err
	}
	there, err := pouringOf(item)
	if err == nil && !there.same(&state) {
		err = stuck.ErrBusy
	}
	return err
}

func (s *pouring) same(o *pouring) bool {
	return slices.Equal(s.EntityIDs, o.EntityIDs) && s.From.Equal(o.From) && s.Until.Equal(o.Until)
}

func (s *pouring) encode() []byte {
	data, err := json.Marshal(s)
	if err != nil {
		panic(err) // it has no field that could fail
	}
	return data
}

func pouringOf(item work.Item) (s pouring, err error) {
	if err = json.Unmarshal(item.Input, &s); err != nil {
		err = &registry.Fault{Code: registry.Internal, Message: "what was kept of the pour cannot be read", Cause: err, Final: true}
	}
	return s, err
}

// Status tells how far a pour is.
func (p Pours) Status(ctx context.Context, name string) (PourStatus, error) {
	status := PourStatus{Name: name}
	err := p.each(ctx, name, func(item work.Item) error {
		s, err := pouringOf(item)
		if err != nil {
			return err
		}
		status.add(item, s)
		return nil
	})
	if err == nil && status.Status == "" {
		err = stuck.ErrNotFound
	}
	return status, p.fault(err)
}

// worst are the statuses of items, the worst last.
func worst() []work.Status {
	return []work.Status{work.Done, work.Cancelled, work.Ready, work.Waiting, work.Suspended, work.Parked}
}

func (s *PourStatus) add(item work.Item, state pouring) {
	s.Done, s.Total, s.Events = s.Done+int64(state.At), s.Total+int64(state.Head), s.Events+state.Events
	name := stateOf(item).Status
	if item.Status == work.Parked {
		s.Error, s.Stuck = item.Error, append(s.Stuck, item.ID)
	}
	if s.Status == "" || slices.Index(worst(), item.Status) > slices.Index(worst(), unstated(s.Status)) {
		s.Status = name
	}
}

// unstated is the status of items that users see under a name.
func unstated(name string) work.Status {
	if name == "running" {
		return work.Ready
	}
	return work.Status(name)
}

// each goes through the items of a pour.
func (p Pours) each(ctx context.Context, name string, do func(work.Item) error) error {
	const page = 256
	prefix := pourID(name) + "/"
	for part := range store.Partition(p.r.cfg.Store.Partitions()) {
		for after, more := "", true; more; {
			items, err := p.r.flow.Work.List(ctx, part, prefix, after, page)
			if err != nil {
				return err
			}
			for _, item := range items {
				if err := do(item); err != nil {
					return err
				}
				after = item.ID
			}
			more = len(items) == page
		}
	}
	return nil
}

// Cancel ends a pour: what actions have done for it stays, and they get no
// more of its events. What has ended stays as it is.
func (p Pours) Cancel(ctx context.Context, name string) error {
	found := false
	err := p.each(ctx, name, func(item work.Item) error {
		found = true
		if item.Status.Finished() {
			return nil
		}
		err := stuck.Change(ctx, p.r.flow.Work, item.Partition, item.ID, func(now work.Item) (*work.Item, []store.Change, error) {
			now.Cancel, now.Hold, now.Status, now.Due = true, false, work.Ready, p.r.cfg.Now()
			return &now, nil, nil
		})
		if errors.Is(err, stuck.ErrNotFound) { // it has ended meanwhile
			return nil
		}
		return err
	})
	if err == nil && !found {
		err = stuck.ErrNotFound
	}
	return p.fault(err)
}

// skip passes over the event that a part of a pour is stuck at.
func (p Pours) skip(ctx context.Context, id string) error {
	part, err := p.r.flow.Find(id)
	if err != nil {
		return err
	}
	return stuck.Change(ctx, p.r.flow.Work, part, id, func(now work.Item) (*work.Item, []store.Change, error) {
		s, err := pouringOf(now)
		if err != nil {
			return nil, nil, err
		}
		if s.Stuck <= s.At {
			return nil, nil, stuck.ErrNotFound
		}
		p.r.cfg.Log.Warn("an event of a pour was given up", "id", now.ID, "action", now.Action, "position", int64(s.Stuck), "error", now.Error)
		s.At = s.Stuck
		next := now.Recovered()
		next.Input, next.Status, next.Due, next.Hold, next.Run = s.encode(), work.Ready, p.r.cfg.Now(), false, ""
		return &next, p.r.pourForgets(now.Run), nil
	})
}

func (p Pours) fault(err error) error {
	if errors.Is(err, stuck.ErrBusy) {
		return talix.Reject("there is a pour of this name that pours other events: give this one a name of its own")
	}
	return Work(p).fault(err)
}

// wantsPoured tells whether an action gets an event of a pour.
func (r *Runtime) wantsPoured(a *registry.Action, s *pouring, e *store.Event) bool {
	entity, event := a.Event.Entity, (*registry.Event)(nil)
	if entity == nil {
		entity, event = r.registry.Event(a.Event.Go)
	}
	return e.Stream.Type == entity.Type && (event == nil || entity.MayBe(e.Type, event)) &&
		(len(s.EntityIDs) == 0 || slices.Contains(s.EntityIDs, e.Stream.ID)) &&
		(s.From.IsZero() || !e.Time.Before(s.From)) && (s.Until.IsZero() || e.Time.Before(s.Until))
}
