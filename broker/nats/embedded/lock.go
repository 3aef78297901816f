package embedded

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
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
func lockDir(dir string) (*lock, error) {
	path := filepath.Join(dir, "talix.lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock file: %w (the folder must be writable)", err)
	}
	if err := take(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &lock{f}, nil
}

func take(f *os.File) error {
	switch err := lockFile(f); {
	case errors.Is(err, errHeld):
		return fmt.Errorf("another process has it: %s; stop that process or use another folder", owner(f))
	case err != nil:
		return fmt.Errorf("lock %s: %w (the folder must be on a local file system)", f.Name(), err)
	}
	if err := sign(f); err != nil {
		return fmt.Errorf("write lock file: %w", err)
	}
	return nil
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
