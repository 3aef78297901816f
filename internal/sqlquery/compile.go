package sqlquery

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/rowmap"
	"github.com/talix-dev/talix/table"
)

// compiler gathers a query and what is wrong with it.
type compiler struct {
	q       *Query
	in      *rowmap.Input
	dialect table.Dialect // nil: the store has none
	given   string        // the text as the user wrote it
	sql     string        // the same in the words of the database
	faults  []error
}

func (c *compiler) fault(format string, args ...any) {
	def := c.q.def
	c.faults = append(c.faults, fmt.Errorf("%s: query %q: %w", def.Place, def.Name, fmt.Errorf(format, args...)))
}

// Compile checks an SQL query against its types and the tables, which have to
// exist. The faults are all that is wrong with it, each with its place and how
// to mend it; the query is of use only without any.
func Compile(ctx context.Context, cfg Config, def *registry.Query) (*Query, []error) {
	cfg.setDefaults()
	c := &compiler{q: &Query{cfg: cfg, def: def}, in: rowmap.NewInput(def.In), given: def.SQL.Text}
	if d, ok := cfg.Tables.(table.Dialect); ok {
		c.dialect = d
		c.given = cmp.Or(def.SQL.Dialects[d.Dialect()], def.SQL.Text)
	}
	row, faults := rowmap.Compile(def.SQL.Row)
	for _, err := range faults {
		c.fault("row type %s: %w", def.SQL.Row, err)
	}
	c.q.row = row
	if !c.prepare(ctx) {
		return c.q, c.faults
	}
	if len(def.SQL.Page) > 0 {
		c.page(ctx)
	}
	if def.SQL.Live {
		c.live()
	}
	return c.q, c.faults
}

// prepare checks the text as the user wrote it.
func (c *compiler) prepare(ctx context.Context) bool {
	q := c.q
	x := expand(c.given, c.in, c.dialect)
	c.sql = x.out.String()
	for _, err := range x.faults {
		c.fault("%w", err)
	}
	if len(x.faults) > 0 {
		return false
	}
	stmt, err := q.cfg.Tables.Prepare(ctx, c.sql, q.cfg.Schemas)
	if err != nil {
		c.fault("the database does not take its text: %w\n\t%s", err, indent(c.sql))
		return false
	}
	if len(stmt.Columns) == 0 {
		c.fault("its text gives no rows: write one SELECT\n\t%s", indent(c.sql))
		return false
	}
	if stmt.Tables != nil {
		q.tables = slices.Concat(stmt.Tables, x.tables)
	}
	c.params(stmt.Params)
	c.duplicates(stmt.Columns)
	q.text = c.text(c.sql, stmt)
	q.all = q.text
	return true
}

func (c *compiler) duplicates(columns []string) {
	seen := map[string]bool{}
	for _, name := range columns {
		low := strings.ToLower(name)
		if seen[low] {
			c.fault("its result has two columns named %q: list the columns that are meant, and name them apart with AS", name)
		}
		seen[low] = true
	}
}

// text finds the fields of the row type in a result.
func (c *compiler) text(sql string, stmt table.Statement) text {
	columns := stmt.Columns
	t := text{sql: sql, params: stmt.Params, columns: columns}
	if c.q.row == nil {
		return t
	}
	var missing []string
	t.read, missing = c.q.row.Reader(columns)
	for _, name := range missing {
		c.fault("the row type %s has the column %q, but the result has %s: add it to the SELECT, or leave the field out with db:\"-\"",
			c.q.def.SQL.Row, name, strings.Join(columns, ", "))
	}
	return t
}

// around is a part of a text with its surroundings.
func around(text, part string) string {
	i := strings.Index(text, part)
	if i < 0 {
		return part
	}
	from, to := max(0, i-30), min(len(text), i+len(part)+10)
	return strings.Join(strings.Fields(strings.ToValidUTF8(text[from:to], "")), " ")
}

func indent(sql string) string {
	return strings.ReplaceAll(strings.TrimSpace(sql), "\n", "\n\t")
}

// pagingField finds a field of Paging in an input.
func pagingField(in reflect.Type, name, tag string, kind reflect.Kind) []int {
	if in.Kind() != reflect.Struct {
		return nil
	}
	for _, f := range reflect.VisibleFields(in) {
		query, _, _ := strings.Cut(f.Tag.Get("query"), ",")
		if f.Name == name && query == tag && f.Type.Kind() == kind {
			return f.Index
		}
	}
	return nil
}
