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
func checkServer(ctx context.Context, conn *pgx.Conn, config Config) error {
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
	case fsync != "on" && !config.NoSync:
		return errors.New("the server runs with fsync off, so it would lose acknowledged events with its power: turn fsync on, or for tests set NoSync")
	}
	return nil
}

// facts are what never changes about a store.
type facts struct {
	identity   store.ID
	partitions int
}

// formats are the steps of the schema, in order.
func formats() ([]string, error) { return fs.Glob(schemaFiles, "schema/*.sql") }

// migrate makes the store or brings it to this release's format, in one
// transaction; others that want to do the same wait for it.
func migrate(ctx context.Context, conn *pgx.Conn, config Config) error {
	steps, err := formats()
	if err != nil {
		return err
	}
	present, err := formatOf(ctx, conn, config.Schema)
	if err != nil || present == len(steps) {
		return err
	}
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if err := lockSchema(ctx, tx, config.Schema); err != nil {
			return err
		}
		present, err := formatOf(ctx, conn, config.Schema)
		if err != nil {
			return err
		}
		for i := present; i < len(steps); i++ {
			if err := runStep(ctx, tx, steps[i]); err != nil {
				return err
			}
		}
		if present == 0 {
			if err := seed(ctx, tx, config); err != nil {
				return err
			}
		}
		_, err = tx.Exec(ctx, "INSERT INTO meta (name, value) VALUES ('format', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value", strconv.Itoa(len(steps)))
		return err
	})
}

// lockSchema makes the schema if it is missing, and keeps others from doing so.
func lockSchema(ctx context.Context, tx pgx.Tx, schema string) error {
	h := fnv.New64a()
	h.Write([]byte("talix schema " + schema))
	if _, err := tx.Exec(ctx, "SET LOCAL synchronous_commit = on; SET LOCAL lock_timeout = 0"); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", int64(h.Sum64())); err != nil {
		return fmt.Errorf("wait for others that make the store: %w", err)
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

func runStep(ctx context.Context, tx pgx.Tx, file string) error {
	text, err := schemaFiles.ReadFile(file)
	if err != nil {
		return err
	}
	if _, err := tx.Conn().PgConn().Exec(ctx, string(text)).ReadAll(); err != nil {
		return fmt.Errorf("run %s: %w", file, err)
	}
	return nil
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

// formatOf is the format of the store in a schema; zero if the schema is empty
// or missing.
func formatOf(ctx context.Context, conn *pgx.Conn, schema string) (int, error) {
	var tables int
	var meta bool
	err := conn.QueryRow(ctx, `SELECT count(*), coalesce(bool_or(c.relname = 'meta'), false)
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', 'm', 'f')`, schema).Scan(&tables, &meta)
	if err != nil || tables == 0 {
		return 0, err
	}
	foreign := fmt.Errorf("%w: the schema holds other tables; name another one in Config.Schema", store.ErrForeign)
	if !meta {
		return 0, foreign
	}
	value, err := readMeta(ctx, conn, schema, "format")
	if err != nil {
		return 0, err
	}
	steps, err := formats()
	format, fault := strconv.Atoi(value)
	switch {
	case err != nil:
		return 0, err
	case fault != nil || format < 1:
		return 0, foreign
	case format > len(steps):
		return 0, fmt.Errorf("%w: it has format %d of a newer release, this one knows %d; use the newer release", store.ErrForeign, format, len(steps))
	}
	return format, nil
}

// readMeta is empty if there is no such value.
func readMeta(ctx context.Context, conn *pgx.Conn, schema, name string) (value string, err error) {
	err = conn.QueryRow(ctx, fmt.Sprintf("SELECT value FROM %s.meta WHERE name = $1", quoted(schema)), name).Scan(&value)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	if isShape(err) {
		return "", fmt.Errorf("%w: the schema's table meta is of another program; name another schema in Config.Schema", store.ErrForeign)
	}
	return value, err
}

// readFacts reads what the store says of itself, and looks whether it is whole.
func readFacts(ctx context.Context, conn *pgx.Conn, schema string) (f facts, err error) {
	identity, err := readMeta(ctx, conn, schema, "identity")
	if err != nil {
		return f, err
	}
	count, err := readMeta(ctx, conn, schema, "partitions")
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
	return f, checkPartitions(ctx, conn, schema, f.partitions)
}

func checkPartitions(ctx context.Context, conn *pgx.Conn, schema string, want int) error {
	var rows, last int
	err := conn.QueryRow(ctx, fmt.Sprintf("SELECT count(*), coalesce(max(partition), -1) FROM %s.partitions WHERE partition >= 0", quoted(schema))).Scan(&rows, &last)
	if err == nil && (rows != want || last != want-1) {
		err = fmt.Errorf("%w: it has %d of %d partitions; restore it from a backup", store.ErrCorrupt, rows, want)
	}
	return err
}
