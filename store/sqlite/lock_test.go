package sqlite_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/sqlite"
)

// TestLock: a second process is told who has the folder, and gets it once the
// first one was killed.
func TestLock(t *testing.T) {
	t.Parallel()
	if dir, yes := inChild(); yes {
		holdFolder(t, dir)
	}
	dir := t.TempDir()
	cmd := child(t, dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for scanner := bufio.NewScanner(out); scanner.Scan() && scanner.Text() != "held"; {
	}
	pid := fmt.Sprint("pid ", cmd.Process.Pid, ",")
	_, storeErr := sqlite.Open(t.Context(), sqlite.Config{Dir: dir})
	_, tablesErr := sqlite.OpenTables(t.Context(), sqlite.TablesConfig{Dir: dir})
	for _, err := range []error{storeErr, tablesErr} {
		if !errors.Is(err, store.ErrLocked) || !strings.Contains(err.Error(), pid) || !strings.Contains(err.Error(), dir) {
			t.Errorf("Open says %v, want %q, %q and the folder", err, store.ErrLocked, pid)
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	open(t, sqlite.Config{Dir: dir})
	openTables(t, sqlite.TablesConfig{Dir: dir})
}

// holdFolder is the process that gets killed.
func holdFolder(t *testing.T, dir string) {
	open(t, sqlite.Config{Dir: dir})
	openTables(t, sqlite.TablesConfig{Dir: dir})
	fmt.Println("\nheld")
	select {}
}

func openTables(t *testing.T, config sqlite.TablesConfig) *sqlite.Tables {
	t.Helper()
	s, err := sqlite.OpenTables(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestLockInOneProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := open(t, sqlite.Config{Dir: dir})
	if _, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir}); !errors.Is(err, store.ErrLocked) || !strings.Contains(err.Error(), fmt.Sprint("pid ", os.Getpid())) {
		t.Errorf("a second Open says %v", err)
	}
	fill(t, first, 3)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := open(t, sqlite.Config{Dir: dir})
	if n, err := count(t, second, store.Stream{Type: "a", ID: "one"}); n != 3 || err != nil {
		t.Errorf("%d events were kept (%v)", n, err)
	}
}

// TestHalfMadeStore: what a process left that was killed while it made the
// store does not matter.
func TestHalfMadeStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "events.db.new"), []byte("half"))
	write(t, filepath.Join(dir, "events.db.new-journal"), []byte("half"))
	fill(t, open(t, sqlite.Config{Dir: dir}), 1)
}
