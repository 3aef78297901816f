// Package table is the port to the SQL database that holds view tables. Rows
// and the mark of the view that wrote them change in one transaction, so each
// event has its effect on a view exactly once, whatever crashes.
package table

import (
	"context"
	"errors"
	"iter"
)

// ErrConstraint: a row would have had the same values as another one in a
// unique index. The transaction was rolled back.
var ErrConstraint = errors.New("a unique index forbids the row")

// Store holds view tables. Everything in it can be derived from the log again.
// All methods may be called from many goroutines at once.
//
// After Close, calls fail with store.ErrClosed. A store that finds itself
// damaged fails with store.ErrCorrupt, and is to be made anew when it is opened
// the next time.
type Store interface {
	// Ensure makes the tables that are missing, and makes those anew, empty
	// and with the marks of their view gone, whose Fingerprint differs from the
	// one that they were made with. Where identity differs from that of the
	// last call, the tables belong to another log: all are dropped, also those
	// that are not named, with all marks. Otherwise, tables that are not named
	// are left alone. It is all or nothing.
	Ensure(ctx context.Context, identity string, schemas []Schema) error

	// Made tells the fingerprint of each table that is there, by its name.
	Made(ctx context.Context) (map[string]string, error)

	// Make makes tables anew, empty. What had the name or the view of one of
	// them is dropped, with its marks. Then fn, if it is not nil, runs in the
	// same transaction, as in Update. It is all or nothing.
	Make(ctx context.Context, schemas []Schema, fn func(Tx) error) error

	// Drop removes tables, as far as they are there, and the marks of views, in
	// one transaction.
	Drop(ctx context.Context, tables, views []string) error

	// Replace puts tables that Ensure made into the place of others, with their
	// rows, in one transaction: by[i] becomes as[i], which differs in name and
	// view alone. What had the name or the view of an as before is dropped. The
	// marks of the view of by become those of the view of as. Then fn runs in
	// the same transaction, as in Update. Queries see all of it or nothing.
	Replace(ctx context.Context, as, by []Schema, fn func(Tx) error) error

	// Mark is the position up to which a view has taken a partition's events;
	// zero if it took none.
	Mark(ctx context.Context, view string, partition int) (int64, error)

	// Update runs fn in one write transaction, which is committed if fn
	// returns nil and rolled back otherwise. Once a call of the Tx failed,
	// nothing is committed, whatever fn returns. Updates run one after another.
	// The Tx must not be used after fn returned.
	//
	// An error other than fn's may come after the commit: the marks tell what
	// became of it.
	Update(ctx context.Context, fn func(Tx) error) error

	// Prepare compiles a query over tables of the given schemas, whatever is
	// there under their names, or over what is there where over is empty. It
	// tells the query's parameters and columns. The error says what is wrong
	// with the text, and where the database tells it.
	Prepare(ctx context.Context, sql string, over []Schema) (Statement, error)

	// Query runs a query on committed data, on a connection that cannot
	// write. Parameters that args leaves out are NULL. The rows must not be
	// kept after the next one was taken. The iteration ends at the first
	// error, which is yielded with a nil row. A cancelled ctx interrupts the
	// query, also while the database computes.
	Query(ctx context.Context, sql string, args []Arg) iter.Seq2[[]Value, error]

	// Close waits for calls under way and releases every resource.
	Close() error
}

// Marker is a Store that reads all marks of a view at once. Of others, they are
// read one by one.
type Marker interface {
	// Marks are the positions up to which a view has taken the events of the
	// partitions, by partition. Those that it took none of may be left out.
	Marks(ctx context.Context, view string) (map[int]int64, error)
}

// Tx is a write transaction. Keys are the values of the key columns, in their
// order.
type Tx interface {
	// Get reads the row with the given key, in the order of the schema's
	// columns, or nil.
	Get(s *Schema, key []Value) ([]Value, error)
	// Scan reads the rows whose first key columns have the given values, in the
	// order of their keys. Without values it reads all rows. The rows must not
	// be kept after the next one was taken, and the loop must not write.
	Scan(s *Schema, prefix []Value) iter.Seq2[[]Value, error]
	// Put inserts the row or replaces the one with the same key. Not a number
	// is NULL, and an Int fits a Float column; other values that don't fit
	// their column are an error. It is an ErrConstraint, here or at the latest
	// when the transaction ends, if a unique index forbids the row.
	Put(s *Schema, row []Value) error
	// Delete removes the row with the given key, if it is there.
	Delete(s *Schema, key []Value) error
	// Mark moves a view's mark; ErrMark if the present one is not from. A move
	// to where it stands checks that.
	Mark(view string, partition int, from, to int64) error
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
