package sqlite_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/sqlite"
	"github.com/talix-dev/talix/store/storetest"
	zombiezen "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// format1 makes a store as it was before records.
func format1(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	script, err := os.ReadFile("testdata/format1.sql")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := zombiezen.OpenConn(filepath.Join(dir, "events.db"), zombiezen.OpenReadWrite|zombiezen.OpenCreate)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := sqlitex.ExecuteScript(conn, string(script), nil); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestUpgrade: a store of an older format holds what it held and can do what
// this release can, also when it is opened again.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	dir := format1(t)
	for n := range 3 {
		s := open(t, sqlite.Config{Dir: dir})
		wantUpgraded(t, s, n)
		fillRecords(t, s, n+1)
		durable(t, s, event(store.Stream{Type: "a", ID: "one"}, store.Version(n+4)))
		if err := s.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		storetest.Check(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	sameSchema(t, dir, filled(t, 1))
}

func wantUpgraded(t *testing.T, s *sqlite.Store, added int) {
	t.Helper()
	if got := s.Identity().String(); got != "1369fe25-50ba-1908-da2c-2c79d5a001ba" {
		t.Errorf("the identity is %v", got)
	}
	wantVersion(t, s, store.Stream{Type: "a", ID: "one"}, store.Version(3+added))
	wantVersion(t, s, store.Stream{Type: "b", ID: "two"}, 3)
	if at, _, err := s.Mark(t.Context(), "viewtwo", 0); at != 3 || err != nil {
		t.Errorf("the mark is %d (%v), want 3", at, err)
	}
	if result, ok, err := s.Result(t.Context(), 0, store.ID{1, 2, 3}); string(result) != `"3"` || !ok || err != nil {
		t.Errorf("the result is %q, %v (%v)", result, ok, err)
	}
	wantRecords(t, s, added)
}

// sameSchema: what was brought up to date is as what is made anew.
func sameSchema(t *testing.T, a, b string) {
	t.Helper()
	if got, want := schema(t, a), schema(t, b); got != want {
		t.Errorf("the schema is\n%s\nwant\n%s", got, want)
	}
}

func schema(t *testing.T, dir string) (all string) {
	t.Helper()
	conn, err := zombiezen.OpenConn(filepath.Join(dir, "events.db"), zombiezen.OpenReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, query := range []string{"PRAGMA application_id", "PRAGMA user_version", "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name"} {
		err := sqlitex.ExecuteTransient(conn, query, &sqlitex.ExecOptions{ResultFunc: func(stmt *zombiezen.Stmt) error {
			all += stmt.ColumnText(0) + "\n"
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// TestUpgradeIsWhole or has not been: one that fails in the middle leaves the
// store as it was, for the next one.
func TestUpgradeIsWhole(t *testing.T) {
	t.Parallel()
	dir := format1(t)
	path := filepath.Join(dir, "events.db")
	raw(t, path, "CREATE TABLE records_due(x)") // in the way of the index
	before := schema(t, dir)
	if s, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir}); err == nil {
		s.Close()
		t.Fatal("it was opened")
	}
	if after := schema(t, dir); after != before {
		t.Errorf("the schema is\n%s\nwant\n%s", after, before)
	}
	raw(t, path, "DROP TABLE records_due")
	wantUpgraded(t, open(t, sqlite.Config{Dir: dir}), 0)
}

// TestUpgradeShowsAtOnce: an older release reads the format in the file's
// header, and must see there that it does not know it, whatever happens next.
func TestUpgradeShowsAtOnce(t *testing.T) {
	t.Parallel()
	dir := format1(t)
	open(t, sqlite.Config{Dir: dir}) // and not closed
	if header := files(t, dir)["events.db"][60:64]; header != "\x00\x00\x00\x02" {
		t.Errorf("the header says format %q", header)
	}
}

// TestNewerFormatInLog: a newer release's upgrade may stand in the write-ahead
// log alone.
func TestNewerFormatInLog(t *testing.T) {
	t.Parallel()
	source, dir := t.TempDir(), t.TempDir()
	open(t, sqlite.Config{Dir: source})
	raw(t, filepath.Join(source, "events.db"), "PRAGMA user_version=99")
	for name, content := range files(t, source) {
		write(t, filepath.Join(dir, name), []byte(content))
	}
	if header := files(t, dir)["events.db"][60:64]; header != "\x00\x00\x00\x02" {
		t.Fatalf("the header says format %q: the log is folded", header)
	}
	_, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir})
	if !errors.Is(err, store.ErrForeign) {
		t.Errorf("Open says %v, want %v", err, store.ErrForeign)
	}
}
