package project

import (
	"fmt"
	"reflect"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/table"
)

// rowTx gives a projection the rows of its view.
type rowTx struct {
	rs    *rows
	ended bool
}

var _ registry.RowTx = (*rowTx)(nil)

// project runs a projection that changes rows by itself.
func (rs *rows) project(o *op, f *registry.Fact) (err error) {
	tx := &rowTx{rs: rs}
	defer func() { tx.ended = true }()
	defer guard("projection", &err)
	if err := o.Project(tx, f.Data, f.As); err != nil {
		return err
	}
	return rs.failed
}

func (t *rowTx) leaf(of *registry.Table) *leaf {
	if t.ended {
		panic("a ViewTx was used after its projection had returned")
	}
	for _, l := range t.rs.leaves {
		if l.sheet.def == of {
			return l
		}
	}
	panic(fmt.Sprintf("table %q is not filled by the view %q: add it to the view's Tables", of.Name, t.rs.view.def.Name))
}

// check ends the projection.
func check(err error) {
	if err != nil {
		panic(err)
	}
}

// Get implements registry.RowTx.
func (t *rowTx) Get(of *registry.Table, key any) (any, bool) {
	l := t.leaf(of)
	r, err := l.of(key)
	check(err)
	if !r.exists {
		return nil, false
	}
	check(l.refresh(r))
	got := r.val.Interface()
	r.stale = r.stale || !l.exact // what it refers to is the caller's
	return got, true
}

// Under implements registry.RowTx. The table knows the order, and so is told
// what changed.
func (t *rowTx) Under(of *registry.Table, key any) (found []any) {
	l := t.leaf(of)
	l.scratch.Set(reflect.ValueOf(key))
	values, err := l.sheet.plan.KeyOf(nil, l.scratch)
	check(err)
	check(t.rs.failWith(l.write(t.rs.tx)))
	for row, err := range t.rs.tx.Scan(l.schema, values[:1]) {
		check(t.rs.failWith(err))
		found = append(found, l.copyOf(row))
	}
	return found
}

// copyOf makes a row of values.
func (l *leaf) copyOf(values []table.Value) any {
	v := reflect.New(l.sheet.def.Row).Elem()
	check(l.sheet.plan.Scan(v, values))
	return v.Interface()
}

// Put implements registry.RowTx.
func (t *rowTx) Put(of *registry.Table, value any) {
	l := t.leaf(of)
	r, err := l.of(value)
	check(err)
	l.save(r)
	r.val.Set(reflect.ValueOf(value))
	r.stale = false
	check(l.changed(r))
}

// Delete implements registry.RowTx.
func (t *rowTx) Delete(of *registry.Table, key any) {
	l := t.leaf(of)
	r, err := l.of(key)
	check(err)
	l.save(r)
	l.remove(r)
}
