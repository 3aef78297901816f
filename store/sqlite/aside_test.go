package sqlite_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/sqlite"
	"github.com/talix-dev/talix/table"
)

func numbers() *table.Schema {
	return &table.Schema{Name: "numbers", Fingerprint: "1", Columns: []table.Column{
		{Name: "id", Kind: table.Int, Key: true}, {Name: "text", Kind: table.Text}}}
}

// filledTables makes closed view tables with 1,000 rows and a mark.
func filledTables(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	s, schema := openTables(t, sqlite.TablesConfig{Dir: dir}), numbers()
	err := s.Ensure(t.Context(), "log", []table.Schema{*schema})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Update(t.Context(), func(tx table.Tx) error {
		for i := range int64(1000) {
			if err := tx.Put(schema, []table.Value{table.IntValue(i), table.TextValue(strings.Repeat("x", 50))}); err != nil {
				return err
			}
		}
		return tx.Mark("numbers", 0, 0, 1000)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func countNumbers(t *testing.T, s *sqlite.Tables) (n int64, err error) {
	t.Helper()
	for row, err := range s.Query(t.Context(), "SELECT count(*), sum(length(text)) FROM numbers", nil) {
		if err != nil {
			return 0, err
		}
		n = row[0].Int()
	}
	return n, nil
}

func TestTablesAreKept(t *testing.T) {
	t.Parallel()
	s := openTables(t, sqlite.TablesConfig{Dir: filledTables(t)})
	if err := s.Ensure(t.Context(), "log", []table.Schema{*numbers()}); err != nil {
		t.Fatal(err)
	}
	wantNumbers(t, s, 1000)
}

func wantNumbers(t *testing.T, s *sqlite.Tables, want int64) {
	t.Helper()
	n, err := countNumbers(t, s)
	mark, markErr := s.Mark(t.Context(), "numbers", 0)
	if n != want || mark != want || err != nil || markErr != nil {
		t.Errorf("there are %d rows (%v) and the mark is %d (%v), want %d", n, err, mark, markErr, want)
	}
}

// TestDamagedTablesAreSetAside, and empty ones take their place.
func TestDamagedTablesAreSetAside(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(t *testing.T, path string){
		"garbage":  edit(func(b []byte) []byte { return flip(b, 0, 100) }),
		"cut":      edit(func(b []byte) []byte { return b[:len(b)/2] }),
		"empty":    edit(func([]byte) []byte { return nil }),
		"schema":   edit(func(b []byte) []byte { return flip(b, 100, 4096) }),
		"log only": func(t *testing.T, path string) { os.Remove(path); write(t, path+"-wal", []byte("frames")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filledTables(t)
			path := filepath.Join(dir, "views.db")
			spoil(t, path)
			wantSetAside(t, dir)
		})
	}
}

func wantSetAside(t *testing.T, dir string) {
	t.Helper()
	before := stored(t, dir)
	var log bytes.Buffer
	s := openTables(t, sqlite.TablesConfig{Dir: dir, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err := s.Ensure(t.Context(), "log", []table.Schema{*numbers()}); err != nil {
		t.Fatal(err)
	}
	wantNumbers(t, s, 0)
	if !strings.Contains(log.String(), "views.db.damaged-1") {
		t.Errorf("the log says %q", &log)
	}
	after := files(t, dir)
	for _, suffix := range []string{"", "-wal"} {
		if after["views.db.damaged-1"+suffix] != before["views.db"+suffix] {
			t.Errorf("views.db%s is not what was set aside", suffix)
		}
	}
}

// TestDamageFoundLater: what is found in use is mended at the next start.
func TestDamageFoundLater(t *testing.T) {
	t.Parallel()
	dir := filledTables(t)
	path := filepath.Join(dir, "views.db")
	edit(func(b []byte) []byte { return flip(b, len(b)-5*4096, len(b)-4*4096) })(t, path)
	s := openTables(t, sqlite.TablesConfig{Dir: dir})
	_, err := countNumbers(t, s)
	wantCorrupt(t, "Query", err)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wantSetAside(t, dir)
}

func TestForeignTables(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "views.db")
	foreign(t, path)
	before := stored(t, dir)["views.db"]
	_, err := sqlite.OpenTables(t.Context(), sqlite.TablesConfig{Dir: dir})
	if !errors.Is(err, store.ErrForeign) || stored(t, dir)["views.db"] != before {
		t.Errorf("OpenTables says %v, want %v and no change", err, store.ErrForeign)
	}
}
