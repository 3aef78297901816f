package storetest_test

import (
	"context"
	"slices"

	"github.com/talix-dev/talix/store"
)

// spanFunc is a Span that has another one to lean on.
type spanFunc func(ctx context.Context, s store.Spanner, parts []store.Part) []store.Outcome

// spanning is a store with another Span.
type spanning struct {
	store.Store
	store.Keeper
	span spanFunc
}

func (s spanning) Span(ctx context.Context, parts []store.Part) []store.Outcome {
	return s.span(ctx, s.Store.(store.Spanner), parts)
}

func withSpan(f spanFunc) func(store.Store) store.Store {
	return func(s store.Store) store.Store { return spanning{s, s.(store.Keeper), f} }
}

// partByPart commits every part by itself.
func partByPart(ctx context.Context, s store.Spanner, parts []store.Part) []store.Outcome {
	var out []store.Outcome
	for i := range parts {
		out = append(out, s.(store.Store).Commit(ctx, parts[i].Partition, []store.Batch{parts[i].Batch})...)
	}
	return out
}

func spanMutants() []mutant {
	forgetting := func(f func(b *store.Batch)) func(store.Store) store.Store {
		return withSpan(func(ctx context.Context, s store.Spanner, parts []store.Part) []store.Outcome {
			parts = slices.Clone(parts)
			for i := range parts {
				f(&parts[i].Batch)
			}
			return s.Span(ctx, parts)
		})
	}
	return []mutant{
		{"parts are committed one by one", withSpan(partByPart), []string{
			"SpanIsAllOrNothing", "SpanComparesRecords", "SpanComparesMarks", "SpanMalformedIsRefused",
		}},
		{"conflicts of spans are acknowledged", withSpan(func(ctx context.Context, s store.Spanner, parts []store.Part) []store.Outcome {
			out := s.Span(ctx, parts)
			for i := range out {
				if out[i].Status == store.Conflict {
					out[i].Status = store.Durable
				}
			}
			return out
		}), []string{"SpansRaceCommits"}},
		{"first part alone", withSpan(func(ctx context.Context, s store.Spanner, parts []store.Part) []store.Outcome {
			return slices.Repeat(s.Span(ctx, parts[:1]), len(parts))
		}), []string{"SpanIsWrittenToAll"}},
		{"spans have no keys", forgetting(func(b *store.Batch) { b.Key, b.Fresh = store.ID{}, false }), []string{
			"SpanRepeatIsDuplicate", "SpanRepeatOfFreshIsDuplicate",
		}},
		{"spans are never cancelled", withSpan(func(ctx context.Context, s store.Spanner, parts []store.Part) []store.Outcome {
			return s.Span(context.WithoutCancel(ctx), parts)
		}), []string{"SpanCancelledFails"}},
	}
}
