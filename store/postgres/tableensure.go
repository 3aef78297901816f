package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/talix-dev/talix/table"
)

// Ensure implements table.Store. Faults of the schemas are reported all at
// once.
func (t *Tables) Ensure(ctx context.Context, identity string, schemas []table.Schema) error {
	if err := checkSchemas(schemas); err != nil {
		return fmt.Errorf("ensure tables: %w", err)
	}
	err := t.change(ctx, func(ctx context.Context, c *session) error {
		if err := adopt(ctx, c, identity); err != nil {
			return err
		}
		for i := range schemas {
			if err := ensureTable(ctx, c, &schemas[i]); err != nil {
				return fmt.Errorf("make table %s: %w", schemas[i].Name, err)
			}
		}
		return nil
	})
	return explain("ensure tables", err)
}

// Make implements table.Store.
func (t *Tables) Make(ctx context.Context, schemas []table.Schema, fn func(table.Tx) error) error {
	if err := checkSchemas(schemas); err != nil {
		return fmt.Errorf("make tables: %w", err)
	}
	err := t.change(ctx, func(ctx context.Context, c *session) error {
		for i := range schemas {
			if err := makeRoom(ctx, c, &schemas[i]); err != nil {
				return err
			}
		}
		for i := range schemas {
			if err := makeTable(ctx, c, &schemas[i]); err != nil {
				return fmt.Errorf("make table %s: %w", schemas[i].Name, err)
			}
		}
		if fn == nil {
			return nil
		}
		return final(t.updateOn(ctx, c, fn))
	})
	return explain("make tables", err)
}

// makeRoom drops what has the name or the view of a table.
func makeRoom(ctx context.Context, c *session, s *table.Schema) error {
	if err := lockMarks(ctx, c, s.Writer()); err != nil {
		return err
	}
	old, err := c.column1(ctx, "SELECT name FROM _talix_views WHERE view = $1", s.Writer())
	if err != nil {
		return err
	}
	for _, name := range append(old, s.Name) {
		if err := drop(ctx, c, name); err != nil {
			return err
		}
	}
	return forgetMarks(ctx, c, s.Writer())
}

// lockMarks waits for the transactions that have moved the marks of views, and
// holds up those that are to: who moves a mark has no table locked that others
// wait for.
func lockMarks(ctx context.Context, c *session, views ...string) error {
	for _, view := range views {
		if _, err := c.column1(ctx, "SELECT view FROM _talix_marks WHERE view = $1 ORDER BY partition FOR UPDATE", view); err != nil {
			return err
		}
	}
	return nil
}

// Drop implements table.Store.
func (t *Tables) Drop(ctx context.Context, tables, views []string) error {
	for _, name := range tables {
		if fault := checkName(name); fault != "" {
			return fmt.Errorf("drop table %q: its name %s", name, fault)
		}
	}
	err := t.change(ctx, func(ctx context.Context, c *session) error {
		for _, name := range tables {
			if err := drop(ctx, c, name); err != nil {
				return err
			}
		}
		for _, view := range views {
			if err := forgetMarks(ctx, c, view); err != nil {
				return err
			}
		}
		return nil
	})
	return explain("drop tables", err)
}

// Replace implements table.Store. It waits for queries that read the old
// tables, and lets others go on meanwhile.
func (t *Tables) Replace(ctx context.Context, as, by []table.Schema, fn func(table.Tx) error) error {
	if err := errors.Join(checkSchemas(as), checkSchemas(by)); err != nil {
		return fmt.Errorf("replace tables: %w", err)
	}
	if len(as) == 0 || len(as) != len(by) {
		return fmt.Errorf("replace tables: %d tables can't take the place of %d", len(by), len(as))
	}
	err := t.change(ctx, func(ctx context.Context, c *session) error {
		if err := replace(ctx, c, as, by); err != nil {
			return err
		}
		return final(t.updateOn(ctx, c, fn))
	})
	return explain("replace tables", err)
}

func replace(ctx context.Context, c *session, as, by []table.Schema) error {
	if err := lockMarks(ctx, c, as[0].Writer(), by[0].Writer()); err != nil {
		return err
	}
	old, err := c.column1(ctx, "SELECT name FROM _talix_views WHERE view = $1", as[0].Writer())
	if err != nil {
		return err
	}
	for i := range as {
		old = append(old, as[i].Name)
	}
	for _, name := range old {
		if err := drop(ctx, c, name); err != nil {
			return err
		}
	}
	if err := forgetMarks(ctx, c, as[0].Writer()); err != nil {
		return err
	}
	for i := range as {
		if err := rename(ctx, c, &by[i], &as[i]); err != nil {
			return err
		}
	}
	return c.execute(ctx, "UPDATE _talix_marks SET view = $1 WHERE view = $2", as[0].Writer(), by[0].Writer())
}

