// Package rowmap maps Go structs to rows of SQL values: the rows of view
// tables, the rows that queries answer, and the parameters that they take.
package rowmap

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/talix-dev/talix/table"
)

// Plan maps one struct type to columns. It is compiled once and may be used
// from many goroutines. Rows are given to it as addressable struct values.
type Plan struct {
	typ     reflect.Type
	fields  []field
	columns []table.Column
	key     []int // the key's fields
	indexes []table.Index
	settles []int // fields with something to settle
	exact   bool
}

// field is one column of a plan.
type field struct {
	codec
	name  string // in Go, for messages
	index []int
}

func (f *field) of(row reflect.Value) reflect.Value {
	for _, i := range f.index {
		row = row.Field(i)
	}
	return row
}

// Compile makes the plan of a struct type. The faults are all that is wrong
// with it, each with how to mend it; the plan is of use only without any.
func Compile(t reflect.Type) (*Plan, []error) {
	if t == nil || t.Kind() != reflect.Struct {
		return nil, []error{fmt.Errorf("rows are of type %v: make it a struct", t)}
	}
	c := compiler{plan: &Plan{typ: t, exact: true}, taken: map[string]string{}, named: map[string]int{}}
	c.walk(t, nil, "")
	c.chooseKey()
	return c.plan, c.faults
}

// Columns are the plan's columns in order of the fields. The slice is shared
// and not to be changed.
func (p *Plan) Columns() []table.Column { return p.columns }

// Indexes are the plan's indexes over several columns, and unique ones.
func (p *Plan) Indexes() []table.Index { return p.indexes }

// Shape describes everything of the type that decides what rows hold. It is
// the same in every process.
func (p *Plan) Shape() string {
	var b strings.Builder
	for i := range p.fields {
		c := &p.columns[i]
		fmt.Fprintf(&b, "%s %s kind=%d key=%t null=%t index=%t\n", c.Name, p.fields[i].shape, c.Kind, c.Key, c.Null, c.Index)
		if c.Fulltext {
			fmt.Fprintf(&b, "fulltext %s\n", c.Name)
		}
	}
	for _, x := range p.indexes {
		fmt.Fprintf(&b, "index %s unique=%t\n", strings.Join(x.Columns, " "), x.Unique)
	}
	return b.String()
}

// Exact tells that Settle alone makes of a row what writing and reading it
// would make of it: all fields are columns, and hold plain values.
func (p *Plan) Exact() bool { return p.exact }

// Settle brings the fields of a row that is Exact into the form in which
// reading would give them, and fails if they can't be written.
func (p *Plan) Settle(row reflect.Value) error {
	for _, i := range p.settles {
		f := &p.fields[i]
		if err := f.settle(f.of(row)); err != nil {
			return fmt.Errorf("field %s: %w", f.name, err)
		}
	}
	return nil
}

// Values appends the row's values in the order of the columns to dst.
func (p *Plan) Values(dst []table.Value, row reflect.Value) ([]table.Value, error) {
	for i := range p.fields {
		f := &p.fields[i]
		v, err := f.get(f.of(row))
		if err != nil {
			return dst, fmt.Errorf("field %s: %w", f.name, err)
		}
		dst = append(dst, v)
	}
	return dst, nil
}

// Scan fills a row, which has to be zero, with values in the order of the
// columns.
func (p *Plan) Scan(row reflect.Value, values []table.Value) error {
	if len(values) != len(p.fields) {
		return fmt.Errorf("scan row of %s: it has %d columns, but the type has %d", p.typ, len(values), len(p.fields))
	}
	for i := range p.fields {
		f := &p.fields[i]
		if err := f.set(f.of(row), values[i]); err != nil {
			return fmt.Errorf("field %s: %w", f.name, err)
		}
	}
	return nil
}

// Reader fills rows from the result of a query.
type Reader struct {
	fields []*field
	at     []int // the result's column of each field
}

// Reader makes a reader for results with the given columns, of which there may
// be more than the plan has. Names are compared without regard to case. missing
// are the plan's columns that the result lacks.
func (p *Plan) Reader(columns []string) (r *Reader, missing []string) {
	at := make(map[string]int, len(columns))
	for i, c := range columns {
		at[strings.ToLower(c)] = i
	}
	r = &Reader{}
	for i := range p.fields {
		j, ok := at[strings.ToLower(p.columns[i].Name)]
		if !ok {
			missing = append(missing, p.columns[i].Name)
			continue
		}
		r.fields, r.at = append(r.fields, &p.fields[i]), append(r.at, j)
	}
	return r, missing
}

// Scan fills a row, which has to be zero, with the values of a result.
func (r *Reader) Scan(row reflect.Value, values []table.Value) error {
	for i, f := range r.fields {
		if err := f.set(f.of(row), values[r.at[i]]); err != nil {
			return fmt.Errorf("field %s: %w", f.name, err)
		}
	}
	return nil
}
