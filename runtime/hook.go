package runtime

import (
	"fmt"
	"net/http"
	"reflect"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/source"
)

// hook is an outside trigger that is called over HTTP: a source.Source with a
// handler for requests of a pattern, as in "POST /hooks/payments". Several
// sources may have the same handler, which answers for all of them.
type hook interface {
	Mount() (pattern string, h http.Handler)
}

// resolve finds the sources of actions on outside triggers: those that are
// named in definitions are provided where the program is put together.
func (r *Runtime) resolve() (faults []error) {
	r.sources = map[*registry.Action]source.Source{}
	for _, a := range r.registry.Actions {
		if a.Source == nil || len(a.Faults) > 0 {
			continue
		}
		s := a.Source.Source
		if ref, ok := s.(source.Reference); ok {
			var err error
			if s, err = ref.Resolve(r.provided); err != nil {
				faults = append(faults, fmt.Errorf("%s: action %q: %w", a.Place, a.Name, err))
				continue
			}
		}
		r.sources[a] = s
	}
	return faults
}

func (r *Runtime) provided(t reflect.Type) (any, error) {
	if v, ok := r.registry.Provided[t]; ok {
		return v, nil
	}
	return nil, fmt.Errorf("no one provides %s", t)
}

// mount adds the hooks to what answers requests.
func (r *Runtime) mount() (faults []error) {
	mux := http.NewServeMux()
	mounted := map[string]http.Handler{}
	for _, a := range r.registry.Actions {
		source, ok := r.sources[a].(hook)
		if !ok {
			continue
		}
		pattern, h := source.Mount()
		if reflect.TypeOf(h).Comparable() && mounted[pattern] == h {
			continue
		}
		mounted[pattern] = h
		if err := r.mountOne(mux, pattern, h); err != nil {
			faults = append(faults, fmt.Errorf("%s: action %q: %w", a.Place, a.Name, err))
		}
	}
	r.handler = r.edge
	if len(mounted) > 0 {
		mux.Handle("/", r.edge)
		r.handler = mux
	}
	return faults
}

func (r *Runtime) mountOne(mux *http.ServeMux, pattern string, h http.Handler) (err error) {
	for _, a := range r.registry.Actions {
		if a.HTTP != nil && a.HTTP.Method+" "+a.HTTP.Path == pattern {
			return conflicting(pattern, a)
		}
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("bad pattern %q: %v: write it as in \"POST /hooks/payments\", one for each endpoint", pattern, p)
		}
	}()
	mux.Handle(pattern, h)
	return nil
}

func conflicting(pattern string, a *registry.Action) error {
	return fmt.Errorf("its pattern %q is that of the action at %s: rename one", pattern, a.Place)
}
