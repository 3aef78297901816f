package registry

import (
	"reflect"

	"github.com/talix-dev/talix/store"
)

// View is what fills tables from events: one writer, with one mark.
type View struct {
	Name   string
	Place  Place
	Faults []error
	Tables []*Table
	Takes  []Take
	// Version is raised by the user when the code of the projections changed.
	Version int
	// FromNow: the view takes the events that come after it was first started.
	FromNow bool
	// StopOnPoison: an event that can't be taken stops the view, instead of
	// parking its entity.
	StopOnPoison bool
}

// Take is what one event type does to a view. Of Apply, Remove and Project, one
// is set; event is of type Go.
type Take struct {
	Go reflect.Type
	// Keys are the rows of the view's one table that Apply and Remove change:
	// values of type Key, which is the type of the rows or of their key field.
	// Nil: the row of the entity's id.
	Keys func(event any, e *store.Event) []any
	Key  reflect.Type
	// Apply changes the row, a pointer to Row.
	Apply func(row, event any, e *store.Event)
	// Remove tells whether the row goes; where there is none, it is not asked.
	Remove func(row, event any, e *store.Event) bool
	// Project changes rows of the view's tables.
	Project func(tx RowTx, event any, e *store.Event) error
}

// RowTx changes rows of a view's tables. A failure of the database ends the
// projection by a panic that its caller waits for. Rows are of the table's Row
// type; of those named key, the key fields alone matter.
type RowTx interface {
	Get(t *Table, key any) (row any, found bool)
	// Under are the rows whose first key field is that of key, in the order of
	// their keys.
	Under(t *Table, key any) []any
	Put(t *Table, row any)
	Delete(t *Table, key any)
}
