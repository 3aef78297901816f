package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/talix-dev/talix/table"
)

//go:embed views/*.sql
var viewFiles embed.FS

// TablesConfig says where view tables live. All but DSN may be left out.
type TablesConfig struct {
	// DSN names the database, as that of Config does.
	DSN string
	// Schema of the database that holds the tables, and nothing else; it is
	// made if it is missing. Lower-case letters, digits and underscores.
	// Defaults to "talix_views".
	Schema string
	// Readers is how many queries run at the same time before others wait.
	// Defaults to twice the number of processors, at least 4.
	Readers int
	// Timeout bounds each statement that writes. Defaults to 30 s.
	Timeout time.Duration
	// QueryTimeout bounds each query, with the reading of its rows. Defaults to
	// 5 minutes.
	QueryTimeout time.Duration
}

func (c TablesConfig) withDefaults() TablesConfig {
	setDefault(&c.Schema, "talix_views")
	setDefault(&c.Readers, max(4, 2*runtime.GOMAXPROCS(0)))
	setDefault(&c.Timeout, 30*time.Second)
	setDefault(&c.QueryTimeout, 5*time.Minute)
	return c
}

func (c TablesConfig) check() error {
	var faults []error
	if c.Readers < 0 || c.Timeout < 0 || c.QueryTimeout < 0 {
		faults = append(faults, errors.New("the config's Readers, Timeout and QueryTimeout must not be below zero"))
	}
	return errors.Join(append(faults, checkSchemaName(c.Schema))...)
}

// Tables holds view tables in a schema of a PostgreSQL database, under their
// names in lower case: whoever may read the schema finds them there with any
// SQL tool. What it holds can be derived from the log again, so its commits are
// not synced one by one: power loss may cost the last of them, whole and with
// their marks. Several processes may have it open at a time, as long as each
// view has one writer.
type Tables struct {
	config  TablesConfig
	gate    gate
	writer  *link
	turn    chan struct{} // holds a token while nobody writes
	readers *pool
	scratch *scratch
	guesses guesses
}

var (
	_ table.Store   = (*Tables)(nil)
	_ table.Dialect = (*Tables)(nil)
	_ table.Marker  = (*Tables)(nil)
)

// OpenTables opens the view tables in a schema of a database, or makes it. It
// fails with store.ErrForeign if the schema holds something else or was made by
// a newer release.
func OpenTables(ctx context.Context, config TablesConfig) (*Tables, error) {
	config = config.withDefaults()
	if err := config.check(); err != nil {
		return nil, fmt.Errorf("open view tables: %w", err)
	}
	writes, err := newDialer(config.DSN, config.Timeout, config.writerSetup())
	if err != nil {
		return nil, fmt.Errorf("open view tables: %w", err)
	}
	reads, err := newDialer(config.DSN, config.Timeout, config.readerSetup())
	if err != nil {
		return nil, fmt.Errorf("open view tables: %w", err)
	}
	t := &Tables{
		config: config, writer: &link{dialer: writes}, turn: make(chan struct{}, 1),
		readers: newPool(reads, config.Readers), scratch: &scratch{link: &link{dialer: reads}},
	}
	t.readers.patience = patience
	t.turn <- struct{}{}
	if err := t.load(ctx); err != nil {
		t.writer.drop()
		writes.close()
		return nil, explainRead("open view tables in schema "+config.Schema, ended(ctx, err))
	}
	return t, nil
}

// patience is how long a query waits for a connection before it gets one of
// its own. What is asked for each partition, such as marks, waits for as long as
// a statement may take: a slow server must not be asked for hundreds.
const patience = 100 * time.Millisecond

// writerSetup: a transaction that has read what another one changes meanwhile
// fails, so that no change is lost where two nodes write the same rows.
func (c TablesConfig) writerSetup() string {
	return fmt.Sprintf(`
		SET search_path = %s, pg_temp; SET client_encoding = 'UTF8'; SET synchronous_commit = off;
		SET default_transaction_isolation = 'repeatable read'; SET client_min_messages = warning;
		SET statement_timeout = %d; SET idle_in_transaction_session_timeout = %d`,
		quoted(c.Schema), c.Timeout.Milliseconds(), c.Timeout.Milliseconds())
}

// readerSetup: tables of the session's own come first, as scratch has them; the
// schema comes before PostgreSQL's own, as it has functions
// that take the place of two of those.
func (c TablesConfig) readerSetup() string {
	return fmt.Sprintf(`
		SET search_path = pg_temp, %s, pg_catalog; SET client_encoding = 'UTF8'; SET standard_conforming_strings = on;
		SET default_transaction_isolation = 'read committed'; SET default_transaction_read_only = on; SET client_min_messages = warning;
		SET plan_cache_mode = force_generic_plan; SET extra_float_digits = 1; SET bytea_output = hex; SET DateStyle = ISO; SET TimeZone = 'UTC';
		SET statement_timeout = %d; SET idle_in_transaction_session_timeout = %d`,
		quoted(c.Schema), c.QueryTimeout.Milliseconds(), c.Timeout.Milliseconds())
}

func (t *Tables) load(ctx context.Context) error {
	conn, err := t.writer.get(ctx)
	if err != nil {
		return err
	}
	if err := checkServer(ctx, conn, true); err != nil {
		return err
	}
	l, err := viewsLayout(ctx, conn, t.config.Schema)
	if err != nil {
		return err
	}
	return l.migrate(ctx, conn)
}

