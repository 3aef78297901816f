// Package httpedge answers HTTP: it takes the input of actions and queries from
// requests, checks it, and answers with JSON or a problem (RFC 9457).
package httpedge

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/schema"
	"github.com/talix-dev/talix/internal/seal"
	"github.com/talix-dev/talix/store"
)

// Config says what an Edge answers.
type Config struct {
	Backend Backend
	Actions []*registry.Action // those without HTTP are left alone
	Queries []*registry.Query  // those without HTTP are left alone
	// Owner is the service that an action or query belongs to, for the OpenAPI
	// document. Defaults to none.
	Owner func(definition any) string
	// Schemas compiles the inputs. Defaults to a new set.
	Schemas *schema.Set
	// Title and Version stand in the OpenAPI document. They default to "talix"
	// and "0".
	Title, Version string
	// MaxBody is the largest body of a request in bytes, where its action says
	// nothing else. Defaults to 1 MiB.
	MaxBody int64
	// MaxRemembered is the largest body of an answer in bytes that is kept
	// under an Idempotency-Key; a larger one is made again for a repeat.
	// Defaults to 64 KiB.
	MaxRemembered int
	// Seal seals answers that are kept, and tells inputs apart that have
	// something personal. Defaults to sealing nothing.
	Seal *seal.Box
	// Log gets failures whose details are not answered. Defaults to
	// slog.Default().
	Log *slog.Logger
	// Observe, if it is set, is told of each request that a route takes as it
	// begins. It returns the context of what the request does, and what is told
	// the status that was answered (zero: none), and the error if there was one.
	Observe func(ctx context.Context, r *Request, asked Asked) (context.Context, func(status int, err error))
	// NewID makes correlation ids where the backend gave none. Defaults to
	// random ids.
	NewID func() store.ID
}

// Asked is what a request asks for.
type Asked struct {
	Pattern string // as in "POST /documents/{id}"
	Service string
}

func (c Config) withDefaults() Config {
	if c.Schemas == nil {
		c.Schemas = schema.New()
	}
	if c.Owner == nil {
		c.Owner = func(any) string { return "" }
	}
	if c.Title == "" {
		c.Title = "talix"
	}
	if c.Version == "" {
		c.Version = "0"
	}
	if c.MaxBody <= 0 {
		c.MaxBody = 1 << 20
	}
	if c.MaxRemembered <= 0 {
		c.MaxRemembered = 64 << 10
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.NewID == nil {
		c.NewID = randomID
	}
	return c
}

func randomID() (id store.ID) {
	rand.Read(id[:]) // never fails
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id
}

// Edge is a handler for all routes. Whatever it is asked, it answers with what
// a route says or with a problem.
type Edge struct {
	config  Config
	mux     *http.ServeMux
	routes  []*route
	openapi []byte
	flights flights
	fixed   fixed
	// exchanges are kept for later requests.
	exchanges sync.Pool
}

// New compiles the routes. The error names everything that is wrong with them,
// each with its place and how to mend it.
func New(c Config) (*Edge, error) {
	e := &Edge{config: c.withDefaults(), mux: http.NewServeMux(), fixed: newFixed()}
	var errs []error
	for _, a := range c.Actions {
		if a.HTTP != nil && len(a.Faults) == 0 {
			errs = append(errs, e.add(&route{action: a, http: a.HTTP, name: a.Name, place: a.Place, service: e.config.Owner(a)})...)
		}
	}
	for _, q := range c.Queries {
		if q.HTTP != nil && len(q.Faults) == 0 {
			errs = append(errs, e.add(&route{query: q, http: q.HTTP, name: q.Name, place: q.Place, service: e.config.Owner(q)})...)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if err := e.describe(); err != nil {
		return nil, err
	}
	return e, nil
}

func (e *Edge) add(rt *route) []error {
	errs := rt.compile(e)
	for i, err := range errs {
		errs[i] = fmt.Errorf("%s: %q: %w", rt.place, rt.pattern(), err)
	}
	e.routes = append(e.routes, rt)
	return errs
}

// ServeHTTP answers one request.
func (e *Edge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := e.exchange(w, r)
	defer x.end()
	e.mux.ServeHTTP(x, r)
	if !x.routed {
		x.unrouted()
	}
}

// OpenAPI is the document of all routes.
func (e *Edge) OpenAPI() ([]byte, error) { return e.openapi, nil }
