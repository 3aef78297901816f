package registry

import (
	"context"
	"iter"
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
	// Summary and Description are for the OpenAPI document.
	Summary, Description string
}

// Streams tells whether the query has many rows, which can be taken one by one.
func (q *Query) Streams() bool { return q.SQL != nil && !q.SQL.One }

// SQL is a query's text.
type SQL struct {
	Text string
	// Dialects are the texts for databases of their own, by the names that
	// table.Dialect has; those that are missing take Text.
	Dialects map[string]string
	Row      reflect.Type
	One      bool
	// Page is the keyset, empty for a query without pages.
	Page []PageKey
	// Live lets callers watch the query; LiveKey are the columns that tell its
	// rows apart, empty for those of Page.
	Live    bool
	LiveKey []string
	// Collect makes the query's result of rows, which are pointers to Row; for
	// One there is exactly one.
	Collect func(rows []any, cursors Cursors) any
}

// PageKey is one column of a keyset.
type PageKey struct {
	Column string
	Desc   bool
}

// Cursors lead from a page to its neighbours; empty where there is none.
type Cursors struct{ Next, Prev string }

// ChangeKind says what a Change does.
type ChangeKind uint8

// The kinds. A Beat changes nothing: it tells that the query is still watched.
const (
	Present ChangeKind = iota + 1 // Rows are all; what was known before is void
	Insert
	Update
	Delete
	Beat
)

// Change is one step of what a watcher of a query knows.
type Change struct {
	Kind ChangeKind
	// ID names the state after the change, for a watcher that comes back.
	ID string
	// Row is what was inserted, updated or deleted. Nobody changes it.
	Row *LiveRow
	// At is the row's place in the result, from zero, for Insert and Update.
	At int
	// Rows are those of Present, in order.
	Rows []*LiveRow
}

// LiveRow is a row of a watched query, shared by all who watch it.
type LiveRow struct {
	Key   string                 // tells the row apart from the others
	Value any                    // a pointer to SQL.Row, not to be changed
	JSON  func() ([]byte, error) // Value as JSON, made once
}

// QueryHost is what a query's handler may do.
type QueryHost interface {
	Reader
	Ask(ctx context.Context, q *Query, in any) (any, error)
	// Each gives the rows of a query one by one, as pointers to SQL.Row. The
	// first error ends it.
	Each(ctx context.Context, q *Query, in any) iter.Seq2[any, error]
	// Watch gives the present rows of a live query, then each change, until
	// ctx ends. The first error ends it.
	Watch(ctx context.Context, q *Query, in any) iter.Seq2[Change, error]
}
