package storetest_test

import (
	"context"
	"iter"
	"slices"
	"sync/atomic"

	"github.com/talix-dev/talix/store"
)

// reading is a store with other readers; nil is the store's own.
type reading struct {
	store.Store
	load func(ctx context.Context, s store.Store, name store.Stream, after store.Version) iter.Seq2[store.Event, error]
	log  func(ctx context.Context, s store.Store, p store.Partition, after store.Position, max int) ([]store.Event, error)
	head func(ctx context.Context, s store.Store, p store.Partition) (store.Position, error)
	mark func(ctx context.Context, s store.Store, consumer string, p store.Partition) (store.Position, bool, error)
}

func (r reading) Load(ctx context.Context, name store.Stream, after store.Version) iter.Seq2[store.Event, error] {
	if r.load == nil {
		return r.Store.Load(ctx, name, after)
	}
	return r.load(ctx, r.Store, name, after)
}

func (r reading) Log(ctx context.Context, p store.Partition, after store.Position, max int) ([]store.Event, error) {
	if r.log == nil {
		return r.Store.Log(ctx, p, after, max)
	}
	return r.log(ctx, r.Store, p, after, max)
}

func (r reading) Head(ctx context.Context, p store.Partition) (store.Position, error) {
	if r.head == nil {
		return r.Store.Head(ctx, p)
	}
	return r.head(ctx, r.Store, p)
}

func (r reading) Mark(ctx context.Context, consumer string, p store.Partition) (store.Position, bool, error) {
	if r.mark == nil {
		return r.Store.Mark(ctx, consumer, p)
	}
	return r.mark(ctx, r.Store, consumer, p)
}

type loaded = iter.Seq2[store.Event, error]

func withLoad(f func(events loaded, after store.Version, yield func(store.Event, error) bool)) func(store.Store) store.Store {
	return func(s store.Store) store.Store {
		return reading{Store: s, load: func(ctx context.Context, s store.Store, name store.Stream, after store.Version) loaded {
			return func(yield func(store.Event, error) bool) { f(s.Load(ctx, name, after), after, yield) }
		}}
	}
}

func withLog(f func(ctx context.Context, s store.Store, p store.Partition, after store.Position, max int) ([]store.Event, error)) func(store.Store) store.Store {
	return func(s store.Store) store.Store { return reading{Store: s, log: f} }
}

func loadMutants() []mutant {
	return []mutant{
		{"load forgets after", func(s store.Store) store.Store {
			return reading{Store: s, load: func(ctx context.Context, s store.Store, name store.Stream, after store.Version) loaded {
				return s.Load(ctx, name, max(0, after-1))
			}}
		}, []string{"LoadStartsAfterVersion", "RandomCallsMatchTheModel"}},
		{"load of nothing is an error", withLoad(func(events loaded, after store.Version, yield func(store.Event, error) bool) {
			n := 0
			for e, err := range events {
				if n++; !yield(e, err) {
					return
				}
			}
			if n == 0 && after == 0 {
				yield(store.Event{}, store.ErrCorrupt)
			}
		}), []string{"LoadOfUnknownStream"}},
		{"load knows ids and not types", func(s store.Store) store.Store {
			return reading{Store: s, load: func(ctx context.Context, s store.Store, name store.Stream, after store.Version) loaded {
				if name.Type == "unknown" {
					name.Type = "thing"
				}
				return s.Load(ctx, name, after)
			}}
		}, []string{"LoadOfUnknownStream"}},
		{"load leaks", leaky, []string{"LoadMayBeLeftEarly"}},
		{"load stops at 299", withLoad(func(events loaded, _ store.Version, yield func(store.Event, error) bool) {
			n := 0
			for e, err := range events {
				if n++; n > 299 || !yield(e, err) {
					return
				}
			}
		}), []string{"LoadMayCommitOnTheWay", "CancelledReadsAreNotShort", "CloseDuringLoad", "ManyEventsInOneBatch"}},
		{"load is behind", withLoad(func(events loaded, _ store.Version, yield func(store.Event, error) bool) {
			next, stop := iter.Pull2(events)
			defer stop()
			for e, err, ok := next(); ok; {
				after, afterErr, more := next()
				if !more && err == nil || !yield(e, err) {
					return
				}
				e, err, ok = after, afterErr, more
			}
		}), []string{"LoadDuringCommits", "VersionsAreDense", "PartitionsAreApart"}},
	}
}

