package registry

import (
	"context"
	"reflect"
)

// Query is a typed read. Either Handle or SQL is set.
type Query struct {
	Name    string
	Place   Place
	Faults  []error
	In, Out reflect.Type
	HTTP    *HTTP // nil: not exposed
	Handle  func(ctx context.Context, h QueryHost, in any) (any, error)
	SQL     *SQL
}

// SQL is a query's text.
type SQL struct {
	Text string
	Row  reflect.Type
	One  bool
	// Page is the keyset, empty for a query without pages.
	Page []PageKey
	// Collect makes the query's result of rows, which are pointers to Row; for
	// One there is exactly one.
	Collect func(rows []any, next string) any
}

// PageKey is one column of a keyset.
type PageKey struct {
	Column string
	Desc   bool
}

// QueryHost is what a query's handler may do.
type QueryHost interface {
	Reader
	Ask(ctx context.Context, q *Query, in any) (any, error)
}
