package sqlite_test

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/sqlite"
)

// TestOpenRefuses what it can't open, says why, and changes nothing.
func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(t *testing.T, path string)
		is    error
		says  string
	}{
		"garbage header":    {edit(func(b []byte) []byte { return append(bytes.Repeat([]byte("x"), 100), b[100:]...) }), store.ErrCorrupt, "backup"},
		"text file":         {edit(func([]byte) []byte { return []byte("hello") }), store.ErrCorrupt, "cut off"},
		"empty":             {edit(func([]byte) []byte { return nil }), store.ErrCorrupt, "cut off"},
		"cut in the header": {edit(func(b []byte) []byte { return b[:60] }), store.ErrCorrupt, "cut off"},
		"cut in the middle": {edit(func(b []byte) []byte { return b[:len(b)/2] }), store.ErrCorrupt, "backup"},
		"cut after a page":  {edit(func(b []byte) []byte { return b[:4096] }), store.ErrCorrupt, "backup"},
		"flipped schema":    {edit(func(b []byte) []byte { return flip(b, 100, 4096) }), store.ErrCorrupt, "backup"},
		"another program's": {foreign, store.ErrForeign, "another folder"},
		"newer format":      {edit(func(b []byte) []byte { b[63] = 99; return b }), store.ErrForeign, "newer"},
		"no meta":           {func(t *testing.T, path string) { raw(t, path, "DELETE FROM meta") }, store.ErrCorrupt, "backup"},
		"bad identity":      {func(t *testing.T, path string) { raw(t, path, "UPDATE meta SET value = 'x'") }, store.ErrCorrupt, "identity"},
		"empty with log": {func(t *testing.T, path string) {
			write(t, path, nil)
			write(t, path+"-wal", []byte("frames"))
		}, store.ErrCorrupt, "cut off"},
		"missing with log": {func(t *testing.T, path string) {
			os.Remove(path)
			write(t, path+"-wal", []byte("frames"))
		}, store.ErrCorrupt, "write-ahead log"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filled(t, 50)
			c.spoil(t, filepath.Join(dir, "events.db"))
			refused(t, dir, c.is, c.says)
		})
	}
}

func edit(fn func([]byte) []byte) func(*testing.T, string) {
	return func(t *testing.T, path string) {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		write(t, path, fn(content))
	}
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

func flip(b []byte, from, to int) []byte {
	for i := from; i < to; i++ {
		b[i] ^= 0x55
	}
	return b
}

func foreign(t *testing.T, path string) {
	os.Remove(path)
	raw(t, path, "CREATE TABLE theirs(id INTEGER)")
}

func refused(t *testing.T, dir string, is error, says string) {
	t.Helper()
	before := stored(t, dir)
	s, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir})
	if err == nil {
		s.Close()
		t.Fatal("it was opened")
	}
	if !errors.Is(err, is) || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), dir) {
		t.Errorf("Open says %q, want %q, %q and the folder", err, is, says)
	}
	after := stored(t, dir)
	if !maps.Equal(before, after) {
		for name := range after {
			t.Errorf("after Open %s has %d bytes, before %d", name, len(after[name]), len(before[name]))
		}
	}
}

// stored is what a folder holds, without what holds no data.
func stored(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := files(t, dir)
	maps.DeleteFunc(all, func(name, content string) bool {
		return name == "lock" || strings.HasSuffix(name, "-shm") || strings.HasSuffix(name, "-wal") && content == ""
	})
	return all
}

// TestOpenRefusesWithLog: what is wrong shows with a write-ahead
// log beside the file as well, and both stay as they are.
func TestOpenRefusesWithLog(t *testing.T) {
	t.Parallel()
	source := t.TempDir()
	fill(t, open(t, sqlite.Config{Dir: source}), 50) // stays open, so its log is not folded
	for name, size := range map[string]int{"cut": 50, "empty": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for _, file := range []string{"events.db", "events.db-wal"} {
				content, err := os.ReadFile(filepath.Join(source, file))
				if err != nil {
					t.Fatal(err)
				}
				if file == "events.db" {
					content = content[:size]
				}
				write(t, filepath.Join(dir, file), content)
			}
			refused(t, dir, store.ErrCorrupt, "backup")
		})
	}
}

