package sqlite

import (
	"fmt"
	"time"

	"github.com/talix-dev/talix/store"
	"zombiezen.com/go/sqlite"
)

const eventColumns = "position, stream, version, prev, anchor, type, schema, time, sum, id, command, correlation, causation, metadata, data"

// row decodes events of one reader. Its scratch is reused between them.
type row struct {
	names   *names
	reader  *reader
	scratch []byte
}

// event reads the row that stmt is on, and checks its sum.
func (d *row) event(stmt *sqlite.Stmt) (e store.Event, err error) {
	if e.Stream, err = d.names.stream(d.reader, stmt.ColumnInt64(1)); err != nil {
		return e, err
	}
	if e.Type, err = d.names.typ(d.reader, stmt.ColumnInt64(5)); err != nil {
		return e, err
	}
	e.Position, e.Version = store.Position(stmt.ColumnInt64(0)), store.Version(stmt.ColumnInt64(2))
	e.Schema, e.Time = int(stmt.ColumnInt64(6)), time.UnixMicro(stmt.ColumnInt64(7)).UTC()
	stmt.ColumnBytes(9, e.ID[:])
	stmt.ColumnBytes(10, e.Command[:])
	cause(stmt, 11, &e.Correlation, &e.Command)
	cause(stmt, 12, &e.Causation, &e.Command)
	e.Metadata, e.Data = blob(stmt, 13), blob(stmt, 14)
	err = d.verify(stmt, &e)
	return e, err
}

func (d *row) verify(stmt *sqlite.Stmt, e *store.Event) error {
	if stmt.ColumnIsNull(8) {
		return nil
	}
	d.scratch = canonical(d.scratch[:0], e, int64(e.Position))
	if int64(checksum(d.scratch)) != stmt.ColumnInt64(8) {
		return fmt.Errorf("%w: the checksum of event %d of %s does not match; restore a backup", store.ErrCorrupt, e.Position, e.Stream)
	}
	return nil
}

func cause(stmt *sqlite.Stmt, column int, id, command *store.ID) {
	if stmt.ColumnIsNull(column) {
		*id = *command
		return
	}
	stmt.ColumnBytes(column, id[:])
}

// blob copies a column's bytes; NULL is nil.
func blob(stmt *sqlite.Stmt, column int) []byte {
	if stmt.ColumnIsNull(column) {
		return nil
	}
	b := make([]byte, stmt.ColumnLen(column))
	stmt.ColumnBytes(column, b)
	return b
}
