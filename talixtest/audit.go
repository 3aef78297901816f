package talixtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store"
)

// audit tells, inside the bubble, what is not as the log makes it: states of
// entities, which are folded twice and compared with those in memory, and rows
// of views. (bbolt checks its files so after each of its tests.)
func (r *Runtime) audit() (faults []string) {
	streams, err := r.streams()
	if err != nil {
		return []string{err.Error()}
	}
	reg := registry.New()
	for _, p := range r.parts {
		p.Register(reg)
	}
	for _, s := range streams {
		if def := reg.Entity(s.Type); def != nil {
			if err := r.auditEntity(def, s); err != nil {
				faults = append(faults, fmt.Sprintf("%s %q: %v", s.Type, s.ID, err))
			}
		}
	}
	for _, v := range r.rt.Views().Status() {
		if v.Fault == nil && v.Parked == 0 && len(streams) > 0 {
			faults = append(faults, r.auditView(v.Name)...)
		}
	}
	return faults
}

// streams are the entities that have events.
func (r *Runtime) streams() (all []store.Stream, err error) {
	seen := map[store.Stream]bool{}
	for p := range r.store.Partitions() {
		for after := store.Position(0); ; {
			events, err := r.store.Log(r.ctx, store.Partition(p), after, 1000)
			if err != nil {
				return nil, fmt.Errorf("read log: %w", err)
			}
			for i := range events {
				after = events[i].Position
				if s := events[i].Stream; !seen[s] {
					seen[s] = true
					all = append(all, s)
				}
			}
			if len(events) == 0 {
				break
			}
		}
	}
	return all, nil
}

// auditEntity compares what an entity's events add up to with its live state.
func (r *Runtime) auditEntity(def *registry.Entity, s store.Stream) error {
	var events []store.Event
	for e, err := range r.store.Load(r.ctx, s, 0) {
		if err != nil {
			return fmt.Errorf("load: %w", err)
		}
		events = append(events, e)
	}
	state, err := foldTwice(def, events)
	if err != nil {
		return err
	}
	data, err := r.rt.Calls().Command(r.ctx, def.Type+givenSuffix, s.ID, json.RawMessage("[]"), "")
	if errors.Is(err, talix.ErrGone) && registry.Ends(&events[len(events)-1]) {
		return nil // there is none to ask for any more
	}
	if err != nil {
		return fmt.Errorf("read the live state: %w", err)
	}
	var live any
	if err := json.Unmarshal(data, &live); err != nil || live == nil { // it is no JSON
		return err
	}
	if text, same := diff(lines(loose(state)), lines(live)); !same {
		return fmt.Errorf("its state in memory is not what its events add up to: a handler has changed it without an event\n%s", text)
	}
	return nil
}

// auditView compares the rows of a view with those that the log makes.
func (r *Runtime) auditView(name string) (faults []string) {
	for d, err := range r.rt.Views().Verify(r.ctx, name) {
		if err != nil {
			return append(faults, fmt.Sprintf("view %q: %v", name, err))
		}
		faults = append(faults, fmt.Sprintf("view %q: a row of %q comes out otherwise when the same events are taken again: a projection must use nothing but the row and the event\n%s",
			name, d.Table, differingRow(d)))
	}
	return faults
}

func differingRow(d runtime.Difference) string {
	var b strings.Builder
	for i, column := range d.Columns {
		was, is := "no row", "no row"
		if d.View != nil {
			was = fmt.Sprint(d.View[i])
		}
		if d.Log != nil {
			is = fmt.Sprint(d.Log[i])
		}
		if was == is {
			fmt.Fprintf(&b, "    %s %s\n", column, was)
			continue
		}
		fmt.Fprintf(&b, "  - %s %s\n  + %s %s\n", column, was, column, is)
	}
	return b.String()
}
