package sqlite_test

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/talix-dev/talix/store/sqlite"
)

// TestLockThatIsInherited: a folder is free once its store is closed, although a
// child process that is just being started still has all files of its parent.
func TestLockThatIsInherited(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, sqlite.Config{Dir: dir})
	inherited, err := syscall.Dup(descriptor(t, filepath.Join(dir, "lock")))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Close(inherited) }()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, sqlite.Config{Dir: dir})
}

// descriptor finds the one by which this process has a file open.
func descriptor(t *testing.T, path string) (fd int) {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range all {
		if at, err := os.Readlink("/proc/self/fd/" + entry.Name()); err == nil && at == path {
			if _, err := fmt.Sscan(entry.Name(), &fd); err != nil {
				t.Fatal(err)
			}
			return fd
		}
	}
	t.Fatalf("%s is not open", path)
	return 0
}
