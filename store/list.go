package store

import (
	"context"
	"time"
)

// Lister is a Store that lists what it keeps beside its events, so that all of
// it can be moved to another store. What is written meanwhile may be missed. A
// max below one is an error.
type Lister interface {
	// Results are up to max results of all partitions, in the order of their
	// keys' bytes and then of partitions, beginning above that of after: its Key
	// and Partition are looked at, and a zero KeptResult is below all. Fewer
	// than max means that there are no more. What fresh batches led to need not
	// be among them.
	Results(ctx context.Context, after KeptResult, max int) ([]KeptResult, error)

	// Marks are up to max marks of a partition, in an order of the store's own,
	// beginning after that of the consumer named after; an empty name is before
	// all. Fewer than max means that there are no more.
	Marks(ctx context.Context, p Partition, after string, max int) ([]KeptMark, error)

	// Spaces are the names of the spaces of which a partition has records, in
	// the order of their bytes; none if the Store is no Keeper.
	Spaces(ctx context.Context, p Partition) ([]string, error)
}

// KeptResult is a result as the store has it.
type KeptResult struct {
	Partition Partition
	Key       ID
	Result    []byte
	Time      time.Time // as in its Batch, in UTC, cut to microseconds
}

// KeptMark is where a consumer stands in a partition.
type KeptMark struct {
	Consumer string
	At       Position
}
