package runtime

import (
	"fmt"
	"net/http"

	"github.com/talix-dev/talix"
)

// Page is a plugin that shows operators something over HTTP, such as metrics.
// Package standalone serves it on the admin listener, with headers that keep other
// sites away, which the handler may set otherwise; others mount it where they
// like.
type Page interface {
	talix.Plugin
	// Page is called once, with the runtime that the plugin is used in. pattern
	// is one of http.ServeMux, as in "GET /metrics".
	Page(r *Runtime) (pattern string, h http.Handler, err error)
}

// Pages mounts what the plugins show to operators. Whoever calls it guards who
// may see that. An error names the plugin.
func (r *Runtime) Pages(mux *http.ServeMux) error {
	for _, p := range r.registry.Plugins {
		page, ok := p.(Page)
		if !ok {
			continue
		}
		pattern, h, err := page.Page(r)
		if err == nil {
			err = r.mountPage(mux, pattern, h)
		}
		if err != nil {
			return fmt.Errorf("mount the page of plugin %q: %w", page.Name(), err)
		}
	}
	return nil
}

func (*Runtime) mountPage(mux *http.ServeMux, pattern string, h http.Handler) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("bad pattern %q: %v", pattern, p)
		}
	}()
	mux.Handle(pattern, h)
	return nil
}
