package store

import "errors"

// Errors that callers tell apart. Drivers wrap them with what they know.
var (
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("the store is closed")
	// ErrLocked: another process owns the store; the error names it.
	ErrLocked = errors.New("the store is in use by another process")
	// ErrCorrupt: what was read is damaged; nothing was changed.
	ErrCorrupt = errors.New("the store is damaged")
	// ErrForeign: the file or database is not one of talix, or of a newer
	// release; nothing was changed.
	ErrForeign = errors.New("this is not a talix store that this release can open")
	// ErrMissing: there is no store where one was to be, and none was made.
	ErrMissing = errors.New("there is no talix store here")
	// ErrFenced: another node has claimed the partition since this Store did,
	// or it was released; see Leases.
	ErrFenced = errors.New("another node has claimed the partition")
)
