package store

import (
	"context"
	"time"
)

// Record is a piece of durable state that the runtime keeps beside the log and
// changes as it goes: work that is to be done at a time, a step's result, a
// signal. It belongs to a partition, as events do.
type Record struct {
	// Space is what kind of record it is; Key names it within its partition
	// and space. Both are not empty and are compared byte by byte; Space has at
	// most MaxSpace bytes and Key MaxKey.
	Space, Key string
	// Rev is made anew by whoever writes the record, each time, so that who
	// changes it can tell that it is still the one that was read, and whoever
	// does not know what became of a batch that it is stored. Never zero.
	Rev ID
	// Due is when the record is to be found by Due; zero: never. Microseconds
	// survive the store, finer times are cut.
	Due time.Time
	// Data is kept byte for byte; nil may come back as empty. It must not be
	// changed once committed, nor by who reads it.
	Data []byte
}

// Change puts or deletes records, as part of a Batch. A batch names a record
// once at most, where a DeleteUnder names all that it could delete; see
// CheckChanges.
type Change struct {
	Record
	Op Op
	// From is the revision that the record must have, zero that it must not
	// exist; the batch is a Conflict otherwise. Only Put and Delete look at it.
	// A Blind change compares nothing, and leaves From zero.
	From  ID
	Blind bool
}

// Op is what a Change does.
type Op uint8

// The operations.
const (
	// Put writes the record, whole.
	Put Op = iota
	// Delete removes the record of that Space and Key. Blind, it may be gone
	// already.
	Delete
	// DeleteUnder removes all records of the Space whose key begins with the
	// bytes of Key, if there are any. Key is not empty.
	DeleteUnder
)

// Keeper is a Store that keeps records: what actions need that are retried,
// have steps, timers or a schedule. What was Durable is read at once. A max
// below one is an error.
type Keeper interface {
	// Record is the record of that name; false if there is none.
	Record(ctx context.Context, p Partition, space, key string) (Record, bool, error)

	// Records are up to max records of a space whose key begins with prefix
	// and is above after, in the order of their keys' bytes. An empty prefix is
	// every key's. Fewer than max means that there are no more.
	Records(ctx context.Context, p Partition, space, prefix, after string, max int) ([]Record, error)

	// Due are up to max records of a space whose Due is set and not later than
	// until (a zero until sets no bound), in the order of Due and then Key,
	// beginning above that of after: its Due and Key are looked at, and a zero
	// Record is below all. Fewer than max means that there are no more.
	Due(ctx context.Context, p Partition, space string, after Record, until time.Time, max int) ([]Record, error)
}
