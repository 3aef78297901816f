package storetest_test

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/talix-dev/talix/store"
)

// remembering is a store with a wrong memory for results.
type remembering struct {
	store.Store
	result func(s store.Store, p store.Partition, key store.ID) ([]byte, bool, error)
}

func (r remembering) Result(_ context.Context, p store.Partition, key store.ID) ([]byte, bool, error) {
	return r.result(r.Store, p, key)
}

// trimming is a store with another Trim.
type trimming struct {
	store.Store
	trim func(s store.Store, before time.Time, max int) (int, error)
}

func (t trimming) Trim(_ context.Context, before time.Time, max int) (int, error) {
	return t.trim(t.Store, before, max)
}

func withTrim(f func(s store.Store, before time.Time, max int) (int, error)) func(store.Store) store.Store {
	return func(s store.Store) store.Store { return trimming{s, f} }
}

func keyMutants() []mutant {
	return []mutant{
		{"no dedup", changing(noDedup), []string{
			"RepeatIsDuplicate", "DuplicateWritesNothing", "KeyWithoutEvents", "SharedKeyIsStoredOnce",
			"BigResult", "RandomCallsMatchTheModel",
		}},
		{"a fresh repeat is a conflict", judging(func(b store.Batch, o *store.Outcome) {
			if b.Fresh && o.Status == store.Duplicate {
				*o = store.Outcome{Status: store.Conflict}
			}
		}), []string{"FreshRepeatIsDuplicate", "FreshRepeatInOneCall"}},
		{"a fresh conflict is a repeat", judging(func(b store.Batch, o *store.Outcome) {
			if b.Fresh && o.Status == store.Conflict {
				*o = store.Outcome{Status: store.Duplicate, Result: b.Result}
			}
		}), []string{"FreshConflict"}},
		{"no dedup in one call", withCommit(noDedupInCall), []string{"RepeatInOneCall", "RandomCallsMatchTheModel"}},
		{"versions before keys", changing(versionsFirst), []string{
			"DuplicateWinsOverConflict", "CascadeAfterDuplicate", "RandomCallsMatchTheModel",
		}},
		{"a repeat gets its own result", judging(func(b store.Batch, o *store.Outcome) {
			if o.Status == store.Duplicate {
				o.Result = b.Result
			}
		}), []string{"RepeatIsDuplicate", "RepeatInOneCall", "KeyWithEmptyResult", "BigResult"}},
		{"keys of conflicts are kept", withCommit(keepKeys), []string{"KeyOfConflictIsFree", "CascadeSparesKeys"}},
		{"results are not found", func(s store.Store) store.Store {
			return remembering{s, func(store.Store, store.Partition, store.ID) ([]byte, bool, error) { return nil, false, nil }}
		}, []string{"KeyKeepsResult", "KeyWithEmptyResult", "CallersMayReuseSlices", "EmptyBatches", "CancelDuringCommits"}},
		{"zero is a key", changing(func(_ store.Store, _ store.Partition, b *store.Batch) {
			if b.Key.IsZero() {
				b.Key = store.ID{15: 1}
			}
		}), []string{"ZeroKeyIsNoKey", "WrongVersionIsConflict"}},
		{"keys of all partitions are one", withCommit(globalKeys), []string{"KeysArePerPartition"}},
		{"results are shared with callers", sharedResults, []string{"CallersMayReuseSlices"}},
		{"trim forgets all", withTrim(func(s store.Store, _ time.Time, max int) (int, error) {
			return s.Trim(context.Background(), time.Now().Add(1e6*time.Hour), max)
		}), []string{"TrimForgetsByAge", "TrimIsExactToTheMicrosecond", "RandomCallsMatchTheModel"}},
		{"trim takes too much", withTrim(func(s store.Store, before time.Time, _ int) (int, error) {
			return s.Trim(context.Background(), before, 1<<30)
		}), []string{"TrimForgetsInPortions"}},
		{"trim with the boundary", withTrim(func(s store.Store, before time.Time, max int) (int, error) {
			return s.Trim(context.Background(), before.Add(time.Microsecond), max)
		}), []string{"TrimIsExactToTheMicrosecond", "TrimForgetsByAge"}},
		{"trim by milliseconds", withTrim(func(s store.Store, before time.Time, max int) (int, error) {
			return s.Trim(context.Background(), before.Truncate(time.Millisecond), max)
		}), []string{"TrimIsExactToTheMicrosecond"}},
		{"trimmed keys still count", func(s store.Store) store.Store {
			return trimming{s, func(s store.Store, before time.Time, max int) (int, error) { return 1, nil }}
		}, []string{"TrimmedKeyIsFree"}},
		{"trim forgets marks", trimMarks, []string{"TrimLeavesEvents"}},
	}
}

func known(s store.Store, p store.Partition, key store.ID) bool {
	_, ok, _ := s.Result(context.Background(), p, key)
	return ok
}

func noDedup(s store.Store, p store.Partition, b *store.Batch) {
	if known(s, p, b.Key) {
		b.Key = store.ID{}
	}
}

func noDedupInCall(ctx context.Context, s store.Store, p store.Partition, batches []store.Batch) []store.Outcome {
	seen := map[store.ID]bool{}
	batches = slices.Clone(batches)
	for i := range batches {
		if key := batches[i].Key; seen[key] && !known(s, p, key) {
			batches[i].Key = store.ID{}
		}
		seen[batches[i].Key] = true
	}
	return s.Commit(ctx, p, batches)
}

func versionsFirst(s store.Store, _ store.Partition, b *store.Batch) {
	for _, a := range b.Appends {
		if a.Expect != version(s, a.Stream) {
			b.Key = store.ID{}
		}
	}
}

func keepKeys(ctx context.Context, s store.Store, p store.Partition, batches []store.Batch) []store.Outcome {
	var out []store.Outcome
	for i, b := range batches {
		out = append(out, s.Commit(ctx, p, batches[i:i+1])...)
		if out[i].Status == store.Conflict {
			s.Commit(ctx, p, []store.Batch{{Key: b.Key, Result: b.Result}})
		}
	}
	return out
}

func globalKeys(ctx context.Context, s store.Store, p store.Partition, batches []store.Batch) []store.Outcome {
	for _, b := range batches {
		for other := range store.Partition(s.Partitions()) {
			if other != p && known(s, other, b.Key) {
				return []store.Outcome{{Status: store.Duplicate}}
			}
		}
	}
	return s.Commit(ctx, p, batches)
}

// sharedResults keeps the slices that it was given.
func sharedResults(s store.Store) store.Store {
	var mu sync.Mutex
	kept := map[store.ID][]byte{}
	return remembering{
		changing(func(_ store.Store, _ store.Partition, b *store.Batch) {
			mu.Lock()
			defer mu.Unlock()
			kept[b.Key] = b.Result
		})(s),
		func(_ store.Store, _ store.Partition, key store.ID) ([]byte, bool, error) {
			mu.Lock()
			defer mu.Unlock()
			return kept[key], kept[key] != nil, nil
		},
	}
}

func trimMarks(s store.Store) store.Store {
	return trimming{s, func(s store.Store, before time.Time, max int) (int, error) {
		for p := range store.Partition(s.Partitions()) {
			at, _, _ := s.Mark(context.Background(), "view", p)
			s.Commit(context.Background(), p, []store.Batch{{Marks: []store.Mark{{Consumer: "view", From: at, To: 1}}}})
		}
		return s.Trim(context.Background(), before, max)
	}}
}
