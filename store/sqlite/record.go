package sqlite

import (
	"encoding/binary"
	"time"

	"github.com/talix-dev/talix/store"
	"zombiezen.com/go/sqlite"
)

// recordStatements are those of the writer.
type recordStatements struct {
	find, put, remove, removeUnder *sqlite.Stmt
}

// underPrefix are the keys from a prefix up to the bound that above makes.
const underPrefix = "key >= ? AND key < ?"

func (s *recordStatements) texts() []statementText {
	return []statementText{
		{&s.find, "SELECT rev FROM records WHERE space = ? AND key = ?"},
		{&s.put, "INSERT INTO records(space, key, rev, due, sum, data) VALUES(?, ?, ?, ?, ?, ?)" +
			" ON CONFLICT(space, key) DO UPDATE SET rev = excluded.rev, due = excluded.due, sum = excluded.sum, data = excluded.data"},
		{&s.remove, "DELETE FROM records WHERE space = ? AND key = ?"},
		{&s.removeUnder, "DELETE FROM records WHERE space = ? AND " + underPrefix},
	}
}

// recordsFit tells whether every record has the revision that the batch
// expects. A batch names a record once, so its own changes don't matter.
func (w *writer) recordsFit(changes []store.Change) (bool, error) {
	for i := range changes {
		c := &changes[i]
		if c.Blind || c.Op == store.DeleteUnder {
			continue
		}
		rev, err := w.revision(c)
		if err != nil || rev != c.From {
			return false, err
		}
	}
	return true, nil
}

// revision is zero where there is no record.
func (w *writer) revision(c *store.Change) (rev store.ID, err error) {
	find := w.stmt.records.find
	find.BindText(1, c.Space)
	find.BindText(2, c.Key)
	_, err = lookup(find, func(row *sqlite.Stmt) { row.ColumnBytes(0, rev[:]) })
	return rev, err
}

// changeRecords writes the records of a batch that fits.
func (w *writer) changeRecords(changes []store.Change) error {
	for i := range changes {
		if err := run(w.bindChange(&changes[i])); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) bindChange(c *store.Change) *sqlite.Stmt {
	stmt := w.stmt.records.remove
	switch c.Op {
	case store.Put:
		stmt = w.stmt.records.put
		w.bindPut(stmt, &c.Record)
	case store.DeleteUnder:
		stmt = w.stmt.records.removeUnder
		bindAbove(stmt, 3, c.Key)
	}
	stmt.BindText(1, c.Space)
	stmt.BindText(2, c.Key)
	return stmt
}

func (w *writer) bindPut(stmt *sqlite.Stmt, r *store.Record) {
	due := r.Due.Truncate(time.Microsecond)
	w.scratch = canonicalRecord(w.scratch[:0], r.Space, r.Key, r.Rev, due, r.Data)
	stmt.BindBytes(3, r.Rev[:])
	stmt.BindNull(4)
	if !due.IsZero() {
		stmt.BindInt64(4, due.UnixMicro())
	}
	stmt.BindInt64(5, int64(checksum(w.scratch)))
	bindText(stmt, 6, r.Data)
}

// bindAbove binds the least text above all that begin with prefix. Where there
// is none, it binds a blob, which to SQLite is above every text.
func bindAbove(stmt *sqlite.Stmt, param int, prefix string) {
	above := []byte(prefix)
	for len(above) > 0 && above[len(above)-1] == 0xff {
		above = above[:len(above)-1]
	}
	if len(above) == 0 {
		stmt.BindBytes(param, nil)
		return
	}
	above[len(above)-1]++
	bindText(stmt, param, above)
}

// canonicalRecord appends the bytes that a record's checksum is taken of.
// Stored data depends on it: it never changes.
func canonicalRecord(b []byte, space, key string, rev store.ID, due time.Time, data []byte) []byte {
	for _, s := range [...]string{space, key} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	b = append(b, rev[:]...)
	b = append(b, 0)
	if !due.IsZero() {
		b[len(b)-1] = 1
		b = binary.LittleEndian.AppendUint64(b, uint64(due.UnixMicro()))
	}
	return append(b, data...)
}
