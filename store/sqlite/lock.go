package sqlite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/talix-dev/talix/store"
)

// errHeld: another process, or another Open in this one, holds the lock.
var errHeld = errors.New("held")

// lock is a folder taken.
type lock struct{ file *os.File }

// Close gives the folder free at once, although a child process that is being
// started may have the file open a moment longer.
func (l *lock) Close() error {
	unlockFile(l.file)
	return l.file.Close()
}

// lockDir takes the folder for this process until the lock is closed. The
// operating system releases the lock when the process ends, however it ends.
func lockDir(dir, name string) (*lock, error) {
	path := filepath.Join(dir, name)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open lock file: %w (the folder must be writable)", err)
	}
	if err := lockFile(f); err != nil {
		defer f.Close()
		if errors.Is(err, errHeld) {
			return nil, fmt.Errorf("open folder %s: %w: %s; stop that process or use another folder", dir, store.ErrLocked, owner(f))
		}
		return nil, fmt.Errorf("lock %s: %w (the folder must be on a local file system)", path, err)
	}
	if err := sign(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("write lock file: %w", err)
	}
	return &lock{f}, nil
}

func sign(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := fmt.Fprintf(f, "pid %d, since %s\n", os.Getpid(), time.Now().UTC().Format(time.RFC3339))
	return err
}

func owner(f *os.File) string {
	b := make([]byte, 128)
	n, _ := f.ReadAt(b, 0)
	if text := strings.TrimSpace(string(b[:n])); text != "" {
		return text
	}
	return "its pid is not known"
}
