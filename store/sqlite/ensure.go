package sqlite

import (
	"context"
	"fmt"
	"strings"

	"github.com/talix-dev/talix/table"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// Ensure implements table.Store, in one transaction. Faults of the schemas are
// reported all at once. If the identity changed, tables made for the other log
// that are not named are dropped.
func (t *Tables) Ensure(ctx context.Context, identity string, schemas []table.Schema) error {
	if err := checkSchemas(schemas); err != nil {
		return fmt.Errorf("ensure tables: %w", err)
	}
	err := t.change(ctx, func(w *viewWriter) error { return w.ensure(identity, schemas) })
	return t.explain("ensure tables", err)
}

// Make implements table.Store.
func (t *Tables) Make(ctx context.Context, schemas []table.Schema, fn func(table.Tx) error) error {
	if err := checkSchemas(schemas); err != nil {
		return fmt.Errorf("make tables: %w", err)
	}
	err := t.change(ctx, func(w *viewWriter) (err error) {
		for i := range schemas {
			err = firstOf(err, w.makeRoom(&schemas[i]))
		}
		for i := range schemas {
			err = firstOf(err, w.makeTable(&schemas[i]))
		}
		if err != nil || fn == nil {
			return err
		}
		return w.update(ctx, fn)
	})
	return t.explain("make tables", err)
}

// makeRoom drops what has the name or the view of a table.
func (w *viewWriter) makeRoom(s *table.Schema) error {
	old, err := w.texts("SELECT name FROM _talix_views WHERE view = ?", s.Writer())
	for _, name := range append(old, s.Name) {
		err = firstOf(err, w.drop(name))
	}
	return firstOf(err, w.forgetMarks(s.Writer()))
}

// Drop implements table.Store.
func (t *Tables) Drop(ctx context.Context, tables, views []string) error {
	for _, name := range tables {
		if fault := checkName(name); fault != "" {
			return fmt.Errorf("drop table %q: its name %s", name, fault)
		}
	}
	err := t.change(ctx, func(w *viewWriter) (err error) {
		for _, name := range tables {
			err = firstOf(err, w.drop(name))
		}
		for _, name := range views {
			err = firstOf(err, w.forgetMarks(name))
		}
		return err
	})
	return t.explain("drop tables", err)
}

// Made implements table.Store.
func (t *Tables) Made(ctx context.Context) (map[string]string, error) {
	made := make(map[string]string)
	err := t.read(ctx, func(r *reader) error {
		stmt, err := r.prepare("SELECT name, fingerprint FROM _talix_views")
		if err != nil {
			return err
		}
		defer stmt.Reset()
		for {
			more, err := stmt.Step()
			if err != nil || !more {
				return err
			}
			made[stmt.ColumnText(0)] = strings.TrimPrefix(stmt.ColumnText(1), "=")
		}
	})
	return made, t.explain("list tables", err)
}

// change runs fn in a transaction that may change the schema.
func (t *Tables) change(ctx context.Context, fn func(*viewWriter) error) error {
	if err := t.gate.enterWriter(ctx); err != nil {
		return err
	}
	defer t.gate.leaveWriter()
	w := t.writer
	w.forgetTables()
	return w.transact(func() error { return fn(w) })
}

func (w *viewWriter) ensure(identity string, schemas []table.Schema) error {
	if err := w.adopt(identity); err != nil {
		return err
	}
	for i := range schemas {
		if err := w.ensureTable(&schemas[i]); err != nil {
			return fmt.Errorf("make table %s: %w", schemas[i].Name, err)
		}
	}
	return nil
}

// adopt drops everything that belongs to another log.
func (w *viewWriter) adopt(identity string) error {
	present, err := w.text("SELECT value FROM _talix_meta WHERE name = 'log'")
	if err != nil || present == identity {
		return err
	}
	names, err := w.texts("SELECT name FROM _talix_views")
	for _, name := range names {
		err = firstOf(err, w.drop(name))
	}
	err = firstOf(err, configure(w.conn, "DELETE FROM _talix_views", "DELETE FROM _talix_marks"))
	if err != nil {
		return err
	}
	return w.exec("INSERT OR REPLACE INTO _talix_meta(name, value) VALUES('log', ?)", identity)
}

func (w *viewWriter) ensureTable(s *table.Schema) error {
	present, err := w.text("SELECT v.fingerprint FROM _talix_views v JOIN sqlite_schema m ON m.type = 'table' AND m.name = v.name COLLATE NOCASE WHERE v.name = ? AND v.view = ?", s.Name, s.Writer())
	if err != nil || present == fingerprint(s) {
		return err
	}
	if err := firstOf(w.drop(s.Name), w.forgetMarks(s.Writer())); err != nil {
		return err
	}
	return w.makeTable(s)
}

func (w *viewWriter) makeTable(s *table.Schema) error {
	serial, err := w.serial()
	if err != nil {
		return err
	}
	if err := configure(w.conn, createTable(s, serial)...); err != nil {
		return err
	}
	return w.note(s)
}

// drop removes a table, if it is there, with those beside it.
func (w *viewWriter) drop(name string) error {
	err := configure(w.conn, "DROP TABLE IF EXISTS "+quoted(name))
	for _, other := range beside(name) {
		err = firstOf(err, configure(w.conn, "DROP TABLE IF EXISTS "+quoted(other)))
	}
	return firstOf(err, w.exec("DELETE FROM _talix_views WHERE name = ?", name))
}

// note remembers what a table was made with.
func (w *viewWriter) note(s *table.Schema) error {
	return w.exec("INSERT OR REPLACE INTO _talix_views(name, view, fingerprint) VALUES(?, ?, ?)", s.Name, s.Writer(), fingerprint(s))
}

// serial is another text each time.
func (w *viewWriter) serial() (string, error) {
	err := w.exec("INSERT INTO _talix_meta(name, value) VALUES('serial', 1) ON CONFLICT DO UPDATE SET value = value + 1")
	if err != nil {
		return "", err
	}
	return w.text("SELECT value FROM _talix_meta WHERE name = 'serial'")
}

// fingerprint is never empty, so that it differs from that of no table.
func fingerprint(s *table.Schema) string { return "=" + s.Fingerprint }

func (w *viewWriter) forgetMarks(view string) error {
	return w.exec("DELETE FROM _talix_marks WHERE view = ?", view)
}

func (w *viewWriter) exec(query string, args ...any) error {
	return sqlitex.ExecuteTransient(w.conn, query, &sqlitex.ExecOptions{Args: args})
}

// text is the first column of the row, or empty if there is none.
func (w *viewWriter) text(query string, args ...any) (text string, err error) {
	err = sqlitex.ExecuteTransient(w.conn, query, &sqlitex.ExecOptions{Args: args, ResultFunc: func(stmt *sqlite.Stmt) error {
		text = stmt.ColumnText(0)
		return nil
	}})
	return text, err
}

// texts are the first column of all rows.
func (w *viewWriter) texts(query string, args ...any) (all []string, err error) {
	err = sqlitex.ExecuteTransient(w.conn, query, &sqlitex.ExecOptions{Args: args, ResultFunc: func(stmt *sqlite.Stmt) error {
		all = append(all, stmt.ColumnText(0))
		return nil
	}})
	return all, err
}
