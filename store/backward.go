package store

import (
	"context"
	"iter"
	"slices"
)

// Backward is a Store that reads streams from their end, so that the newest
// events of a long one are found without reading all of it.
type Backward interface {
	// LoadBack yields the events of one stream with a version below before, in
	// falling order of version, without gaps down to the first; a before of zero
	// or less is above all. The rest is as for Load.
	LoadBack(ctx context.Context, s Stream, before Version) iter.Seq2[Event, error]
}

// LoadBack is that of a store that is Backward. Of others it loads all events
// below before, and yields them in falling order.
func LoadBack(ctx context.Context, s Store, name Stream, before Version) iter.Seq2[Event, error] {
	if b, ok := s.(Backward); ok {
		return b.LoadBack(ctx, name, before)
	}
	return func(yield func(Event, error) bool) {
		var events []Event
		for e, err := range s.Load(ctx, name, 0) {
			if err != nil {
				yield(Event{}, err)
				return
			}
			if before > 0 && e.Version >= before {
				break
			}
			events = append(events, e)
		}
		for _, e := range slices.Backward(events) {
			if !yield(e, nil) {
				return
			}
		}
	}
}
