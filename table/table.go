// Package table is the port to the SQL database that holds view tables. Rows
// and the mark of the view that wrote them change in one transaction, so each
// event has its effect on a view exactly once, whatever crashes.
package table

import (
	"context"
	"iter"
)

// Store holds view tables. Everything in it can be derived from the log again.
// All methods may be called from many goroutines at once.
type Store interface {
	// Ensure makes the tables that are missing, and makes those anew, empty
	// and with their marks gone, whose Fingerprint differs from the one that
	// they were made with. Where identity differs from that of the last call,
	// the tables belong to another log and all are made anew. Tables that are
	// not named are left alone.
	Ensure(ctx context.Context, identity string, schemas []Schema) error

	// Reset empties one table and forgets its marks, in one transaction.
	Reset(ctx context.Context, s Schema) error

	// Mark is the position up to which a view has taken a partition's events;
	// zero if it took none.
	Mark(ctx context.Context, view string, partition int) (int64, error)

	// Update runs fn in one write transaction, which is committed if fn
	// returns nil and rolled back otherwise. Updates run one after another.
	// The Tx must not be used after fn returned.
	Update(ctx context.Context, fn func(Tx) error) error

	// Prepare compiles a query and tells its parameters and columns. The error
	// says what is wrong with the text, and where the database tells it.
	Prepare(ctx context.Context, sql string) (Statement, error)

	// Query runs a query on committed data, on a connection that cannot
	// write. Parameters that args leaves out are NULL. The rows must not be
	// kept after the next one was taken. The iteration ends at the first
	// error, which is yielded with a nil row. A cancelled ctx interrupts the
	// query, also while the database computes.
	Query(ctx context.Context, sql string, args []Arg) iter.Seq2[[]Value, error]

	// Close waits for calls under way and releases every resource.
	Close() error
}

// Tx is a write transaction.
type Tx interface {
	// Get reads the row with the given key, in the order of the schema's
	// columns, or nil.
	Get(s *Schema, key Value) ([]Value, error)
	// Put inserts the row or replaces the one with the same key.
	Put(s *Schema, row []Value) error
	// Delete removes the row with the given key, if it is there.
	Delete(s *Schema, key Value) error
	// Mark moves a view's mark; ErrMark if the present one is not from.
	Mark(view string, partition int, from, to int64) error
}

// Schema describes one view table.
type Schema struct {
	Name    string // table name: letters, digits and underscores
	Columns []Column
	// Fingerprint changes when the rows have to be made anew, because the
	// columns or the code that makes the rows changed.
	Fingerprint string
}

// Key is the index of the key column, or -1.
func (s *Schema) Key() int {
	for i, c := range s.Columns {
		if c.Key {
			return i
		}
	}
	return -1
}

// Column is one column of a view table.
type Column struct {
	Name  string
	Kind  Kind
	Key   bool // the primary key; exactly one column has it
	Null  bool // NULL is allowed
	Index bool // an index of its own
}

// Statement is what a database tells of a query before it runs.
type Statement struct {
	Params  []string // names without the colon, each once, in order of appearance
	Columns []string // names of the result's columns
	Tables  []string // the tables that it reads; nil where it can't be told
}

// Arg is the value of a named parameter.
type Arg struct {
	Name  string // without the colon
	Value Value
}
