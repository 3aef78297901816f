package sqlite

import (
	"context"
	"fmt"

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

// Reset implements table.Store.
func (t *Tables) Reset(ctx context.Context, s table.Schema) error {
	if err := checkSchema(&s); err != nil {
		return fmt.Errorf("reset table: %w", err)
	}
	err := t.change(ctx, func(w *viewWriter) error {
		return firstOf(configure(w.conn, "DELETE FROM "+quoted(s.Name)), w.forget("_talix_marks", "view", s.Name))
	})
	return t.explain("reset table "+s.Name, err)
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
	var names []string
	err = sqlitex.ExecuteTransient(w.conn, "SELECT name FROM _talix_views", &sqlitex.ExecOptions{ResultFunc: func(stmt *sqlite.Stmt) error {
		names = append(names, stmt.ColumnText(0))
		return nil
	}})
	for _, name := range names {
		err = firstOf(err, configure(w.conn, "DROP TABLE IF EXISTS "+quoted(name)))
	}
	err = firstOf(err, configure(w.conn, "DELETE FROM _talix_views", "DELETE FROM _talix_marks"))
	if err != nil {
		return err
	}
	return w.exec("INSERT OR REPLACE INTO _talix_meta(name, value) VALUES('log', ?)", identity)
}

func (w *viewWriter) ensureTable(s *table.Schema) error {
	present, err := w.text("SELECT v.fingerprint FROM _talix_views v JOIN sqlite_schema m ON m.type = 'table' AND m.name = v.name COLLATE NOCASE WHERE v.name = ?", s.Name)
	if err != nil || present == fingerprint(s) {
		return err
	}
	if err := configure(w.conn, "DROP TABLE IF EXISTS "+quoted(s.Name)); err != nil {
		return err
	}
	if err := configure(w.conn, createTable(s)...); err != nil {
		return err
	}
	if err := w.forget("_talix_marks", "view", s.Name); err != nil {
		return err
	}
	return w.exec("INSERT OR REPLACE INTO _talix_views(name, fingerprint) VALUES(?, ?)", s.Name, fingerprint(s))
}

// fingerprint is never empty, so that it differs from that of no table.
func fingerprint(s *table.Schema) string { return "=" + s.Fingerprint }

func (w *viewWriter) forget(from, column, name string) error {
	return w.exec("DELETE FROM "+from+" WHERE "+column+" = ?", name)
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
