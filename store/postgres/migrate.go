package postgres

import (
	"context"
	"crypto/rand"
	"embed"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/talix-dev/talix/store"
)

// Each file is one step from a format of the store to the next, in the order of
// their names. A file never changes once it was released.
//
//go:embed schema/*.sql
var schemaFiles embed.FS

// checkServer tells what is wrong with the server.
func checkServer(ctx context.Context, conn *pgx.Conn, noSync bool) error {
	var version int
	var encoding, fsync string
	var standby bool
	err := conn.QueryRow(ctx, "SELECT current_setting('server_version_num')::int, current_setting('server_encoding'), current_setting('fsync'), pg_is_in_recovery()").Scan(&version, &encoding, &fsync, &standby)
	switch {
	case err != nil:
		return fmt.Errorf("ask the server about itself: %w", err)
	case version < 140000:
		return fmt.Errorf("the server is PostgreSQL %d: 14 or later is needed", version/10000)
	case encoding != "UTF8":
		return fmt.Errorf("the database is encoded in %s: make one with ENCODING 'UTF8'", encoding)
	case standby:
		return errors.New("the server is a standby: name the primary, for instance by several hosts and target_session_attrs=read-write in the DSN")
	case fsync != "on" && !noSync:
		return errors.New("the server runs with fsync off, so it would lose acknowledged events with its power: turn fsync on, or for tests set NoSync")
	}
	return nil
}

// layout is what a schema of the database holds.
type layout struct {
	schema string
	steps  []string // SQL that makes each format of the one before
	meta   string   // the table of what the schema tells of itself
	seed   func(ctx context.Context, tx pgx.Tx) error
}

// readSteps reads the files of a folder in the order of their names.
func readSteps(files embed.FS, dir string) (steps []string, err error) {
	entries, err := fs.ReadDir(files, dir)
	for _, e := range entries {
		var text []byte
		if text, err = files.ReadFile(dir + "/" + e.Name()); err != nil {
			return nil, err
		}
		steps = append(steps, string(text))
	}
	return steps, err
}

func storeLayout(config Config) (layout, error) {
	steps, err := readSteps(schemaFiles, "schema")
	return layout{
		schema: config.Schema, steps: steps, meta: "meta",
		seed: func(ctx context.Context, tx pgx.Tx) error { return seed(ctx, tx, config) },
	}, err
}

// migrate makes what the schema is to hold, or brings it to this release's
// format, in one transaction; others that want to do the same wait for it.
func (l layout) migrate(ctx context.Context, conn *pgx.Conn) error {
	present, err := l.format(ctx, conn)
	if err != nil || present == len(l.steps) {
		return err
	}
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if err := lockSchema(ctx, tx, l.schema); err != nil {
			return err
		}
		present, err := l.format(ctx, conn)
		if err != nil {
			return err
		}
		for i := present; i < len(l.steps); i++ {
			if _, err := tx.Conn().PgConn().Exec(ctx, l.steps[i]).ReadAll(); err != nil {
				return fmt.Errorf("make format %d: %w", i+1, err)
			}
		}
		if present == 0 {
			if err := l.seed(ctx, tx); err != nil {
				return err
			}
		}
		_, err = tx.Exec(ctx, fmt.Sprintf("INSERT INTO %s (name, value) VALUES ('format', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value", l.meta), strconv.Itoa(len(l.steps)))
		return err
	})
}

// exists refuses a schema that holds nothing.
func (l layout) exists(ctx context.Context, conn *pgx.Conn) error {
	present, err := l.format(ctx, conn)
	if err == nil && present == 0 {
		err = fmt.Errorf("%w: the schema %s holds nothing; name the database and schema of the store", store.ErrMissing, l.schema)
	}
	return err
}

// lockSchema makes the schema if it is missing, and keeps others from doing so.
func lockSchema(ctx context.Context, tx pgx.Tx, schema string) error {
	if _, err := tx.Conn().PgConn().Exec(ctx, fmt.Sprintf("SET LOCAL search_path = %s, pg_temp; SET LOCAL synchronous_commit = on; SET LOCAL lock_timeout = 0", quoted(schema))).ReadAll(); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", lockNumber(schema)); err != nil {
		return fmt.Errorf("wait for others that make the schema: %w", err)
	}
	var there bool
	if err := tx.QueryRow(ctx, "SELECT to_regnamespace($1) IS NOT NULL", schema).Scan(&there); err != nil || there {
		return err
	}
	if _, err := tx.Exec(ctx, "CREATE SCHEMA "+quoted(schema)); err != nil {
		return fmt.Errorf("make the schema: %w", err)
	}
	return nil
}

