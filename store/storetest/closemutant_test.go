package storetest_test

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/talix-dev/talix/store"
)

// named is a store with another identity or number of partitions.
type named struct {
	store.Store
	identity   func() store.ID
	partitions func() int
}

func (n named) Identity() store.ID {
	if n.identity == nil {
		return n.Store.Identity()
	}
	return n.identity()
}

func (n named) Partitions() int {
	if n.partitions == nil {
		return n.Store.Partitions()
	}
	return n.partitions()
}

// closing is a store with another Close.
type closing struct {
	store.Store
	close func(s store.Store) error
}

func (c closing) Close() error { return c.close(c.Store) }

func closeMutants() []mutant {
	return []mutant{
		{"all have one identity", func(s store.Store) store.Store {
			return named{Store: s, identity: func() store.ID { return store.ID{1} }}
		}, []string{"IdentityNamesTheStore"}},
		{"no identity", func(s store.Store) store.Store {
			return named{Store: s, identity: func() store.ID { return store.ID{} }}
		}, []string{"IdentityNamesTheStore"}},
		{"fewer partitions", func(s store.Store) store.Store {
			return named{Store: s, partitions: func() int { return 3 }}
		}, []string{"PartitionsAreFixed"}},
		{"close does nothing", func(s store.Store) store.Store {
			return closing{s, func(store.Store) error { return nil }}
		}, []string{"ClosedStoreSaysSo"}},
		{"close does not wait", hasty, []string{"CloseWaitsForCalls"}},
	}
}

// hasty leaves calls under way alone when it is closed.
func hasty(s store.Store) store.Store {
	var closed atomic.Bool
	commit := withCommit(func(ctx context.Context, s store.Store, p store.Partition, batches []store.Batch) []store.Outcome {
		out := s.Commit(ctx, p, batches)
		for i := range out {
			if closed.Load() {
				out[i] = store.Outcome{Status: store.Unknown, Err: errors.New("cut off")}
			}
		}
		return out
	})
	return closing{commit(s), func(s store.Store) error { closed.Store(true); return s.Close() }}
}
