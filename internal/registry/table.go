package registry

import (
	"reflect"

	"github.com/talix-dev/talix/store"
)

// Table is a view table.
type Table struct {
	Name    string
	Place   Place
	Faults  []error
	Row     reflect.Type // a struct
	NewRow  func() any   // *Row
	Whens   []When
	Version int // raised by the user when the code that makes the rows changed
}

// When is how one event type changes a row.
type When struct {
	Go reflect.Type
	// Apply changes the row, a pointer to Row; event is of type Go.
	Apply func(row, event any, e *store.Event)
}
