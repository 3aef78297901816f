package talix

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"github.com/talix-dev/talix/internal/registry"
)

// EventType is an event type of an entity whose state is S, for NewEntity. It is
// made by Event, or, for events that were stored once and are not any more, by
// Became and Retired.
type EventType[S any] struct {
	name    string
	def     *registry.Event // nil: of the past
	shapes  []registry.Shape
	retired bool
	renamed []string
	faults  []error
}

// Renamed names what the event was called before: what was stored under these
// names is read as if it had the present one. New events have the present name.
// The numbers of shapes go on across names.
func (t EventType[S]) Renamed(before ...string) EventType[S] {
	t.renamed = append(slices.Clone(t.renamed), before...)
	return t
}

// addTo adds the event type to an entity, and returns what is wrong with it.
func (t EventType[S]) addTo(e *registry.Entity) []error {
	var faults []error
	for _, err := range t.faults {
		faults = append(faults, fmt.Errorf("event type %q: %w", t.name, err))
	}
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	p := e.Past[t.name]
	switch {
	case !registry.ValidName(t.name):
		fault("event type %q: %s", t.name, registry.NameRule)
	case e.ByName[t.name] != nil && t.def == nil:
		fault("event type %q: put Became before Event, as it is about the older versions", t.name)
	case e.ByName[t.name] != nil, p != nil && (p.Retired || t.retired || p.Name != t.name):
		fault("event type %q stands twice in entity %q: remove or rename one", t.name, e.Type)
	}
	if p == nil {
		p = &registry.Past{Name: t.name}
	}
	p.Shapes, p.Retired = append(p.Shapes, t.shapes...), t.retired
	for _, name := range t.renamed {
		if !registry.ValidName(name) {
			fault("event type %q was renamed from %q: %s", t.name, name, registry.NameRule)
		}
		if e.Knows(name) || name == t.name {
			fault("event type %q stands twice in entity %q: remove or rename one", name, e.Type)
		}
		e.Past[name] = p
	}
	if t.def != nil {
		faults = append(faults, t.addPresent(e, p)...)
	}
	if len(p.Shapes) > 0 || p.Retired || len(t.renamed) > 0 {
		e.Past[t.name] = p
	}
	return faults
}

// addPresent adds an event that is stored at present.
func (t EventType[S]) addPresent(e *registry.Entity, p *registry.Past) (faults []error) {
	ev := *t.def
	ev.Schema = len(p.Shapes) + 1
	p.Now = &ev
	if err := pointerFault(&ev); err != nil {
		faults = append(faults, err)
	}
	if other := e.ByGo[ev.Go]; other != nil {
		faults = append(faults, fmt.Errorf("the Go type %s stands for the events %q and %q: give each event a type of its own", ev.Go, other.Type, ev.Type))
	}
	e.ByName[ev.Type], e.ByGo[ev.Go] = &ev, &ev
	e.Events = append(e.Events, &ev)
	return faults
}

// Became says that events which were stored as typ are other events by now: one,
// several, which are then taken one after another, or none. An Old is what they
// were, older how that was shaped before. up is as for Was. All that it returns
// are events of the same entity.
//
// Where typ is still stored, but older versions of it became other events, put
// Became before the Event of that name: its shapes are those before the ones of
// the Event.
//
//	talix.Became("ACCOUNTS:MOVED", func(old moved) []talix.EventFor[Account] {
//		return []talix.EventFor[Account]{Withdrawn{old.Out}, Deposited{old.In}}
//	}),
func Became[Old, S any](typ string, up func(old Old) []EventFor[S], older ...Past[Old]) EventType[S] {
	p := then(onePast(older), func(old Old) ([]EventFor[S], error) { return up(old), nil })
	p.add(reflect.TypeFor[Old](), up == nil, func(data []byte) ([]EventFor[S], error) {
		var old Old
		if err := json.Unmarshal(data, &old); err != nil {
			return nil, err
		}
		return up(old), nil
	})
	t := EventType[S]{name: typ, faults: p.faults}
	for _, s := range p.shapes {
		t.shapes = append(t.shapes, registry.Shape{Go: s.typ, Splits: true, Upcast: func(data []byte) ([]any, error) {
			events, err := s.read(data)
			all := make([]any, len(events))
			for i, e := range events {
				all[i] = e
			}
			return all, err
		}})
	}
	return t
}

// Retired says that events which were stored as typ have no effect any more,
// whatever is in them: they are passed over wherever events are read. They still
// count in the entity's version.
func Retired[S any](typ string) EventType[S] { return EventType[S]{name: typ, retired: true} }
