package talix

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"

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
}

// Paging is embedded in the input of a query with PageBy.
type Paging struct {
	Cursor string `query:"cursor" json:"cursor,omitempty" maxLength:"2048" doc:"Where to go on: the value of next in the page before."`
	Limit  int    `query:"limit" json:"limit,omitempty" minimum:"1" maximum:"1000" default:"100" doc:"The most items in a page."`
}

// SQL is a query for many rows in SQL over view tables. Parameters are written
// :name and take the fields of In: by the name of the field's path, query,
// header or json tag, or else in snake case. The result's columns fill the
// fields of R by the names that NewTable uses. The text is checked at start,
// and can only read.
func SQL[In, R any](name, text string, opts ...QueryOption) *Query[In, Page[R]] {
	q := &Query[In, Page[R]]{sqlOf[In, R](name, text)}
	q.def.Place = registry.Caller(1)
	q.def.Out = reflect.TypeFor[Page[R]]()
	q.def.SQL.Collect = func(rows []any, next string) any {
		page := Page[R]{Items: make([]R, len(rows)), Next: next}
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
	q.def.SQL.Collect = func(rows []any, _ string) any { return *rows[0].(*R) }
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
		h.NewIn = func() any { return new(In) }
	}
	return q
}

// Register hands the definition to a runtime; it is not for users.
func (q *Query[In, Out]) Register(r *registry.Registry) { r.AddQuery(&q.def) }

// QueryOption says more of a query.
type QueryOption func(*registry.Query)

// Expose answers a query over HTTP, as in Expose("GET /documents/{id}"). The
// query's input is taken from the request as OnHTTP does; fields without a tag
// are query parameters.
func Expose(pattern string) QueryOption {
	return func(q *registry.Query) {
		method, path, ok := strings.Cut(pattern, " ")
		if !ok || method != "GET" || !strings.HasPrefix(path, "/") {
			q.Faults = append(q.Faults, fmt.Errorf("query %q: Expose(%q): queries are read with GET, as in \"GET /documents/{id}\"", q.Name, pattern))
		}
		q.HTTP = &registry.HTTP{Method: method, Path: path}
	}
}

// PageBy gives the answer of an SQL query in pages, in the order of the given
// columns of its result, each followed by " desc" if it falls. Together they
// must be different for each row. The query's text has no ORDER BY or LIMIT of
// its own, and its input embeds Paging. Pages stay stable while rows arrive: a
// cursor says after which row to go on, not how many to skip.
func PageBy(columns ...string) QueryOption {
	return func(q *registry.Query) {
		if q.SQL == nil || q.SQL.One || len(columns) == 0 {
			q.Faults = append(q.Faults, errors.New("PageBy is for SQL queries and takes at least one column"))
			return
		}
		for _, c := range columns {
			name, desc := strings.CutSuffix(c, " desc")
			q.SQL.Page = append(q.SQL.Page, registry.PageKey{Column: name, Desc: desc})
		}
	}
}
