package sqlite_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/sqlite"
	zombiezen "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

func open(t testing.TB, config sqlite.Config) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
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

func durable(t testing.TB, s store.Store, batches ...store.Batch) {
	t.Helper()
	for i, o := range s.Commit(t.Context(), 0, batches) {
		if o.Status != store.Durable {
			t.Fatalf("batch %d ended as %v: %v", i, o.Status, o.Err)
		}
	}
}

// fill commits n events of each of two streams.
func fill(t testing.TB, s store.Store, n store.Version) {
	t.Helper()
	for v := range n {
		durable(t, s, event(store.Stream{Type: "a", ID: "one"}, v+1), event(store.Stream{Type: "b", ID: "two"}, v+1))
	}
}

// filled makes a closed store.
func filled(t testing.TB, n store.Version) (dir string) {
	t.Helper()
	dir = t.TempDir()
	s := open(t, sqlite.Config{Dir: dir, NoSync: true})
	fill(t, s, n)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// raw runs statements on a file behind the store's back.
func raw(t testing.TB, path string, statements ...string) {
	t.Helper()
	conn, err := zombiezen.OpenConn(path, zombiezen.OpenReadWrite|zombiezen.OpenCreate)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, statement := range statements {
		if err := sqlitex.ExecuteTransient(conn, statement, nil); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// files is what a folder holds.
func files(t testing.TB, dir string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[e.Name()] = string(content)
	}
	return all
}

func count(t testing.TB, s store.Store, name store.Stream) (n int, err error) {
	t.Helper()
	for _, err := range s.Load(t.Context(), name, 0) {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
