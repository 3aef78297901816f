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
	next, prev    text // pages after or before a row; the latter backwards
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
		if param.name == "cursor" || param.name == "limit" {
			c.fault("its text uses :%s, which PageBy does by itself: remove it", param.name)
		}
	}
	for i, k := range p.keys {
		p.names = append(p.names, keyParam(i))
		if columnOf(q.text.columns, k.Column) < 0 {
			c.fault("PageBy names the column %q, but the result has %s: add it to the SELECT, or name another", k.Column, strings.Join(q.text.columns, ", "))
		}
	}
	if len(c.faults) > 0 {
		return
	}
	from := wrap(c.sql)
	t := pageTexts(from, p.keys)
	p.nulls = nullText(from, p.keys)
	q.text, q.all = c.pageText(ctx, t.first), c.pageText(ctx, t.all)
	p.next, p.prev = c.pageText(ctx, t.next), c.pageText(ctx, t.prev)
	for _, k := range p.keys {
		p.at = append(p.at, columnOf(q.text.columns, k.Column))
	}
	q.page = p
}

func columnOf(columns []string, name string) int {
	return slices.IndexFunc(columns, func(c string) bool { return strings.EqualFold(c, name) })
}

func (c *compiler) pageText(ctx context.Context, sql string) text {
	stmt, err := c.q.cfg.Tables.Prepare(ctx, sql, c.q.cfg.Schemas)
	if err != nil {
		c.fault("its text can't be put into pages: %w: write one SELECT without ORDER BY and LIMIT\n\t%s", err, indent(sql))
		return text{}
	}
	return c.text(sql, stmt)
}

// place is where a page begins.
type place struct {
	text   *text
	args   []table.Arg // with the keys
	to     direction
	inside bool // it goes on from a row
}

// pageRows are the rows of one page, in the order of its text.
type pageRows struct {
	rows        *rows
	first, last []table.Value // their keys
	more        bool          // others follow
}

func (q *Query) runPage(ctx context.Context, input reflect.Value, args []table.Arg) (any, error) {
	limit, err := q.limit(input)
	if err != nil {
		return nil, err
	}
	mark := q.fingerprint(args)
	from, err := q.place(input.FieldByIndex(q.page.cursor).String(), mark, args)
	if err != nil {
		return nil, err
	}
	got, err := q.readPage(ctx, from, limit)
	if err == nil && from.to == back && len(got.rows.all) == 0 {
		from = &place{text: &q.text, args: args} // nothing is before it any more, so this is the first page
		got, err = q.readPage(ctx, from, limit)
	}
	if err != nil {
		return nil, err
	}
	if from.to == forth && from.inside && !got.more {
		if err := q.checkNulls(ctx, args); err != nil {
			return nil, err
		}
	}
	cursors, err := got.cursors(from, mark)
	if err != nil {
		return nil, q.internal(err)
	}
	return q.def.SQL.Collect(got.rows.all, cursors), nil
}

// readPage reads one row more than the page has, which tells if another
// follows.
func (q *Query) readPage(ctx context.Context, from *place, limit int) (*pageRows, error) {
	args := append(slices.Clip(from.args), table.Arg{Name: limitParam, Value: table.IntValue(int64(limit) + 1)})
	got := &pageRows{rows: q.rows(limit)}
	for values, err := range q.cfg.Tables.Query(ctx, from.text.sql, args) {
		if err != nil {
			return nil, q.failed(ctx, err)
		}
		if err := q.checkKey(got.last, values); err != nil {
			return nil, q.internal(err)
		}
		if got.more = len(got.rows.all) == limit; got.more {
			break
		}
		got.last = q.key(got.last[:0], values)
		if got.first == nil {
			got.first = slices.Clone(got.last)
		}
		if err := got.rows.add(from.text.read, values); err != nil {
			return nil, q.internal(err)
		}
	}
	return got, nil
}

// cursors turns a page that was read backwards, and finds its neighbours.
func (p *pageRows) cursors(from *place, mark fingerprint) (c registry.Cursors, err error) {
	if len(p.rows.all) == 0 {
		return c, nil
	}
	before, after := from.inside, p.more
	if from.to == back {
		before, after = p.more, true
		slices.Reverse(p.rows.all)
		p.first, p.last = p.last, p.first
	}
	if before {
		c.Prev, err = encodeCursor(mark, back, p.first)
	}
	if after && err == nil {
		c.Next, err = encodeCursor(mark, forth, p.last)
	}
	return c, err
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

// place is where a cursor says.
func (q *Query) place(cursor string, mark fingerprint, args []table.Arg) (*place, error) {
	if cursor == "" {
		return &place{text: &q.text, args: args}, nil
	}
	to, keys, err := decodeCursor(cursor, mark, len(q.page.keys))
	if err != nil {
		return nil, invalid("query.cursor", err.Error())
	}
	at := &place{text: &q.page.next, args: slices.Clip(args), to: to, inside: true}
	if to == back {
		at.text = &q.page.prev
	}
	for i, v := range keys {
		at.args = append(at.args, table.Arg{Name: q.page.names[i], Value: v})
	}
	return at, nil
}

// key appends a row's key values to dst.
func (q *Query) key(dst, values []table.Value) []table.Value {
	for _, at := range q.page.at {
		dst = append(dst, values[at])
	}
	return dst
}

// checkNulls refuses rows that the pages before this last one have passed over.
func (q *Query) checkNulls(ctx context.Context, filters []table.Arg) error {
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