func TestOpenOfBadFolders(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, []byte("x"))
	for _, dir := range []string{"", file, filepath.Join(file, "below")} {
		if s, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir}); err == nil {
			s.Close()
			t.Errorf("%q was opened", dir)
		} else if !strings.Contains(err.Error(), "folder") {
			t.Errorf("Open of %q says %q", dir, err)
		}
	}
}

// TestDamagedEvent: a flipped byte of a payload is not read as an event.
func TestDamagedEvent(t *testing.T) {
	t.Parallel()
	dir := filled(t, 200)
	edit(func(b []byte) []byte { return bytes.Replace(b, []byte(`"value":137}`), []byte(`"value":138}`), 1) })(t, filepath.Join(dir, "events.db"))
	s := open(t, sqlite.Config{Dir: dir})
	_, err := s.Log(t.Context(), 0, 0, 1000)
	wantCorrupt(t, "Log", err)
	_, a := count(t, s, store.Stream{Type: "a", ID: "one"})
	_, b := count(t, s, store.Stream{Type: "b", ID: "two"})
	wantCorrupt(t, "Load", firstError(a, b))
	wantCorrupt(t, "Check", s.Check(t.Context()))
}

func firstError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

func wantCorrupt(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("%s says %v, want %v", what, err, store.ErrCorrupt)
	}
}

// TestDamagedPages: whatever page is overwritten, nothing panics, and reading
// all of it tells.
func TestDamagedPages(t *testing.T) {
	t.Parallel()
	dir := filled(t, 200)
	whole := files(t, dir)["events.db"]
	for page := 1; page < len(whole)/4096; page++ {
		broken := t.TempDir()
		write(t, filepath.Join(broken, "events.db"), flip([]byte(whole), page*4096, page*4096+4096))
		s, err := sqlite.Open(t.Context(), sqlite.Config{Dir: broken})
		if err == nil {
			err = s.Check(t.Context())
			s.Close()
		}
		wantCorrupt(t, "the store", err)
	}
}

// TestCheckFinds what SQLite itself does not see.
func TestCheckFinds(t *testing.T) {
	t.Parallel()
	for name, statement := range map[string]string{
		"a missing event":   "DELETE FROM events WHERE position = 77",
		"a missing end":     "DELETE FROM events WHERE position = (SELECT max(position) FROM events)",
		"a wrong version":   "UPDATE events SET version = 9 WHERE position = 99",
		"a wrong chain":     "UPDATE events SET prev = 3 WHERE position = 99",
		"a wrong anchor":    "UPDATE events SET anchor = 3 WHERE version = 70",
		"a wrong head":      "UPDATE heads SET version = 9 WHERE stream = 1",
		"a missing head":    "DELETE FROM heads WHERE stream = 1",
		"a nameless stream": "DELETE FROM streams WHERE stream = 2",
		"another stream":    "UPDATE streams SET id = 'three' WHERE stream = 2",
		"another type":      "UPDATE types SET name = 'TEST:OTHER'",
		"another time":      "UPDATE events SET time = time + 1 WHERE position = 9",
		"other metadata":    "UPDATE events SET metadata = '{}' WHERE position = 9",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filled(t, 100)
			sound := open(t, sqlite.Config{Dir: dir})
			if err := sound.Check(t.Context()); err != nil {
				t.Fatal(err)
			}
			sound.Close()
			raw(t, filepath.Join(dir, "events.db"), statement)
			wantCorrupt(t, "Check", open(t, sqlite.Config{Dir: dir}).Check(t.Context()))
		})
	}
}
