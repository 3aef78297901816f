package sqlite

import (
	"time"

	"github.com/talix-dev/talix/table"
	"zombiezen.com/go/sqlite"
)

// viewWriter is the one connection that changes views.db. It belongs to
// whoever has the gate's turn.
type viewWriter struct {
	conn                    *sqlite.Conn
	begin, commit, rollback *sqlite.Stmt
	addMark, moveMark       *sqlite.Stmt
	tables                  map[*table.Schema]*tableStatements
}

func openViewWriter(l layout, path string, scrap bool) (*viewWriter, error) {
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
	if err != nil {
		return nil, explain("open database", l, err)
	}
	conn.SetBusyTimeout(5 * time.Second)
	w := &viewWriter{conn: conn, tables: make(map[*table.Schema]*tableStatements)}
	if err := firstOf(l.upgrade(conn), w.start(scrap)); err != nil {
		conn.Close()
		return nil, explain("open "+path, l, err)
	}
	return w, nil
}

func (w *viewWriter) start(scrap bool) error {
	sync := "PRAGMA synchronous=NORMAL"
	if scrap {
		sync = "PRAGMA synchronous=OFF"
	}
	err := configure(w.conn, "PRAGMA journal_mode=WAL", sync, "PRAGMA secure_delete=ON", "PRAGMA wal_autocheckpoint=4000",
		"PRAGMA journal_size_limit=67108864", "PRAGMA cache_size=-65536")
	for _, p := range []struct {
		stmt **sqlite.Stmt
		text string
	}{
		{&w.begin, "BEGIN IMMEDIATE"}, {&w.commit, "COMMIT"}, {&w.rollback, "ROLLBACK"},
		{&w.addMark, "INSERT INTO _talix_marks(view, partition, position) VALUES(?1, ?2, ?3) ON CONFLICT DO UPDATE SET position = ?3 WHERE position = 0"},
		{&w.moveMark, "UPDATE _talix_marks SET position = ?3 WHERE view = ?1 AND partition = ?2 AND position = ?4"},
	} {
		if err == nil {
			*p.stmt, err = w.conn.Prepare(p.text)
		}
	}
	return err
}

// transact runs fn in a write transaction.
func (w *viewWriter) transact(fn func() error) (err error) {
	if err := run(w.begin); err != nil {
		return err
	}
	done := false
	defer func() {
		if !done && !w.conn.AutocommitEnabled() {
			err = firstOf(err, run(w.rollback))
		}
	}()
	if err := fn(); err != nil {
		return err
	}
	if err := run(w.commit); err != nil {
		return err
	}
	done = true
	return nil
}

// mark moves a view's mark, and tells whether it stood at from.
func (w *viewWriter) mark(view string, partition int, from, to int64) (bool, error) {
	stmt := w.moveMark
	if from == 0 {
		stmt = w.addMark
	} else {
		stmt.BindInt64(4, from)
	}
	stmt.BindText(1, view)
	stmt.BindInt64(2, int64(partition))
	stmt.BindInt64(3, to)
	if err := run(stmt); err != nil {
		return false, err
	}
	return w.conn.Changes() == 1, nil
}

// close folds the write-ahead log away.
func (w *viewWriter) close() error {
	w.forgetTables()
	_ = configure(w.conn, "PRAGMA wal_checkpoint(TRUNCATE)")
	return w.conn.Close()
}