func logMutants() []mutant {
	return []mutant{
		{"log shows a gap", withLog(gapped()), []string{"FollowersMissNothing"}},
		{"log from the same position", withLog(func(ctx context.Context, s store.Store, p store.Partition, after store.Position, max int) ([]store.Event, error) {
			return s.Log(ctx, p, after-1, max)
		}), []string{"LogStartsAfterAnyPosition", "FollowersMissNothing", "LogComesInPages"}},
		{"log of too much", withLog(func(ctx context.Context, s store.Store, p store.Partition, after store.Position, max int) ([]store.Event, error) {
			return s.Log(ctx, p, after, max+1)
		}), []string{"LogComesInPages"}},
		{"log of another partition", withLog(func(ctx context.Context, s store.Store, p store.Partition, after store.Position, max int) ([]store.Event, error) {
			return s.Log(ctx, 0, after, max)
		}), []string{"PartitionsAreApart", "LogIsInOrderOfCommits"}},
		{"log forgets the errors of ctx", withLog(func(ctx context.Context, s store.Store, p store.Partition, after store.Position, max int) ([]store.Event, error) {
			events, _ := s.Log(ctx, p, after, max)
			return events, nil
		}), []string{"CancelledReadsAreNotShort", "ClosedStoreSaysSo", "UnknownPartitionsAreRefused"}},
		{"head is late", func(s store.Store) store.Store {
			return reading{Store: s, head: func(ctx context.Context, s store.Store, p store.Partition) (store.Position, error) {
				head, err := s.Head(ctx, p)
				return max(0, head-1), err
			}}
		}, []string{"HeadIsTheLastPosition", "EveryFieldRoundTrips"}},
		{"marks of all partitions are one", func(s store.Store) store.Store {
			return reading{Store: s, mark: func(ctx context.Context, s store.Store, consumer string, p store.Partition) (store.Position, bool, error) {
				return s.Mark(ctx, consumer, store.Partition(s.Partitions()-1))
			}}
		}, []string{"MarksArePerPartition"}},
		{"marks always say true", func(s store.Store) store.Store {
			return reading{Store: s, mark: func(ctx context.Context, s store.Store, consumer string, p store.Partition) (store.Position, bool, error) {
				at, _, err := s.Mark(ctx, consumer, p)
				return at, true, err
			}}
		}, []string{"MarkMoves"}},
	}
}

// leaky has no more than a hundred iterations that were left early.
func leaky(s store.Store) store.Store {
	var left atomic.Int64
	return withLoad(func(events loaded, _ store.Version, yield func(store.Event, error) bool) {
		if left.Load() > 100 {
			yield(store.Event{}, store.ErrLocked)
			return
		}
		for e, err := range events {
			if !yield(e, err) {
				left.Add(1)
				return
			}
		}
	})(s)
}

// gapped hides an event that is followed by others, once in a while.
func gapped() func(context.Context, store.Store, store.Partition, store.Position, int) ([]store.Event, error) {
	var calls atomic.Int64
	return func(ctx context.Context, s store.Store, p store.Partition, after store.Position, max int) ([]store.Event, error) {
		page, err := s.Log(ctx, p, after, max)
		if n := len(page); n > 2 && max < 1000 && calls.Add(1)%3 == 0 {
			page = slices.Delete(page, n-2, n-1)
		}
		return page, err
	}
}
