package httpedge

import (
	"context"
	"iter"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// Backend does what requests ask for. Its methods are called from many
// goroutines. An error is a *registry.Fault, or else counts as internal.
type Backend interface {
	// Act runs an action; in is a pointer made by HTTP.NewIn. The result is of
	// type HTTP.Out.
	Act(ctx context.Context, a *registry.Action, in any, r *Request) (any, error)
	// Ask runs a query; in is of type HTTP.In, the result of type HTTP.Out.
	Ask(ctx context.Context, q *registry.Query, in any, r *Request) (any, error)
	// Each gives the rows of a query one by one, as pointers to SQL.Row.
	Each(ctx context.Context, q *registry.Query, in any, r *Request) iter.Seq2[any, error]
	// Watch gives the present rows of a live query, or what changed after
	// Request.Resume, then each change.
	Watch(ctx context.Context, q *registry.Query, in any, r *Request) iter.Seq2[registry.Change, error]
	// Allow tells whether the caller may have the answer that an earlier
	// request to the action got: nil, or the error to answer instead.
	Allow(ctx context.Context, a *registry.Action, r *Request) error
	// Recall is the first answer that Remember kept under a key, or false.
	Recall(ctx context.Context, key store.ID) ([]byte, bool, error)
	// Remember keeps the first answer under a key; an answer that is there
	// stays.
	Remember(ctx context.Context, key store.ID, answer []byte) error
}

// Request is what a backend is told of a request beside its input, and what it
// tells of the answer.
type Request struct {
	// Key is made of the Idempotency-Key, the route and its path values; zero
	// if the request has none.
	Key store.ID
	// Correlation is what the caller gave; zero if nothing. The backend may
	// set it, and it is answered as Talix-Correlation.
	Correlation store.ID
	// After is what a query has to wait for: an earlier Talix-Position.
	After string
	// Resume is the id of the last change that a watcher has; empty if it has
	// none.
	Resume string
	// Header reads a header of the request.
	Header func(name string) string
	// Position is set by the backend to what the action wrote, and answered
	// as Talix-Position.
	Position string
}
