package api

import (
	"slices"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/console/meter"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store"
)

// branch is something that happened, with what it led to.
type branch struct {
	FlowStep
	record *meter.Record
	after  []*branch
}

// tree puts together what belongs together.
type tree struct {
	roots    []*branch
	actions  []*branch
	commands map[commandKey]*branch
	events   map[store.ID]*branch
	partly   bool
}

// commandKey names a command that was run; those of a group have one id.
type commandKey struct {
	id               store.ID
	entity, entityID string
}

func branches(records []meter.Record, events []runtime.Logged, work []WorkItem) *tree {
	t := &tree{commands: map[commandKey]*branch{}, events: map[store.ID]*branch{}}
	var all []*branch
	for i := range records {
		all = append(all, t.record(&records[i]))
	}
	slices.SortStableFunc(events, func(a, b runtime.Logged) int { return a.Time.Compare(b.Time) })
	for i := range events {
		t.event(&events[i])
	}
	for _, b := range all {
		t.place(b)
	}
	for i := range events {
		t.placeEvent(&events[i])
	}
	for i := range work {
		t.work(&work[i])
	}
	t.groups(events)
	return t
}

// groups marks what was stored with something of another entity.
func (t *tree) groups(events []runtime.Logged) {
	together := map[store.ID]map[[2]string]bool{}
	note := func(id store.ID, entityType, entityID string) {
		if id.IsZero() {
			return
		}
		if together[id] == nil {
			together[id] = map[[2]string]bool{}
		}
		together[id][[2]string{entityType, entityID}] = true
	}
	for i := range events {
		note(events[i].CommandID, events[i].EntityType, events[i].EntityID)
	}
	for key := range t.commands {
		note(key.id, key.entity, key.entityID)
	}
	for i := range events {
		if id := events[i].CommandID; len(together[id]) > 1 {
			t.events[events[i].EventID].Group = id.String()
		}
	}
	for key, b := range t.commands {
		if len(together[key.id]) > 1 {
			b.Group = key.id.String()
		}
	}
}

func (t *tree) record(r *meter.Record) *branch {
	b := &branch{record: r, FlowStep: FlowStep{
		Kind: string(r.Kind), Name: r.Name, Service: r.Service, EntityID: r.EntityID,
		Started: r.Started, Duration: r.Duration, Code: string(r.Code), Error: r.Err,
	}}
	switch r.Kind {
	case talix.KindAction:
		t.actions = append(t.actions, b)
	case talix.KindCommand:
		b.Entity = entityOf(r.Name)
		key := commandKey{r.Command, b.Entity, b.EntityID}
		if other := t.commands[key]; other == nil || r.Code == "" { // the run that had the effect
			t.commands[key] = b
		}
	}
	return b
}

func (t *tree) event(e *runtime.Logged) {
	t.events[e.EventID] = &branch{FlowStep: FlowStep{
		Kind: "event", Name: e.EventType, Entity: e.EntityType, EntityID: e.EntityID, Version: e.Version, Started: e.Time,
	}}
}

// place finds what led to an operation: the action that ran it, or the event
// that triggered it.
func (t *tree) place(b *branch) {
	r := b.record
	var above *branch
	if r.Caller != "" {
		above = t.callerOf(r)
	} else if r.Kind == talix.KindAction {
		above = t.events[r.Causation]
	}
	switch {
	case above != nil:
		above.after = append(above.after, b)
	default:
		t.partly = t.partly || r.Caller != "" || !r.Causation.IsZero()
		t.roots = append(t.roots, b)
	}
}

// callerOf is the attempt of an action that ran an operation.
func (t *tree) callerOf(r *meter.Record) *branch {
	var best *branch
	for _, a := range t.actions {
		if a.Name != r.Caller || a.record.Causation != r.Causation || a.Started.After(r.Started) {
			continue
		}
		if best == nil || a.Started.After(best.Started) {
			best = a
		}
	}
	return best
}

func (t *tree) placeEvent(e *runtime.Logged) {
	b := t.events[e.EventID]
	if c := t.commands[commandKey{e.CommandID, e.EntityType, e.EntityID}]; c != nil {
		c.after = append(c.after, b)
		return
	}
	t.partly = true
	if cause := t.events[e.CausationID]; cause != nil {
		cause.after = append(cause.after, b)
		return
	}
	t.roots = append(t.roots, b)
}

// work adds what is not finished to the event that it is about.
func (t *tree) work(i *WorkItem) {
	b := &branch{FlowStep: FlowStep{
		Kind: "work", Name: i.Action, Service: i.Service, Entity: i.EntityType, EntityID: i.EntityID, Version: i.Version,
		Started: i.Changed, Error: i.Error, WorkID: i.ID, Status: i.Status,
	}}
	for _, e := range t.events {
		if i.Kind == "event" && e.Entity == i.EntityType && e.EntityID == i.EntityID && e.Version == i.Version {
			e.after = append(e.after, b)
			return
		}
	}
	t.roots = append(t.roots, b)
}

// maxFlowDepth ends a flow that leads back to itself.
const maxFlowDepth = 64

// steps writes the tree down.
func (t *tree) steps() []FlowStep {
	all := []FlowStep{}
	write(&all, t.roots, 0)
	return all
}

func write(all *[]FlowStep, of []*branch, depth int) {
	if depth > maxFlowDepth {
		return
	}
	slices.SortStableFunc(of, func(a, b *branch) int { return byStart(a.FlowStep, b.FlowStep) })
	attempts := map[string]int{}
	for _, b := range of {
		b.Depth = depth
		if b.Kind == string(talix.KindAction) || b.Kind == string(talix.KindStep) {
			attempts[b.Name]++
			if b.Attempt = attempts[b.Name]; b.Attempt == 1 && !repeated(of, b) {
				b.Attempt = 0
			}
		}
		*all = append(*all, b.FlowStep)
		write(all, b.after, depth+1)
	}
}

func repeated(of []*branch, b *branch) bool {
	n := 0
	for _, o := range of {
		if o.Kind == b.Kind && o.Name == b.Name {
			n++
		}
	}
	return n > 1
}

// At is a step's place on the flow's time line: where it begins and how long it
// is, in thousandths.
func (f *Flow) At(s FlowStep) (from, length float64) {
	whole := float64(max(f.Duration, time.Microsecond))
	return 1000 * float64(s.Started.Sub(f.Started)) / whole, 1000 * float64(s.Duration) / whole
}
