// Package sqlquery runs typed SQL queries over view tables: it checks them at
// start, fills their parameters, reads their rows, and pages through them.
package sqlquery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/rowmap"
	"github.com/talix-dev/talix/table"
)

// Config says what queries run on and what bounds them. Tables has to be set.
type Config struct {
	// Tables are asked.
	Tables table.Store
	// Schemas are those of the tables as they are defined, over which queries
	// are checked. Without them queries are checked over the tables that are
	// there.
	Schemas []table.Schema
	// Timeout bounds one query. Defaults to 10 s.
	Timeout time.Duration
	// StreamTimeout bounds a query whose rows are taken one by one. Defaults to
	// 5 min.
	StreamTimeout time.Duration
	// MaxRows bounds the rows of a query without pages. Defaults to 10,000.
	MaxRows int
}

func (c *Config) setDefaults() {
	c.Timeout = cmp.Or(c.Timeout, 10*time.Second)
	c.StreamTimeout = cmp.Or(c.StreamTimeout, 5*time.Minute)
	c.MaxRows = cmp.Or(c.MaxRows, 10_000)
}

// The bounds of a page.
const (
	defaultLimit = 100
	maxLimit     = 1000
)

// Query is a query that was checked. It may be run from many goroutines.
type Query struct {
	cfg    Config
	def    *registry.Query
	params []argument
	row    *rowmap.Plan
	text   text // without pages, or the first page
	all    text // every row, in order
	page   *page
	live   *keyed // nil: it can't be watched
	tables []string
}

// text is one form of a query's text, with a reader for its result.
type text struct {
	sql     string
	params  []string
	columns []string
	read    *rowmap.Reader
}

// Tables are the tables that the query reads, or nil where it can't be told.
func (q *Query) Tables() []string { return q.tables }

// Run answers the query for an input of type In: what Collect makes of the
// rows. Errors are of type *registry.Fault.
func (q *Query) Run(ctx context.Context, in any) (any, error) {
	input, args, err := q.given(in)
	if err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeoutCause(ctx, q.cfg.Timeout, errSlow)
	defer cancel()
	if q.page != nil {
		return q.runPage(limited, input, args)
	}
	return q.runAll(limited, args)
}

func (q *Query) runAll(ctx context.Context, args []table.Arg) (any, error) {
	most := q.cfg.MaxRows
	if q.def.SQL.One {
		most = 1
	}
	rows := q.rows(0)
	for values, err := range q.cfg.Tables.Query(ctx, q.text.sql, args) {
		if err != nil {
			return nil, q.failed(ctx, err)
		}
		if len(rows.all) == most {
			return nil, q.tooMany()
		}
		if err := rows.add(q.text.read, values); err != nil {
			return nil, q.internal(err)
		}
	}
	if q.def.SQL.One && len(rows.all) == 0 {
		return nil, registry.Faultf(registry.NotFound, "there is no such row")
	}
	return q.def.SQL.Collect(rows.all, registry.Cursors{}), nil
}

func (q *Query) tooMany() error {
	if q.def.SQL.One {
		return q.internal(errors.New("the query for one row has found several: narrow its WHERE clause, add LIMIT 1, or use talix.SQL"))
	}
	return q.internal(fmt.Errorf("the query has more than %d rows: add talix.PageBy to it, so that it answers in pages, or take them one by one with talix.Each", q.cfg.MaxRows))
}

var (
	errSlow       = errors.New("the query took too long")
	errSlowStream = errors.New("the rows were taken too slowly")
)

// failed tells why the database did not answer.
func (q *Query) failed(ctx context.Context, err error) error {
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errSlowStream):
		return registry.Faultf(registry.Unavailable, "the rows of the query %q were not all taken within %s, so it was ended", q.def.Name, q.cfg.StreamTimeout).Because(err)
	case errors.Is(cause, errSlow):
		return registry.Faultf(registry.Unavailable, "the query %q took longer than %s and was ended", q.def.Name, q.cfg.Timeout).Because(err)
	case cause != nil:
		return registry.Faultf(registry.Unavailable, "the query %q was cancelled", q.def.Name).Because(cmp.Or(cause, err))
	}
	return q.internal(err)
}

func (q *Query) internal(err error) error {
	return registry.Faultf(registry.Internal, "the query %q failed", q.def.Name).Because(fmt.Errorf("%s: query %q: %w", q.def.Place, q.def.Name, err))
}

// rows makes Go values of rows. They are allocated several at a time.
type rows struct {
	typ   reflect.Type
	all   []any
	chunk reflect.Value
	used  int
}

func (q *Query) rows(expected int) *rows {
	return &rows{typ: reflect.SliceOf(q.def.SQL.Row), all: make([]any, 0, expected)}
}

func (r *rows) add(read *rowmap.Reader, values []table.Value) error {
	if !r.chunk.IsValid() || r.used == r.chunk.Len() {
		n := min(max(1, 2*r.used), 64)
		r.chunk, r.used = reflect.MakeSlice(r.typ, n, n), 0
	}
	row := r.chunk.Index(r.used)
	r.used++
	r.all = append(r.all, row.Addr().Interface())
	if err := read.Scan(row, values); err != nil {
		return fmt.Errorf("read row %d: %w", len(r.all), err)
	}
	return nil
}