// lockNumber is that of the advisory lock of who changes what a schema holds.
func lockNumber(schema string) int64 {
	h := fnv.New64a()
	h.Write([]byte("talix schema " + schema))
	return int64(h.Sum64())
}

// seed fills a store that was just made.
func seed(ctx context.Context, tx pgx.Tx, config Config) error {
	var identity store.ID
	rand.Read(identity[:]) // never fails
	_, err := tx.Exec(ctx, "INSERT INTO meta (name, value) VALUES ('identity', $1), ('partitions', $2)", identity.String(), strconv.Itoa(config.Partitions))
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "INSERT INTO partitions (partition) SELECT generate_series(0, $1 - 1)", config.Partitions)
	return err
}

// format is that of what the schema holds; zero if it is empty or missing.
func (l layout) format(ctx context.Context, conn *pgx.Conn) (int, error) {
	var tables int
	var meta bool
	err := conn.QueryRow(ctx, `SELECT count(*), coalesce(bool_or(c.relname = $2), false)
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', 'm', 'f')`, l.schema, l.meta).Scan(&tables, &meta)
	if err != nil || tables == 0 {
		return 0, err
	}
	foreign := fmt.Errorf("%w: the schema %s holds other tables; name another one in the config's Schema", store.ErrForeign, l.schema)
	if !meta {
		return 0, foreign
	}
	value, err := l.readMeta(ctx, conn, "format")
	if err != nil {
		return 0, err
	}
	switch format, fault := strconv.Atoi(value); {
	case fault != nil || format < 1:
		return 0, foreign
	case format > len(l.steps):
		return 0, fmt.Errorf("%w: the schema %s has format %d of a newer release, this one knows %d; use the newer release", store.ErrForeign, l.schema, format, len(l.steps))
	default:
		return format, nil
	}
}

// readMeta is empty if there is no such value.
func (l layout) readMeta(ctx context.Context, conn *pgx.Conn, name string) (value string, err error) {
	err = conn.QueryRow(ctx, fmt.Sprintf("SELECT value FROM %s.%s WHERE name = $1", quoted(l.schema), l.meta), name).Scan(&value)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	if isShape(err) {
		return "", fmt.Errorf("%w: the table %s.%s is of another program; name another schema in the config's Schema", store.ErrForeign, l.schema, l.meta)
	}
	return value, err
}

// facts are what never changes about a store.
type facts struct {
	identity   store.ID
	partitions int
}

// readFacts reads what the store says of itself, and looks whether it is whole.
func (l layout) readFacts(ctx context.Context, conn *pgx.Conn) (f facts, err error) {
	identity, err := l.readMeta(ctx, conn, "identity")
	if err != nil {
		return f, err
	}
	count, err := l.readMeta(ctx, conn, "partitions")
	if err != nil {
		return f, err
	}
	var fault error
	if f.identity, fault = store.ParseID(identity); fault != nil || f.identity.IsZero() {
		return f, fmt.Errorf("%w: its identity is %q; restore it from a backup", store.ErrCorrupt, identity)
	}
	if f.partitions, fault = strconv.Atoi(count); fault != nil || f.partitions < 1 || f.partitions > maxPartitions {
		return f, fmt.Errorf("%w: it has %q partitions; restore it from a backup", store.ErrCorrupt, count)
	}
	return f, checkPartitions(ctx, conn, l.schema, f.partitions)
}

func checkPartitions(ctx context.Context, conn *pgx.Conn, schema string, want int) error {
	var rows, last int
	err := conn.QueryRow(ctx, fmt.Sprintf("SELECT count(*), coalesce(max(partition), -1) FROM %s.partitions WHERE partition >= 0", quoted(schema))).Scan(&rows, &last)
	if err == nil && (rows != want || last != want-1) {
		err = fmt.Errorf("%w: it has %d of %d partitions; restore it from a backup", store.ErrCorrupt, rows, want)
	}
	return err
}
