// Package registry holds what users defined, with their types erased, so that
// the engine works on names, bytes and opaque values. The root package fills
// it; generics end there.
package registry

import (
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
)

// Registry is everything that one runtime hosts. Definitions may be in several
// registries at once, so nothing here changes them.
type Registry struct {
	Services []string
	Entities []*Entity
	Commands []*Command
	Actions  []*Action
	Views    []*View
	Tables   []*Table // of the views
	Queries  []*Query
	Uniques  []*Unique
	Needs    []Need
	Provided map[reflect.Type]any
	Plugins  []any

	owner   map[any]string // by definition: the service that it belongs to
	service string         // the service that is being registered
	faults  []error
}

// New is an empty registry.
func New() *Registry {
	return &Registry{Provided: map[reflect.Type]any{}, owner: map[any]string{}}
}

// Need is a dependency that some service gets at run time.
type Need struct {
	Service string
	Type    reflect.Type
	Place   Place
}

// Place is where in the user's code something was defined.
type Place string

// Caller is the place skip frames above its caller.
func Caller(skip int) Place {
	_, file, line, ok := runtime.Caller(skip + 1)
	if !ok {
		return "an unknown place"
	}
	if i := strings.LastIndexByte(file, '/'); i > 0 {
		if j := strings.LastIndexByte(file[:i], '/'); j >= 0 {
			file = file[j+1:]
		}
	}
	return Place(fmt.Sprintf("%s:%d", file, line))
}

// Fault notes a fault of wiring, to be reported at start with all others.
func (r *Registry) Fault(place Place, format string, args ...any) {
	r.faults = append(r.faults, fmt.Errorf("%s: %w", place, fmt.Errorf(format, args...)))
}

// Faults is what was noted.
func (r *Registry) Faults() []error { return r.faults }

// Begin makes service the owner of what is registered until End.
func (r *Registry) Begin(service string) {
	if slices.Contains(r.Services, service) || !ValidName(service) {
		r.Fault(Place("service "+service), "give each service a name of its own; %s", NameRule)
	}
	r.Services = append(r.Services, service)
	r.service = service
}

// End ends what Begin began.
func (r *Registry) End() { r.service = "" }

// Service is the name of the service that is being registered.
func (r *Registry) Service() string { return r.service }

// Owner is the service that a definition belongs to.
func (r *Registry) Owner(definition any) string { return r.owner[definition] }

// Entity finds an entity by its type.
func (r *Registry) Entity(typ string) *Entity {
	for _, e := range r.Entities {
		if e.Type == typ {
			return e
		}
	}
	return nil
}

// Event finds an event by its Go type.
func (r *Registry) Event(typ reflect.Type) (*Entity, *Event) {
	for _, e := range r.Entities {
		if ev := e.ByGo[typ]; ev != nil {
			return e, ev
		}
	}
	return nil, nil
}
