// Package dir keeps files in a folder: the key is the path below it.
package dir

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"sync"
	"syscall"

	"github.com/talix-dev/talix/blob"
)

var _ blob.Storage = (*Storage)(nil)

// Storage keeps each file under its key in a folder. A file that Put has
// answered for is on the disk: the file and the folders above it are synced.
// One key cannot be a file and a folder of other keys at once ("a" and "a/b").
//
// Its methods may be called from many goroutines. One process at a time may
// write to a folder, since the first use removes what a killed Put left over.
type Storage struct {
	folder string

	mu   sync.Mutex
	root *os.Root
}

// New makes a storage in a folder. The folder is made at the first use; that
// it can't be made is that call's error.
func New(folder string) *Storage {
	return &Storage{folder: folder}
}

// Close releases the folder. A later call opens it again.
func (s *Storage) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.root == nil {
		return nil
	}
	err := s.root.Close()
	s.root = nil
	return err
}

// Open reads the file under key. A file that is replaced or deleted meanwhile
// is read to its end as it was.
func (s *Storage) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	root, err := s.use(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("open %q: %w", key, err)
	}
	f, err := openRegular(root, key)
	if err != nil {
		return nil, fmt.Errorf("open %q: %w", key, err)
	}
	return f, nil
}

// Delete removes the file under key; that it is not there is no error.
// Folders that become empty stay.
func (s *Storage) Delete(ctx context.Context, key string) error {
	root, err := s.use(ctx, key)
	if err != nil {
		return fmt.Errorf("delete %q: %w", key, err)
	}
	if err := remove(root, key); err != nil {
		return fmt.Errorf("delete %q: %w", key, err)
	}
	return nil
}

func remove(root *os.Root, key string) error {
	info, err := root.Lstat(key)
	if isAbsent(err) || err == nil && info.IsDir() {
		return nil
	}
	if err != nil {
		return err
	}
	if err := root.Remove(key); err != nil && !isAbsent(err) {
		return err
	}
	return syncFolder(root, path.Dir(key))
}

// use checks the call and answers with the opened folder.
func (s *Storage) use(ctx context.Context, key string) (*os.Root, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.root != nil {
		return s.root, nil
	}
	root, err := openFolder(s.folder)
	if err != nil {
		return nil, err
	}
	s.root = root
	return root, nil
}

// openRegular opens a file; a folder is no file under that key.
func openRegular(root *os.Root, key string) (*os.File, error) {
	f, err := root.OpenFile(key, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if isAbsent(err) {
		return nil, blob.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = blob.ErrNotFound
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// isAbsent also says yes where an element above the key is a file.
func isAbsent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}
