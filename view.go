package talix

import (
	"fmt"
	"reflect"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// Table is a view in the form of an SQL table, one row for each entity id.
type Table[R any] struct {
	def registry.Table
}

// Projection says how one type of event changes the row of its entity.
type Projection[R any] struct {
	when registry.When
}

// NewTable defines a view table by what events do to its rows. R is a struct;
// its exported fields are the columns, named in snake case (DocumentID is
// document_id) or by a db tag; db:"-" leaves a field out. The field ID, or the
// one tagged db:"name,key", is the key: the runtime sets it to the entity's id
// before a projection runs. A tag db:"name,index" asks for an index.
//
// A row and the mark that tells which events were taken change in one
// transaction, so each event has its effect on a row exactly once.
//
// Columns hold strings, numbers, booleans, times (as UTC text that sorts), types
// with MarshalText (as text), and anything else as JSON; a pointer may be NULL.
func NewTable[R any](name string, projections ...Projection[R]) *Table[R] {
	t := &Table[R]{registry.Table{
		Name:    name,
		Place:   registry.Caller(1),
		Row:     reflect.TypeFor[R](),
		NewRow:  func() any { return new(R) },
		Version: 1,
	}}
	for _, p := range projections {
		t.def.Whens = append(t.def.Whens, p.when)
	}
	if len(projections) == 0 {
		t.def.Faults = append(t.def.Faults, fmt.Errorf("table %q takes no events: give it projections made by When", name))
	}
	return t
}

// When changes the row of the entity that the event is about. The row is new,
// with its key set, if the table has none for that entity's id. change must be
// a pure function of its arguments: it runs again when the view is rebuilt.
func When[R any, E EventFor[S], S any](change func(row *R, e Recorded[E])) Projection[R] {
	return Projection[R]{registry.When{
		Go: reflect.TypeFor[E](),
		Apply: func(row, event any, e *store.Event) {
			change(row.(*R), Recorded[E]{metaOf(e), event.(E)})
		},
	}}
}

// CodeVersion tells that the code of the table's projections changed its
// meaning: with another number than before, the rows are made anew from the
// log at the next start. It starts with 1. Changes of R do the same by
// themselves.
func (t *Table[R]) CodeVersion(n int) *Table[R] {
	t.def.Version = n
	return t
}

// Register hands the definition to a runtime; it is not for users.
func (t *Table[R]) Register(r *registry.Registry) { r.AddTable(&t.def) }
