package postgres_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/postgres"
)

// server is the database for tests; without one, the test is skipped.
func server(t testing.TB) string {
	t.Helper()
	dsn := os.Getenv("TALIX_TEST_POSTGRES")
	if dsn == "" {
		t.Skip("needs a PostgreSQL server whose database may be written to: set TALIX_TEST_POSTGRES=postgres://user@host:port/database; .ci/servers/postgres.sh starts one")
	}
	return dsn
}

// schema is a schema of the test's own, named for dir, which goes with the
// test.
func schema(t testing.TB, dir string) string {
	t.Helper()
	dsn := server(t)
	name := schemaName(dir)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		conn, err := pgx.Connect(ctx, dsn)
		if err != nil {
			t.Errorf("connect to drop schema: %v", err)
			return
		}
		defer conn.Close(ctx)
		if _, err := conn.Exec(ctx, "SET client_min_messages = warning; DROP SCHEMA IF EXISTS "+name+" CASCADE"); err != nil {
			t.Errorf("drop schema: %v", err)
		}
	})
	return name
}

func schemaName(dir string) string {
	return fmt.Sprintf("talix_test_%x", sha256.Sum256([]byte(dir)))[:40]
}

// config is for a store of its own.
func config(t testing.TB) postgres.Config {
	t.Helper()
	return postgres.Config{DSN: server(t), Schema: schema(t, t.TempDir()), Partitions: 4, NoSync: true}
}

func open(t testing.TB, c postgres.Config) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// pair opens the same store twice, as two nodes do.
func pair(t *testing.T) (a, b *postgres.Store) {
	t.Helper()
	c := config(t)
	return open(t, c), open(t, c)
}

// raw runs SQL behind the store's back, in its schema.
func raw(t testing.TB, c postgres.Config, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), c.DSN)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.PgConn().Exec(t.Context(), "SET search_path = "+c.Schema+"; "+sql).ReadAll(); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// stream is a stream of the partition.
func stream(p store.Partition, of int, name string) store.Stream {
	for i := 0; ; i++ {
		s := store.Stream{Type: "a", ID: fmt.Sprint(name, i)}
		if store.PartitionOf(s, of) == p {
			return s
		}
	}
}

// event is a batch of one event with a key.
func event(s store.Stream, v store.Version) store.Batch {
	key := store.ID{1, byte(v), byte(v >> 8), byte(v >> 16)}
	copy(key[4:], s.ID)
	at := time.UnixMicro(1_700_000_000_123_456).UTC()
	return store.Batch{Key: key, Result: fmt.Appendf(nil, `"%d"`, v), Time: at, Appends: []store.Append{{
		Stream: s, Expect: v - 1, Events: []store.Event{{
			ID: key, Stream: s, Version: v, Type: "TEST:EVENT", Schema: 2, Time: at,
			Command: key, Correlation: key, Data: fmt.Appendf(nil, `{"value":%d}`, v),
		}},
	}}}
}

func durable(t testing.TB, s store.Store, p store.Partition, batches ...store.Batch) {
	t.Helper()
	for i, o := range s.Commit(t.Context(), p, batches) {
		if o.Status != store.Durable {
			t.Fatalf("batch %d ended as %v: %v", i, o.Status, o.Err)
		}
	}
}

func count(ctx context.Context, s store.Store, name store.Stream) (n int, err error) {
	for _, err := range s.Load(ctx, name, 0) {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
