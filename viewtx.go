package talix

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// View fills several tables, in one transaction for each event, with code that
// reads and changes any of their rows.
type View struct {
	def registry.View
}

// TableOf is a *Table that a View fills.
type TableOf interface {
	table() (*registry.Table, error)
}

// Tables are the tables that a View fills. They have no projections of their
// own, and no other view.
type Tables []TableOf

// ViewProjection says what one type of event does to the tables of a View.
type ViewProjection struct {
	take registry.Take
}

// NewView defines a view of several tables, whose rows the projections change
// through a ViewTx. The view is handed to a runtime; its tables come with it.
func NewView(name string, tables Tables, projections ...ViewProjection) *View {
	v := &View{registry.View{Name: name, Place: registry.Caller(1), Version: 1}}
	for _, t := range tables {
		def, err := t.table()
		if err != nil {
			v.def.Faults = append(v.def.Faults, err)
		}
		v.def.Tables = append(v.def.Tables, def)
	}
	for _, p := range projections {
		v.def.Takes = append(v.def.Takes, p.take)
	}
	if len(tables) == 0 {
		v.def.Faults = append(v.def.Faults, fmt.Errorf("view %q fills no table: give it some, as in talix.Tables{Orders, Lines}", name))
	}
	if len(projections) == 0 {
		v.def.Faults = append(v.def.Faults, fmt.Errorf("view %q takes no events: give it projections made by Project", name))
	}
	return v
}

// CodeVersion is as for a Table.
func (v *View) CodeVersion(n int) *View {
	v.def.Version = n
	return v
}

// FromNow is as for a Table.
func (v *View) FromNow() *View {
	v.def.FromNow = true
	return v
}

// StopOnPoison is as for a Table.
func (v *View) StopOnPoison() *View {
	v.def.StopOnPoison = true
	return v
}

// Register hands the definition to a runtime; it is not for users.
func (v *View) Register(r *registry.Registry) { r.AddView(&v.def) }

// ViewTx is what a projection of a View may do: read and change rows of the
// view's tables, by the methods of these. It is of use only while the
// projection runs.
type ViewTx struct {
	tx registry.RowTx
}

// Project changes rows of a view's tables. change must be a pure function of
// its arguments and of the rows that it reads: it does no I/O, and runs again
// when the view is rebuilt. If it panics or returns an error, no row is changed,
// and the event is parked.
func Project[E EventFor[S], S any](change func(tx ViewTx, e Recorded[E]) error) ViewProjection {
	return ViewProjection{registry.Take{
		Go: reflect.TypeFor[E](),
		Project: func(tx registry.RowTx, event any, e *store.Event) error {
			return change(ViewTx{tx}, Recorded[E]{metaOf(e), event.(E)})
		},
	}}
}

// Get reads the row whose key fields are those of key.
func (t *Table[R]) Get(tx ViewTx, key R) (row R, found bool) {
	got, found := tx.of().Get(&t.def, key)
	if !found {
		return row, false
	}
	return got.(R), true
}

// Under reads the rows whose first key field is that of key, in the order of
// their keys: with the key fields Order and Line, the lines of one order.
func (t *Table[R]) Under(tx ViewTx, key R) []R {
	found := tx.of().Under(&t.def, key)
	rows := make([]R, len(found))
	for i, row := range found {
		rows[i] = row.(R)
	}
	return rows
}

// Put inserts the row, or replaces the one with the same key.
func (t *Table[R]) Put(tx ViewTx, row R) { tx.of().Put(&t.def, row) }

// Delete removes the row whose key fields are those of key, if there is one.
func (t *Table[R]) Delete(tx ViewTx, key R) { tx.of().Delete(&t.def, key) }

var errNoTx = errors.New("a ViewTx comes from a projection, and is of use only while that runs")

func (tx ViewTx) of() registry.RowTx {
	if tx.tx == nil {
		panic(errNoTx)
	}
	return tx.tx
}