func rename(ctx context.Context, c *session, from, to *table.Schema) error {
	if err := c.run(ctx, fmt.Sprintf("ALTER TABLE %s RENAME TO %s", sqlName(from.Name), sqlName(to.Name))); err != nil {
		return err
	}
	if len(searched(from)) > 0 {
		if err := c.run(ctx, fmt.Sprintf("ALTER VIEW %s RENAME TO %s", sqlName(from.Name+textSuffix), sqlName(to.Name+textSuffix))); err != nil {
			return err
		}
	}
	if err := c.execute(ctx, "DELETE FROM _talix_views WHERE name = $1", strings.ToLower(from.Name)); err != nil {
		return err
	}
	return note(ctx, c, to)
}

// note remembers how a table was made.
func note(ctx context.Context, c *session, s *table.Schema) error {
	return c.execute(ctx, `INSERT INTO _talix_views (name, title, view, fingerprint) VALUES ($1, $2, $3, $4)
		ON CONFLICT (name) DO UPDATE SET title = excluded.title, view = excluded.view, fingerprint = excluded.fingerprint`,
		strings.ToLower(s.Name), s.Name, s.Writer(), s.Fingerprint)
}

func drop(ctx context.Context, c *session, name string) error {
	if err := c.run(ctx, dropTable(name)); err != nil {
		return err
	}
	return c.execute(ctx, "DELETE FROM _talix_views WHERE name = $1", strings.ToLower(name))
}

func forgetMarks(ctx context.Context, c *session, view string) error {
	return c.execute(ctx, "DELETE FROM _talix_marks WHERE view = $1", view)
}

// adopt drops everything that belongs to another log.
func adopt(ctx context.Context, c *session, identity string) error {
	present, err := c.column1(ctx, "SELECT value FROM _talix_meta WHERE name = 'log'")
	if err != nil || len(present) == 1 && present[0] == identity {
		return err
	}
	names, err := c.column1(ctx, "SELECT name FROM _talix_views")
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := drop(ctx, c, name); err != nil {
			return err
		}
	}
	if err := c.run(ctx, "DELETE FROM _talix_marks"); err != nil {
		return err
	}
	return c.execute(ctx, "INSERT INTO _talix_meta (name, value) VALUES ('log', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value", identity)
}

func ensureTable(ctx context.Context, c *session, s *table.Schema) error {
	present, err := c.column1(ctx, "SELECT fingerprint FROM _talix_views WHERE name = $1 AND to_regclass(quote_ident(name)) IS NOT NULL", strings.ToLower(s.Name))
	if err != nil || len(present) == 1 && present[0] == s.Fingerprint {
		return err
	}
	if err := drop(ctx, c, s.Name); err != nil {
		return err
	}
	if err := forgetMarks(ctx, c, s.Writer()); err != nil {
		return err
	}
	return makeTable(ctx, c, s)
}

func makeTable(ctx context.Context, c *session, s *table.Schema) error {
	if err := c.run(ctx, createTable(s, "")); err != nil {
		return err
	}
	return note(ctx, c, s)
}

// change runs fn in a transaction that may change what the schema holds. While
// it waits for a table, queries wait behind it, so it does that for a moment
// only and tries again later. What fails is fn's own, but for that.
func (t *Tables) change(ctx context.Context, fn func(ctx context.Context, c *session) error) error {
	if err := t.enterWriter(ctx); err != nil {
		return err
	}
	defer t.leaveWriter()
	defer t.guesses.forget()
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		err := t.transact(ctx, func(ctx context.Context, c *session) error {
			setup := fmt.Sprintf("SELECT pg_advisory_xact_lock(%d); SET LOCAL lock_timeout = '300ms'", lockNumber(t.config.Schema))
			if err := c.run(ctx, "SET TRANSACTION ISOLATION LEVEL READ COMMITTED"); err != nil {
				return err
			}
			if err := c.run(ctx, setup); err != nil {
				return err
			}
			return fn(ctx, c)
		})
		if isFinal(err) || !isCode(err, codeLocked) && !isCode(err, codeDeadlock) {
			return ended(ctx, err)
		}
		if !sleep(ctx, pause) {
			return ctx.Err()
		}
	}
}

// finalError is one after which a transaction is not tried again, because a
// user's function has run in it.
type finalError struct{ error }

func (e finalError) Unwrap() error { return e.error }

func final(err error) error {
	if err == nil {
		return nil
	}
	return finalError{err}
}

func isFinal(err error) bool { return errors.As(err, new(finalError)) }

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
