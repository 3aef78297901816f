package talix

import (
	"context"
	"fmt"
	"reflect"

	"github.com/talix-dev/talix/internal/registry"
)

// Query is a typed, named read of entities or views.
type Query[In, Out any] struct {
	def registry.Query
}

// QueryContext is what a query's handler may do: load entities and ask other
// queries. It is a context.Context.
type QueryContext struct {
	context.Context
	host registry.QueryHost
}

func (c QueryContext) reader() (context.Context, registry.Reader) { return c.Context, c.host }

func (c QueryContext) asker() (context.Context, registry.QueryHost) { return c.Context, c.host }

// Asker is what can ask queries: ActionContext and QueryContext.
type Asker interface {
	asker() (context.Context, registry.QueryHost)
}

// Ask runs a query. Inside an action it sees what the action's commands wrote.
// Errors are of type *Error.
func Ask[In, Out any](ctx Asker, q *Query[In, Out], in In) (Out, error) {
	c, host := ctx.asker()
	out, err := host.Ask(c, &q.def, in)
	if err != nil {
		return *new(Out), fromEngine(err)
	}
	return out.(Out), nil
}

// NewQuery defines a query by a function that reads.
func NewQuery[In, Out any](name string, handler func(QueryContext, In) (Out, error), opts ...QueryOption) *Query[In, Out] {
	q := &Query[In, Out]{registry.Query{
		Name:  name,
		Place: registry.Caller(1),
		In:    reflect.TypeFor[In](),
		Out:   reflect.TypeFor[Out](),
		Handle: func(ctx context.Context, h registry.QueryHost, in any) (any, error) {
			out, err := handler(QueryContext{ctx, h}, in.(In))
			return out, toEngine(err)
		},
	}}
	return q.with(opts)
}

// Page is the answer of a query for many rows.
type Page[R any] struct {
	Items []R `json:"items"`
	// Next is the cursor of the page that follows, empty on the last one.
	Next string `json:"next,omitempty"`
	// Prev is the cursor of the page before, empty on the first one. Rows that
	// arrived before the first page are found by asking without a cursor.
	Prev string `json:"prev,omitempty"`
}

// Paging is embedded in the input of a query with PageBy.
type Paging struct {
	Cursor string `query:"cursor" json:"cursor,omitempty" maxLength:"2048" doc:"Where to go on: the value of next or prev in another page."`
	Limit  int    `query:"limit" json:"limit,omitempty" minimum:"1" maximum:"1000" default:"100" doc:"The most items in a page."`
}

// SQL is a query for many rows in SQL over view tables. The tables may be those
// of any services. The text is one SELECT; it is checked at start, with its
// parameters and columns, and can only read. It is ended after ten seconds, and
// has up to 10,000 rows, unless it answers in pages (PageBy) or row by row
// (Each). The result's columns fill the fields of R by the names that NewTable
// uses.
//
// Parameters are written :name and take the fields of In: by the name of the
// field's path, query, header or json tag, or else in snake case.
//
//   - A filter that may be left out is a pointer: nil is NULL, so that
//     (:vendor IS NULL OR vendor = :vendor) takes all rows then.
//   - A slice is a set: vendor IN (:vendors). The empty set has no element, so
//     that no row is in it. A set has at most 10,000 elements.
//   - search(table, :words) is the set of the keys of the rows in which each of
//     the words stands, in a column with a full-text tag, the last word perhaps
//     not to its end: id IN search(notes, :words). Any text may be searched for;
//     one without words finds nothing.
//
// The same text runs on every database as far as it keeps to what they share;
// Dialect gives one of them a text of its own. Upper and lower case are told
// apart by = and LIKE; lower and upper know the letters of all languages.
func SQL[In, R any](name, text string, opts ...QueryOption) *Query[In, Page[R]] {
	q := &Query[In, Page[R]]{sqlOf[In, R](name, text)}
	q.def.Place = registry.Caller(1)
	q.def.Out = reflect.TypeFor[Page[R]]()
	q.def.SQL.Collect = func(rows []any, cursors registry.Cursors) any {
		page := Page[R]{Items: make([]R, len(rows)), Next: cursors.Next, Prev: cursors.Prev}
		for i, row := range rows {
			page.Items[i] = *row.(*R)
		}
		return page
	}
	return q.with(opts)
}

// SQLOne is a query for one row in SQL, as SQL is for many. No row is an
// ErrNotFound, and more than one a fault of the query.
func SQLOne[In, R any](name, text string, opts ...QueryOption) *Query[In, R] {
	q := &Query[In, R]{sqlOf[In, R](name, text)}
	q.def.Place = registry.Caller(1)
	q.def.Out = reflect.TypeFor[R]()
	q.def.SQL.One = true
	q.def.SQL.Collect = func(rows []any, _ registry.Cursors) any { return *rows[0].(*R) }
	return q.with(opts)
}

func sqlOf[In, R any](name, text string) registry.Query {
	return registry.Query{
		Name: name,
		In:   reflect.TypeFor[In](),
		SQL:  &registry.SQL{Text: text, Row: reflect.TypeFor[R]()},
	}
}

func (q *Query[In, Out]) with(opts []QueryOption) *Query[In, Out] {
	if !registry.ValidName(q.def.Name) {
		q.def.Faults = append(q.def.Faults, fmt.Errorf("query %q: %s", q.def.Name, registry.NameRule))
	}
	for _, o := range opts {
		o(&q.def)
	}
	if h := q.def.HTTP; h != nil {
		h.In, h.Out = q.def.In, q.def.Out
		h.Summary, h.Description = q.def.Summary, q.def.Description
		h.NewIn = func() any { return new(In) }
	}
	return q
}

// Register hands the definition to a runtime; it is not for users.
func (q *Query[In, Out]) Register(r *registry.Registry) { r.AddQuery(&q.def) }

// QueryOption says more of a query.
type QueryOption func(*registry.Query)
