package storetest_test

import (
	"context"
	"iter"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

// walking is a store that reads back and walks in another way; nil is its own.
type walking struct {
	*memory.Store
	back func(ctx context.Context, s *memory.Store, name store.Stream, before store.Version) loaded
	walk func(ctx context.Context, s *memory.Store, p store.Partition, w store.Walk) (store.Walked, error)
}

func (w walking) LoadBack(ctx context.Context, name store.Stream, before store.Version) iter.Seq2[store.Event, error] {
	if w.back == nil {
		return w.Store.LoadBack(ctx, name, before)
	}
	return w.back(ctx, w.Store, name, before)
}

func (w walking) Walk(ctx context.Context, p store.Partition, walk store.Walk) (store.Walked, error) {
	if w.walk == nil {
		return w.Store.Walk(ctx, p, walk)
	}
	return w.walk(ctx, w.Store, p, walk)
}

func withBack(f func(ctx context.Context, s *memory.Store, name store.Stream, before store.Version) loaded) func(store.Store) store.Store {
	return func(s store.Store) store.Store { return walking{Store: s.(*memory.Store), back: f} }
}

func withWalk(f func(ctx context.Context, s *memory.Store, p store.Partition, w store.Walk) (store.Walked, error)) func(store.Store) store.Store {
	return func(s store.Store) store.Store { return walking{Store: s.(*memory.Store), walk: f} }
}

func backMutants() []mutant {
	return []mutant{
		{"before is included", withBack(func(ctx context.Context, s *memory.Store, name store.Stream, before store.Version) loaded {
			return s.LoadBack(ctx, name, max(0, before)+min(1, max(0, before)))
		}), []string{"LoadBackIsLoadReversed"}},
		{"back is forward", withBack(func(ctx context.Context, s *memory.Store, name store.Stream, _ store.Version) loaded {
			return s.Load(ctx, name, 0)
		}), []string{"LoadBackIsLoadReversed", "LoadBackMayCommitOnTheWay"}},
		{"back of an unknown stream fails", withBack(func(ctx context.Context, s *memory.Store, name store.Stream, before store.Version) loaded {
			return func(yield func(store.Event, error) bool) {
				n := 0
				for e, err := range s.LoadBack(ctx, name, before) {
					if n++; !yield(e, err) {
						return
					}
				}
				if n == 0 {
					yield(store.Event{}, store.ErrCorrupt)
				}
			}
		}), []string{"LoadBackOfUnknownStream"}},
		{"back stops at 64", withBack(func(ctx context.Context, s *memory.Store, name store.Stream, before store.Version) loaded {
			return func(yield func(store.Event, error) bool) {
				n := 0
				for e, err := range s.LoadBack(ctx, name, before) {
					if n++; n > 64 || !yield(e, err) {
						return
					}
				}
			}
		}), []string{"LoadBackMayBeLeftEarly", "LoadBackMayCommitOnTheWay", "LoadBackIsLoadReversed"}},
		{"back forgets errors", withBack(func(ctx context.Context, s *memory.Store, name store.Stream, before store.Version) loaded {
			return func(yield func(store.Event, error) bool) {
				for e, err := range s.LoadBack(ctx, name, before) {
					if err != nil || !yield(e, nil) {
						return
					}
				}
			}
		}), []string{"LoadBackSaysWhyItEnds"}},
	}
}

// walked changes what a walk found.
func walked(change func(w store.Walk, got *store.Walked)) func(store.Store) store.Store {
	return withWalk(func(ctx context.Context, s *memory.Store, p store.Partition, w store.Walk) (store.Walked, error) {
		got, err := s.Walk(ctx, p, w)
		change(w, &got)
		return got, err
	})
}

func walkMutants() []mutant {
	return []mutant{
		{"walks go on at what was found", walked(func(_ store.Walk, got *store.Walked) {
			if n := len(got.Found); n > 0 && !got.Done {
				got.At = got.Found[n-1].Position - 1
			}
		}), []string{"WalksFindEveryStreamOnce"}},
		{"walks find the version of the event", walked(func(w store.Walk, got *store.Walked) {
			for i := range got.Found {
				if !w.Ends {
					got.Found[i].Version = 1
				}
			}
		}), []string{"WalksTellOfStreams", "WalksFindEveryStreamOnce"}},
		{"walks find all types", withWalk(func(ctx context.Context, s *memory.Store, p store.Partition, w store.Walk) (store.Walked, error) {
			w.Type = ""
			return s.Walk(ctx, p, w)
		}), []string{"WalksAreOfOneType"}},
		{"walks look at everything", withWalk(func(ctx context.Context, s *memory.Store, p store.Partition, w store.Walk) (store.Walked, error) {
			w.Scan = 1 << 20
			return s.Walk(ctx, p, w)
		}), []string{"WalksAreBounded"}},
		{"walks end at their bound", walked(func(_ store.Walk, got *store.Walked) { got.Done = true }),
			[]string{"WalksFindEveryStreamOnce", "WalksAreBounded"}},
		{"walks begin anew", withWalk(func(ctx context.Context, s *memory.Store, p store.Partition, w store.Walk) (store.Walked, error) {
			got, err := s.Walk(ctx, p, w)
			if got.Done {
				got.At = 0
			}
			return got, err
		}), []string{"WalksGoOn"}},
		{"walks of nothing go on", walked(func(_ store.Walk, got *store.Walked) { got.Done = got.Done && len(got.Found) > 0 }),
			[]string{"WalksOfEmptyPartitions"}},
		{"walks forget errors", withWalk(func(ctx context.Context, s *memory.Store, p store.Partition, w store.Walk) (store.Walked, error) {
			got, _ := s.Walk(ctx, p, w)
			return got, nil
		}), []string{"WalksOfClosedStore", "WalksAreBounded"}},
	}
}
