// Package blob is the port for files: opaque bytes under a key, which actions
// put and get through talix.Get.
package blob

import (
	"context"
	"errors"
	"io"
)

// ErrNotFound: no file is stored under that key.
var ErrNotFound = errors.New("no file is stored under this key")

// Storage keeps files. Its methods may be called from many goroutines at once.
type Storage interface {
	// Put stores all of r under key and returns its size. Nothing is stored
	// when it fails, and a file is never seen in part. A file under the same
	// key is replaced. Keys are paths of letters, digits and "-_.", separated
	// by slashes; "." and ".." are no elements.
	Put(ctx context.Context, key string, r io.Reader) (int64, error)
	// Open reads the file under key, or fails with ErrNotFound.
	Open(ctx context.Context, key string) (io.ReadCloser, error)
	// Delete removes the file under key; that it is not there is no error.
	Delete(ctx context.Context, key string) error
}
