package talix

import (
	"fmt"
	"reflect"

	"github.com/talix-dev/talix/internal/registry"
)

// Table is a view in the form of an SQL table.
type Table[R any] struct {
	def  registry.Table
	view registry.View // of a table that is a view of its own
}

// NewTable defines a view table by what events do to its rows. R is a struct;
// its exported fields are the columns, named in snake case (DocumentID is
// document_id) or by a db tag; db:"-" leaves a field out. Columns hold strings,
// numbers, booleans, times (as UTC text that sorts), types with MarshalText (as
// text), and anything else as JSON; a pointer may be NULL.
//
// The field ID is the key, or those that are tagged, as in db:"name,key". Other
// words in a tag, one behind the other, are
//
//	index            an index of the column
//	unique           no two rows have the same value
//	index=of_several one index over the fields that name it, in their order
//	unique=pair      no two rows have the same values in the fields that name it
//	fulltext         the column can be searched by words
//
// A row and the mark that tells which events were taken change in one
// transaction, so each event has its effect on a row exactly once, also if it
// changes many rows. An event that can't be taken (it can't be decoded, its
// projection panics, a unique index forbids its row) is parked, and with it the
// later events of its entity, until it is retried or skipped; all others go on.
//
// Order is promised for the events of one entity. Rows that events of several
// entities change must not depend on the order among these.
//
// A table without projections is filled by a view: see NewView.
func NewTable[R any](name string, projections ...Projection[R]) *Table[R] {
	t := &Table[R]{def: tableOf[R](name, registry.Caller(1))}
	t.view = registry.View{Name: name, Place: t.def.Place, Version: 1}
	for _, p := range projections {
		t.view.Takes = append(t.view.Takes, p.projection((*R)(nil)))
	}
	return t
}

func tableOf[R any](name string, place registry.Place) registry.Table {
	return registry.Table{Name: name, Place: place, Row: reflect.TypeFor[R](), NewRow: func() any { return new(R) }}
}

// CodeVersion tells that the code of the table's projections changed its
// meaning: with another number than before, the rows are made anew from the
// log, beside the old ones, which answer until all is there. It starts with 1.
// Changes of R, and of the events that are taken, do the same by themselves.
func (t *Table[R]) CodeVersion(n int) *Table[R] {
	t.view.Version = n
	return t
}

// FromNow makes the table take only the events that come after it was first
// started. When it is made anew, it begins at the same place again.
func (t *Table[R]) FromNow() *Table[R] {
	t.view.FromNow = true
	return t
}

// StopOnPoison makes an event that can't be taken stop the whole table, instead
// of parking its entity: for rows where a part would mislead. Queries that wait
// for later events then fail; it is tried again from time to time.
func (t *Table[R]) StopOnPoison() *Table[R] {
	t.view.StopOnPoison = true
	return t
}

// KeepHistory keeps every row that the table ever had in a second table of the
// name with _history behind it: the columns of R, and in "partition",
// valid_from and valid_to the positions of the events that made and ended the
// row; valid_to of a present row is 9223372036854775807. As of a position, the
// row was the one with valid_from <= position AND valid_to > position.
//
// Each row belongs to one entity: By, ByEach and NewView can't be used with it.
func (t *Table[R]) KeepHistory() *Table[R] {
	t.def.History = true
	return t
}

// KeepDeleted makes rows by the id of an entity stay when the entity is deleted.
// Without it, such a row goes away with the entity's last event, after what the
// projections make of that. Rows that By and ByEach name, and those of a NewView,
// are always left to the projections.
func (t *Table[R]) KeepDeleted() *Table[R] {
	t.def.KeepDeleted = true
	return t
}

// Register hands the definition to a runtime; it is not for users.
func (t *Table[R]) Register(r *registry.Registry) {
	if len(t.view.Takes) == 0 {
		r.AddTable(&t.def)
		return
	}
	r.AddView(t.asView())
}

// asView is the view that the table is. Registries hold one for each table.
func (t *Table[R]) asView() *registry.View {
	v := t.view
	v.Tables = []*registry.Table{&t.def}
	return &v
}

func (t *Table[R]) table() (*registry.Table, error) {
	if len(t.view.Takes) > 0 {
		return &t.def, fmt.Errorf("table %q has projections of its own: remove them, or take the table out of the view", t.def.Name)
	}
	return &t.def, nil
}
