package dir

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"runtime"
	"strings"
)

// tempPrefix starts with what no key may have, so that no key names a file
// that is still being written.
const tempPrefix = "~put-"

// Put stores all of r under key: it writes beside, syncs, and renames.
func (s *Storage) Put(ctx context.Context, key string, r io.Reader) (int64, error) {
	root, err := s.use(ctx, key)
	if err != nil {
		return 0, fmt.Errorf("put %q: %w", key, err)
	}
	n, err := put(ctx, root, key, r)
	if err != nil {
		return 0, fmt.Errorf("put %q: %w", key, err)
	}
	return n, nil
}

func put(ctx context.Context, root *os.Root, key string, r io.Reader) (n int64, err error) {
	temp, placed := tempPrefix+rand.Text(), false
	defer func() { // deferred, because r may panic
		if !placed {
			err = errors.Join(err, discard(root, temp))
		}
	}()
	if n, err = write(root, temp, untilDone(ctx, r)); err != nil {
		return 0, err
	}
	if err := place(ctx, root, temp, key); err != nil {
		return 0, err
	}
	placed = true
	if err := syncFolder(root, path.Dir(key)); err != nil {
		return 0, err
	}
	return n, nil
}

func write(root *os.Root, name string, r io.Reader) (int64, error) {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(f, r)
	if err == nil {
		err = f.Sync()
	}
	return n, errors.Join(err, f.Close())
}

func place(ctx context.Context, root *os.Root, temp, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := makeFolders(root, path.Dir(key)); err != nil {
		return err
	}
	return root.Rename(temp, key)
}

func discard(root *os.Root, temp string) error {
	if err := root.Remove(temp); err != nil && !isAbsent(err) {
		return err
	}
	return nil
}

// makeFolders makes a folder and those above it. The parent of each is synced
// even where it was there: another Put may have made it and not synced yet.
func makeFolders(root *os.Root, folder string) error {
	if folder == "." {
		return nil
	}
	if err := root.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	for folder != "." {
		folder = path.Dir(folder)
		if err := syncFolder(root, folder); err != nil {
			return err
		}
	}
	return nil
}

func syncFolder(root *os.Root, folder string) error {
	if runtime.GOOS == "windows" { // it has no sync of folders
		return nil
	}
	f, err := root.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// openFolder makes the storage's folder and removes what a killed process
// left half written.
func openFolder(folder string) (*os.Root, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("make the storage's folder: %w", err)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	if err := sweep(root); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return root, nil
}

func sweep(root *os.Root) error {
	f, err := root.Open(".")
	if err != nil {
		return err
	}
	names, err := f.Readdirnames(-1)
	errs := []error{err, f.Close()}
	for _, name := range names {
		if strings.HasPrefix(name, tempPrefix) {
			errs = append(errs, discard(root, name))
		}
	}
	return errors.Join(errs...)
}

// untilDone reads r until ctx ends. It hides all else of r, so that io.Copy
// asks ctx before each piece.
func untilDone(ctx context.Context, r io.Reader) io.Reader {
	return readerFunc(func(p []byte) (int, error) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		return r.Read(p)
	})
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
