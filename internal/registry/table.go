package registry

import "reflect"

// Table is a view table. One view writes it.
type Table struct {
	Name   string
	Place  Place
	Faults []error
	Row    reflect.Type // a struct
	NewRow func() any   // *Row
	// History: every row that the table ever had is kept in a second one.
	History bool
	// KeepDeleted: rows by the id of an entity stay when it is deleted.
	KeepDeleted bool
}

// HistoryName is the table beside one that keeps its history.
func HistoryName(table string) string { return table + "_history" }