func viewsLayout(ctx context.Context, conn *pgx.Conn, schema string) (layout, error) {
	steps, err := readSteps(viewFiles, "views")
	if err != nil {
		return layout{}, err
	}
	letters, err := lettersOf(ctx, conn)
	for i := range steps {
		steps[i] = strings.ReplaceAll(steps[i], "{letters}", letters)
	}
	none := func(context.Context, pgx.Tx) error { return nil }
	return layout{schema: schema, steps: steps, meta: "_talix_meta", seed: none}, err
}

// lettersOf finds a collation that knows the letters of all languages.
func lettersOf(ctx context.Context, conn *pgx.Conn) (string, error) {
	var name string
	err := conn.QueryRow(ctx, `SELECT collname FROM pg_collation WHERE collnamespace = 'pg_catalog'::regnamespace
		AND collencoding IN (-1, pg_char_to_encoding('UTF8'))
		ORDER BY array_position(ARRAY['und-x-icu', 'pg_c_utf8', 'C.utf8', 'en_US.utf8', 'default'], collname::text) LIMIT 1`).Scan(&name)
	return quoted(name), err
}

// Mark implements table.Store.
func (t *Tables) Mark(ctx context.Context, view string, partition int) (at int64, err error) {
	err = t.read(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		err := conn.QueryRow(ctx, "SELECT position FROM _talix_marks WHERE view = $1 AND partition = $2", view, partition).Scan(&at)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		return err
	})
	return at, explainRead("read mark of "+view, err)
}

// Marks implements table.Marker.
func (t *Tables) Marks(ctx context.Context, view string) (map[int]int64, error) {
	marks := make(map[int]int64)
	err := t.read(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		rows, _ := conn.Query(ctx, "SELECT partition, position FROM _talix_marks WHERE view = $1", view) // its error is that of ForEachRow
		var partition int
		var at int64
		_, err := pgx.ForEachRow(rows, []any{&partition, &at}, func() error {
			marks[partition] = at
			return nil
		})
		return err
	})
	return marks, explainRead("read marks of "+view, err)
}

// Made implements table.Store.
func (t *Tables) Made(ctx context.Context) (map[string]string, error) {
	made := make(map[string]string)
	err := t.read(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		rows, _ := conn.Query(ctx, "SELECT title, fingerprint FROM _talix_views") // its error is that of ForEachRow
		var name, fingerprint string
		_, err := pgx.ForEachRow(rows, []any{&name, &fingerprint}, func() error {
			made[name] = fingerprint
			return nil
		})
		return err
	})
	if err != nil {
		return nil, explainRead("list tables", err)
	}
	return made, nil
}

// read runs fn with a connection for reading, once more if it was broken.
func (t *Tables) read(ctx context.Context, fn func(ctx context.Context, conn *pgx.Conn) error) error {
	if err := t.enter(ctx); err != nil {
		return err
	}
	defer t.gate.leave()
	for attempt := 1; ; attempt++ {
		broken, err := t.tryRead(ctx, fn)
		if err == nil || !broken || attempt == 2 || ctx.Err() != nil {
			return ended(ctx, err)
		}
	}
}

func (t *Tables) tryRead(ctx context.Context, fn func(ctx context.Context, conn *pgx.Conn) error) (broken bool, err error) {
	l, err := t.readers.within(ctx, t.config.Timeout)
	if err != nil {
		return false, err
	}
	defer t.readers.put(l)
	conn, err := l.get(ctx)
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(ctx, t.config.Timeout)
	defer cancel()
	err = fn(ctx, conn)
	l.used = time.Now()
	return conn.IsClosed(), err
}

func (t *Tables) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return t.gate.enter()
}

// enterWriter waits for the writer's turn.
func (t *Tables) enterWriter(ctx context.Context) error {
	if err := t.enter(ctx); err != nil {
		return err
	}
	select {
	case <-t.turn:
		return nil
	case <-ctx.Done():
		t.gate.leave()
		return ctx.Err()
	}
}

func (t *Tables) leaveWriter() {
	t.turn <- struct{}{}
	t.gate.leave()
}

// transact runs fn in a write transaction. A panic rolls back by ending the
// connection.
func (t *Tables) transact(ctx context.Context, fn func(ctx context.Context, c *session) error) (err error) {
	conn, err := t.writer.get(ctx)
	if err != nil {
		return err
	}
	done := false
	defer func() {
		if !done {
			t.writer.drop()
		}
	}()
	c := &session{conn.PgConn(), t.config.Timeout}
	if err := c.run(ctx, "BEGIN"); err != nil {
		return err
	}
	if err := fn(ctx, c); err != nil {
		done = !conn.IsClosed() && c.run(context.WithoutCancel(ctx), "ROLLBACK") == nil
		return err
	}
	err = c.run(ctx, "COMMIT")
	done = err == nil
	t.writer.used = time.Now()
	return err
}

// Close implements table.Store. It waits for loops over Query as well.
func (t *Tables) Close() error {
	if !t.gate.close() {
		return nil
	}
	t.readers.close()
	t.scratch.link.drop()
	t.writer.drop()
	t.readers.dialer.close()
	t.writer.dialer.close()
	return nil
}
