package talix

import (
	"reflect"

	"github.com/talix-dev/talix/internal/registry"
)

// Service is a named set of definitions that belong together, handed to the
// runtime as one.
type Service struct {
	Name       string
	Components Components
}

// Components are the definitions of a service: entities, commands, actions,
// tables, queries and needs.
type Components []Component

// Component is a definition that a service is made of.
type Component interface {
	Register(*registry.Registry)
}

// Part is what a runtime is made of: services, what is provided to their
// actions, and plugins.
type Part interface {
	Register(*registry.Registry)
}

// Register hands the service to a runtime; it is not for users.
func (s Service) Register(r *registry.Registry) {
	r.Begin(s.Name)
	defer r.End()
	for _, c := range s.Components {
		if c == nil {
			r.Fault(registry.Place("service "+s.Name), "a component is nil: remove it, or initialize the variable before the service")
			continue
		}
		c.Register(r)
	}
}

type part func(*registry.Registry)

func (p part) Register(r *registry.Registry) { p(r) }

// Needs names a service (dependency) that actions of this bundle Get. If no one
// provides it, the runtime does not start.
func Needs[T any]() Component {
	place := registry.Caller(1)
	return part(func(r *registry.Registry) {
		r.Needs = append(r.Needs, registry.Need{Service: r.Service(), Type: reflect.TypeFor[T](), Place: place})
	})
}

// Provide gives actions a service (dependency) under the type T, mostly an
// interface, as in talix.Provide[FileStorage](dir.New("files")). It must be
// safe for use from many goroutines.
func Provide[T any](impl T) Part {
	place := registry.Caller(1)
	return part(func(r *registry.Registry) {
		t := reflect.TypeFor[T]()
		if _, ok := r.Provided[t]; ok {
			r.Fault(place, "%s is provided twice: remove one", t)
		}
		if any(impl) == nil {
			r.Fault(place, "nil is provided for %s", t)
		}
		r.Provided[t] = impl
	})
}
