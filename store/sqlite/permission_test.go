package sqlite_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/talix-dev/talix/store/sqlite"
)

// TestPermissions: what this user may not do is said, with the path.
func TestPermissions(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("root may do everything")
	}
	for name, spoil := range map[string]func(dir string) error{
		"file not writable":   func(dir string) error { return os.Chmod(filepath.Join(dir, "events.db"), 0o400) },
		"file not readable":   func(dir string) error { return os.Chmod(filepath.Join(dir, "events.db"), 0) },
		"folder not writable": func(dir string) error { return chmodAll(dir, 0o500, "lock") },
		"folder not readable": func(dir string) error { return os.Chmod(dir, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filled(t, 3)
			if err := spoil(dir); err != nil {
				t.Fatal(err)
			}
			defer os.Chmod(dir, 0o700)
			s, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir})
			if err == nil {
				s.Close()
				t.Fatal("it was opened")
			}
			if !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "permission denied") {
				t.Errorf("Open says %v", err)
			}
		})
	}
	above := t.TempDir()
	if err := os.Chmod(above, 0o500); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(t.Context(), sqlite.Config{Dir: filepath.Join(above, "new")}); err == nil || !strings.Contains(err.Error(), "right to write") {
		t.Errorf("Open in a folder that is not writable says %v", err)
	}
}

// chmodAll takes away the right to write to a folder and a file in it.
func chmodAll(dir string, mode os.FileMode, file string) error {
	if err := os.Chmod(filepath.Join(dir, file), 0o400); err != nil {
		return err
	}
	return os.Chmod(dir, mode)
}
