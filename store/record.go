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
	// and space. Both are not empty, Space has at most 64 bytes and Key 1,024.
	Space, Key string
	// Rev is made anew by whoever writes the record, each time, so that who
	// changes it can tell that it is still the one that was read.
	Rev ID
	// Due is when the record is to be found by Due; zero: never. Microseconds
	// survive the store.
	Due  time.Time
	Data []byte // kept byte for byte; must not be changed once committed
}

// Change puts or deletes records, as part of a Batch. A batch names a record
// once at most.
type Change struct {
	Record
	Op Op
	// From is the revision that the record must have, zero that it must not
	// exist; the batch is a Conflict otherwise. Only Put and Delete look at it,
	// and only unless Blind.
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
	// DeleteUnder removes all records of the Space whose key begins with Key,
	// if there are any.
	DeleteUnder
)

// Keeper is a Store that keeps records: what actions need that are retried,
// have steps, timers or a schedule.
type Keeper interface {
	// Record is the record of that name; false if there is none.
	Record(ctx context.Context, p Partition, space, key string) (Record, bool, error)

	// Records are up to max records of a space whose key begins with prefix
	// and is above after, in the order of their keys' bytes. Fewer than max
	// means that there are no more.
	Records(ctx context.Context, p Partition, space, prefix, after string, max int) ([]Record, error)

	// Due are up to max records of a space whose Due is set and not later than
	// until (a zero until sets no bound), in the order of Due and then Key,
	// beginning above that of after: its Due and Key are looked at, and a zero
	// Record is below all. Fewer than max means that there are no more.
	Due(ctx context.Context, p Partition, space string, after Record, until time.Time, max int) ([]Record, error)
}
