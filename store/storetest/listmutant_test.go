package storetest_test

import (
	"context"
	"slices"
	"time"

	"github.com/talix-dev/talix/store"
)

// listing is a store that lists in another way; nil is its own.
type listing struct {
	store.Store
	store.Keeper
	store.Lister
	results func(got []store.KeptResult, err error) ([]store.KeptResult, error)
	marks   func(got []store.KeptMark, err error) ([]store.KeptMark, error)
	spaces  func(got []string, err error) ([]string, error)
}

func (l listing) Results(ctx context.Context, after store.KeptResult, max int) ([]store.KeptResult, error) {
	got, err := l.Lister.Results(ctx, after, max)
	if l.results == nil {
		return got, err
	}
	return l.results(got, err)
}

func (l listing) Marks(ctx context.Context, p store.Partition, after string, max int) ([]store.KeptMark, error) {
	got, err := l.Lister.Marks(ctx, p, after, max)
	if l.marks == nil {
		return got, err
	}
	return l.marks(got, err)
}

func (l listing) Spaces(ctx context.Context, p store.Partition) ([]string, error) {
	got, err := l.Lister.Spaces(ctx, p)
	if l.spaces == nil {
		return got, err
	}
	return l.spaces(got, err)
}

func list(change func(l *listing)) func(store.Store) store.Store {
	return func(s store.Store) store.Store {
		l := listing{Store: s, Keeper: s.(store.Keeper), Lister: s.(store.Lister)}
		change(&l)
		return l
	}
}

func listMutants() []mutant {
	return []mutant{
		{"listed results lose their times", list(func(l *listing) {
			l.results = func(got []store.KeptResult, err error) ([]store.KeptResult, error) {
				for i := range got {
					got[i].Time = time.Time{}
				}
				return got, err
			}
		}), []string{"ResultsAreListed"}},
		{"pages of results are not in order", list(func(l *listing) {
			l.results = func(got []store.KeptResult, err error) ([]store.KeptResult, error) {
				slices.Reverse(got)
				return got, err
			}
		}), []string{"ResultsAreListed"}},
		{"trimmed results are listed", list(func(l *listing) { l.Store = untrimming{l.Store} }), []string{"TrimmedResultsAreNotListed"}},
		{"the last mark is missing", list(func(l *listing) {
			l.marks = func(got []store.KeptMark, err error) ([]store.KeptMark, error) { return got[:len(got)/2], err }
		}), []string{"MarksAreListed"}},
		{"spaces are listed twice", list(func(l *listing) {
			l.spaces = func(got []string, err error) ([]string, error) { return append(got, got...), err }
		}), []string{"SpacesAreListed"}},
		{"a closed store lists", list(func(l *listing) {
			l.marks = func(got []store.KeptMark, _ error) ([]store.KeptMark, error) { return got, nil }
		}), []string{"ListsOfClosedStore"}},
	}
}

// untrimming says that it trims, and does not.
type untrimming struct{ store.Store }

func (untrimming) Trim(_ context.Context, _ time.Time, max int) (int, error) { return max, nil }
