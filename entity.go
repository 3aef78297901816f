package talix

import (
	"fmt"
	"reflect"

	"github.com/talix-dev/talix/internal/registry"
)

// Entity is an entity type whose state is S: a definition, to be handed to a
// runtime within a Service.
type Entity[S any] struct {
	def registry.Entity
}

// NewEntity defines an entity type by its events; their Apply methods say what
// its state is. typ is stored with every event and must never change.
//
// A state is a struct that only its events change. Where S has a method
// Clone() S, the runtime copies states with it; otherwise it copies what
// exported fields refer to (maps, slices, pointers) by itself and takes
// everything else as a plain value.
func NewEntity[S any](typ string, events ...EventType[S]) *Entity[S] {
	e := &Entity[S]{def: registry.Entity{
		Type:   typ,
		Place:  registry.Caller(1),
		State:  reflect.TypeFor[S](),
		ByGo:   map[reflect.Type]*registry.Event{},
		ByName: map[string]*registry.Event{},
		Past:   map[string]*registry.Past{},
		New:    func() any { return new(S) },

		CodeVersion: 1,
	}}
	e.def.Copy, e.def.Flat = copier[S]()
	e.def.Size = func(state any) int { return registry.SizeOf(reflect.ValueOf(state).Elem()) }
	for _, ev := range events {
		e.def.Faults = append(e.def.Faults, ev.addTo(&e.def)...)
	}
	e.check(len(events))
	return e
}

// SkipUnknown passes over stored events whose name the entity does not have:
// they have no effect on its state, on actions and on views, and count in its
// version alone. Without it, what was stored under an unknown name makes its
// entity fail, wherever it is read, and no other.
//
// Retired passes over one name; it is the better choice where the names are
// known.
func (e *Entity[S]) SkipUnknown() *Entity[S] {
	e.def.SkipUnknown = true
	return e
}

func pointerFault(ev *registry.Event) error {
	if ev.Go.Kind() != reflect.Pointer {
		return nil
	}
	return fmt.Errorf("event %q: use Event[%s] instead of Event[%s]: events are values", ev.Type, ev.Go.Elem().Name(), ev.Go)
}

func (e *Entity[S]) check(events int) {
	if !registry.ValidName(e.def.Type) {
		e.fault("entity type %q: %s", e.def.Type, registry.NameRule)
	}
	if events == 0 {
		e.fault("entity %q has no events: give NewEntity its event types, as in talix.Event[Created](%q)", e.def.Type, "THINGS:THING_CREATED")
	}
	if e.def.State.Kind() != reflect.Struct {
		e.fault("the state of entity %q is %s: make it a struct", e.def.Type, e.def.State)
	}
}

func (e *Entity[S]) fault(format string, args ...any) {
	e.def.Faults = append(e.def.Faults, fmt.Errorf(format, args...))
}

// Register hands the definition to a runtime; it is not for users.
func (e *Entity[S]) Register(r *registry.Registry) { r.AddEntity(&e.def) }

func copier[S any]() (copyState func(any) any, flat bool) {
	if _, ok := any(*new(S)).(interface{ Clone() S }); ok {
		return func(state any) any {
			c := any(*state.(*S)).(interface{ Clone() S }).Clone()
			return &c
		}, false
	}
	if registry.IsFlat(reflect.TypeFor[S]()) {
		return func(state any) any {
			c := *state.(*S)
			return &c
		}, true
	}
	return func(state any) any {
		c := *state.(*S)
		registry.DeepCopy(reflect.ValueOf(&c).Elem())
		return &c
	}, false
}
