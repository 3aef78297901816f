package sqlquery

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/table"
)

// page is how a query answers in pages.
type page struct {
	keys          []registry.PageKey
	next          text // pages after the first
	nulls         string
	at            []int // the result's column of each key
	cursor, limit []int // fields of the input
	names         []string
}

// params is how many parameters paging adds.
func (p *page) params() int {
	if p == nil {
		return 0
	}
	return len(p.keys) + 1
}

// page makes the texts of the first page and of those that follow.
func (c *compiler) page(ctx context.Context) {
	q := c.q
	p := &page{keys: q.def.SQL.Page}
	p.cursor = pagingField(q.def.In, "Cursor", "cursor", reflect.String)
	p.limit = pagingField(q.def.In, "Limit", "limit", reflect.Int)
	if p.cursor == nil || p.limit == nil {
		c.fault("PageBy needs an input that says which page: embed talix.Paging in %s", q.def.In)
	}
	for _, param := range q.params {
		if param.Name == "cursor" || param.Name == "limit" {
			c.fault("its text uses :%s, which PageBy does by itself: remove it", param.Name)
		}
	}
	for i, k := range p.keys {
		p.names = append(p.names, keyParam(i))
		if !hasColumn(q.text.columns, k.Column) {
			c.fault("PageBy names the column %q, but the result has %s: add it to the SELECT, or name another", k.Column, strings.Join(q.text.columns, ", "))
		}
	}
	if len(c.faults) > 0 {
		return
	}
	from := wrap(q.def.SQL.Text)
	first, next := pageTexts(from, p.keys)
	p.nulls = nullText(from, p.keys)
	q.text, p.next = c.pageText(ctx, first), c.pageText(ctx, next)
	for _, k := range p.keys {
		p.at = append(p.at, slices.IndexFunc(q.text.columns, func(name string) bool { return strings.EqualFold(name, k.Column) }))
	}
	q.page = p
}

func hasColumn(columns []string, name string) bool {
	return slices.ContainsFunc(columns, func(c string) bool { return strings.EqualFold(c, name) })
}

func (c *compiler) pageText(ctx context.Context, sql string) text {
	stmt, err := c.q.cfg.Tables.Prepare(ctx, sql)
	if err != nil {
		c.fault("its text can't be put into pages: %w: write one SELECT without ORDER BY and LIMIT\n\t%s", err, indent(sql))
		return text{}
	}
	return c.text(sql, stmt.Columns)
}

// runPage reads one row more than the page has, which tells if another follows.
func (q *Query) runPage(ctx context.Context, input reflect.Value, args []table.Arg) (any, error) {
	limit, err := q.limit(input)
	if err != nil {
		return nil, err
	}
	mark := q.fingerprint(args)
	filters := args
	t, args, err := q.position(input.FieldByIndex(q.page.cursor).String(), mark, args)
	if err != nil {
		return nil, err
	}
	args = append(args, table.Arg{Name: limitParam, Value: table.IntValue(int64(limit) + 1)})
	rows, last, more := q.rows(limit), []table.Value(nil), false
	for values, err := range q.cfg.Tables.Query(ctx, t.sql, args) {
		if err != nil {
			return nil, q.failed(ctx, err)
		}
		if err := q.checkKey(last, values); err != nil {
			return nil, q.internal(err)
		}
		if more = len(rows.all) == limit; more {
			break
		}
		last = q.key(last[:0], values)
		if err := rows.add(t.read, values); err != nil {
			return nil, q.internal(err)
		}
	}
	if !more {
		return q.def.SQL.Collect(rows.all, ""), q.checkNulls(ctx, t, filters)
	}
	next, err := encodeCursor(mark, last)
	if err != nil {
		return nil, q.internal(err)
	}
	return q.def.SQL.Collect(rows.all, next), nil
}

func (q *Query) limit(input reflect.Value) (int, error) {
	switch n := input.FieldByIndex(q.page.limit).Int(); {
	case n == 0:
		return defaultLimit, nil
	case n < 0 || n > maxLimit:
		return 0, invalid("query.limit", fmt.Sprintf("the limit is 1 to %d", maxLimit))
	default:
		return int(n), nil
	}
}

func invalid(location, message string) error {
	f := registry.Faultf(registry.Invalid, "the input is not valid")
	f.Fields = []registry.Field{{Location: location, Message: message}}
	return f
}

// position is the text that goes on where a cursor says.
func (q *Query) position(cursor string, mark fingerprint, args []table.Arg) (*text, []table.Arg, error) {
	if cursor == "" {
		return &q.text, args, nil
	}
	keys, err := decodeCursor(cursor, mark, len(q.page.keys))
	if err != nil {
		return nil, nil, invalid("query.cursor", err.Error())
	}
	for i, v := range keys {
		args = append(args, table.Arg{Name: q.page.names[i], Value: v})
	}
	return &q.page.next, args, nil
}

// key appends a row's key values to dst.
func (q *Query) key(dst, values []table.Value) []table.Value {
	for _, at := range q.page.at {
		dst = append(dst, values[at])
	}
	return dst
}

// checkNulls refuses rows that the pages before this last one have passed over.
func (q *Query) checkNulls(ctx context.Context, t *text, filters []table.Arg) error {
	if t == &q.text {
		return nil // the one page has all rows
	}
	for _, err := range q.cfg.Tables.Query(ctx, q.page.nulls, filters) {
		if err != nil {
			return q.failed(ctx, err)
		}
		return q.internal(fmt.Errorf("a column of PageBy is NULL in a row: %s", mendNull))
	}
	return nil
}

const mendNull = "leave such rows out, or use coalesce"

// checkKey refuses rows that no cursor can stand between, which would otherwise
// be missing in some page.
func (q *Query) checkKey(last, values []table.Value) error {
	same := len(last) > 0
	for i, at := range q.page.at {
		if values[at].Kind() == table.Null {
			return fmt.Errorf("the column %q of PageBy is NULL in a row: %s", q.page.keys[i].Column, mendNull)
		}
		same = same && values[at] == last[i]
	}
	if same {
		return errors.New("two rows have the same values in the columns of PageBy, so that pages would lose rows: add a column that tells them apart, such as the id")
	}
	return nil
}
