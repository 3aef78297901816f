package storetest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/talix-dev/talix/store"
)

// lossy is a store that changes events when they are read.
func lossy(f func(e *store.Event)) func(store.Store) store.Store {
	return func(s store.Store) store.Store {
		return reading{
			Store: s,
			load: func(ctx context.Context, s store.Store, name store.Stream, after store.Version) loaded {
				return func(yield func(store.Event, error) bool) {
					for e, err := range s.Load(ctx, name, after) {
						f(&e)
						if !yield(e, err) {
							return
						}
					}
				}
			},
			log: func(ctx context.Context, s store.Store, p store.Partition, after store.Position, max int) ([]store.Event, error) {
				events, err := s.Log(ctx, p, after, max)
				for i := range events {
					f(&events[i])
				}
				return events, err
			},
		}
	}
}

// folding is a store that keeps names of streams in a form of its own.
func folding(f func(string) string) func(store.Store) store.Store {
	return changing(func(_ store.Store, _ store.Partition, b *store.Batch) {
		for i := range b.Appends {
			a := &b.Appends[i]
			a.Stream.ID = f(a.Stream.ID)
			for j := range a.Events {
				a.Events[j].Stream.ID = a.Stream.ID
			}
		}
	})
}

func lossyMutants() []mutant {
	return []mutant{
		{"metadata is never nil", lossy(func(e *store.Event) { e.Metadata = append([]byte{}, e.Metadata...) }),
			[]string{"MetadataNilOrEmpty", "ZeroFieldsRoundTrip"}},
		{"empty metadata is nil", lossy(func(e *store.Event) {
			if string(e.Metadata) == "{}" {
				e.Metadata = nil
			}
		}), []string{"MetadataNilOrEmpty"}},
		{"what is missing is the last one's", changing(func(_ store.Store, _ store.Partition, b *store.Batch) {
			for i := range b.Appends {
				for j, events := 1, b.Appends[i].Events; j < len(events); j++ {
					if events[j].Metadata == nil {
						events[j].Metadata = events[j-1].Metadata
					}
				}
			}
		}), []string{"FieldsAreEachEventsOwn"}},
		{"data is compacted", lossy(compact), []string{"DataRoundTripsByteByByte"}},
		{"data ends at 64 KiB", lossy(func(e *store.Event) { e.Data = e.Data[:min(1<<16, len(e.Data))] }),
			[]string{"DataRoundTripsByteByByte", "BigEvents"}},
		{"times in milliseconds", lossy(func(e *store.Event) { e.Time = e.Time.Truncate(time.Millisecond) }),
			[]string{"TimesAreExactToTheMicrosecond", "FinerTimesAreCut", "EveryFieldRoundTrips"}},
		{"times in nanoseconds since 1970", lossy(func(e *store.Event) { e.Time = time.Unix(0, e.Time.UnixNano()).UTC() }),
			[]string{"TimesAreExactToTheMicrosecond", "ZeroFieldsRoundTrip"}},
		{"local times", lossy(func(e *store.Event) { e.Time = e.Time.In(time.FixedZone("there", 3600)) }),
			[]string{"TimesAreExactToTheMicrosecond", "FinerTimesAreCut"}},
		{"no causation", lossy(func(e *store.Event) { e.Causation = store.ID{} }), []string{"EveryFieldRoundTrips"}},
		{"no correlation", lossy(func(e *store.Event) { e.Correlation = e.Command }), []string{"EveryFieldRoundTrips"}},
		{"small schemas", lossy(func(e *store.Event) { e.Schema = int(int16(e.Schema)) }), []string{"EveryFieldRoundTrips"}},
		{"types are trimmed", lossy(func(e *store.Event) { e.Type = strings.TrimSpace(e.Type[:min(3, len(e.Type))]) }),
			[]string{"EveryFieldRoundTrips"}},
		{"names in lower case", folding(strings.ToLower), []string{"SimilarNamesAreApart"}},
		{"names without spaces", folding(strings.TrimSpace), []string{"OddNames", "SimilarNamesAreApart"}},
		{"names in UTF-8", folding(func(s string) string { return strings.ToValidUTF8(s, "?") }), []string{"OddNames"}},
		{"names end early", folding(func(s string) string { return s[:min(500, len(s))] }), []string{"OddNames", "SimilarNamesAreApart"}},
		{"events are shared with callers", sharedEvents, []string{"CallersMayReuseSlices"}},
	}
}

func compact(e *store.Event) {
	var b bytes.Buffer
	if json.Compact(&b, e.Data) == nil {
		e.Data = b.Bytes()
	}
}

// sharedEvents hands out the same page again.
func sharedEvents(s store.Store) store.Store {
	var kept []store.Event
	return withLog(func(ctx context.Context, s store.Store, p store.Partition, after store.Position, max int) ([]store.Event, error) {
		if after > 0 {
			return s.Log(ctx, p, after, max)
		}
		var err error
		if kept == nil {
			kept, err = s.Log(ctx, p, after, max)
		}
		return slices.Clip(kept), err
	})(s)
}
