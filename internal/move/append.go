package move

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync/atomic"
	"time"

	"github.com/talix-dev/talix/store"
)

// appender appends events that came to be elsewhere. What the store has
// already is compared, so that the same events may be appended again.
type appender struct {
	store store.Store
}

// put appends events in their order, and returns how many were new.
func (a appender) put(ctx context.Context, events []store.Event) (int, error) {
	byPartition := map[store.Partition][]store.Batch{}
	for i := range events {
		p := store.PartitionOf(events[i].Stream, a.store.Partitions())
		byPartition[p] = extend(byPartition[p], events[i])
	}
	var added atomic.Int64
	err := some(ctx, maps.Keys(byPartition), func(ctx context.Context, p store.Partition) error {
		n, err := a.append(ctx, p, byPartition[p])
		added.Add(int64(n))
		return err
	})
	return int(added.Load()), err
}

// maxRun bounds the events of one batch.
const maxRun = 512

// extend adds an event to the last batch if it follows there, or begins
// another one.
func extend(batches []store.Batch, e store.Event) []store.Batch {
	e.Partition, e.Position = 0, 0
	if n := len(batches); n > 0 {
		last := &batches[n-1].Appends[0]
		if last.Stream == e.Stream && len(last.Events) < maxRun && e.Version == last.Expect+store.Version(len(last.Events))+1 {
			last.Events = append(last.Events, e)
			return batches
		}
	}
	return append(batches, store.Batch{Appends: []store.Append{{Stream: e.Stream, Expect: e.Version - 1, Events: []store.Event{e}}}})
}

func (a appender) append(ctx context.Context, p store.Partition, batches []store.Batch) (added int, err error) {
	err = commit(ctx, a.store, p, batches, func(b *store.Batch, o store.Outcome) (err error) {
		n := len(b.Appends[0].Events)
		if o.Status == store.Conflict {
			n, err = a.settle(ctx, p, b.Appends[0])
		}
		added += n
		return err
	})
	return added, err
}

// settle compares what the store has in the place of an append, and appends the
// rest.
func (a appender) settle(ctx context.Context, p store.Partition, want store.Append) (int, error) {
	n := 0
	for have, err := range a.store.Load(ctx, want.Stream, want.Expect) {
		if err != nil {
			return 0, err
		}
		if n == len(want.Events) {
			break
		}
		if what := differ(&have, &want.Events[n]); what != "" {
			return 0, &Difference{want.Stream, want.Events[n].Version, what}
		}
		n++
	}
	rest := store.Append{Stream: want.Stream, Expect: want.Expect + store.Version(n), Events: want.Events[n:]}
	if len(rest.Events) == 0 {
		return 0, nil
	}
	err := commit(ctx, a.store, p, []store.Batch{{Appends: []store.Append{rest}}}, func(_ *store.Batch, o store.Outcome) error {
		if o.Status == store.Conflict {
			return a.gap(ctx, rest)
		}
		return nil
	})
	return len(rest.Events), err
}

// gap says why events cannot be appended.
func (a appender) gap(ctx context.Context, rest store.Append) error {
	version := store.Version(0)
	for e, err := range a.store.Load(ctx, rest.Stream, 0) {
		if err != nil {
			return err
		}
		version = e.Version
	}
	if version < rest.Expect {
		return fmt.Errorf("append to %s: the store has %d of its events, and version %d was to follow: bring the ones between first", rest.Stream, version, rest.Expect+1)
	}
	return fmt.Errorf("append to %s: someone else writes to it: stop the program that works on the store", rest.Stream)
}

// How often and how long a store that fails is tried.
const (
	attempts  = 8
	firstWait = 50 * time.Millisecond
	mostWait  = 4 * time.Second
)

// commit commits batches, and tells of each that is Durable, a Conflict or a
// Duplicate, in order. Where the store fails, they are tried again; so each
// must be one that may be committed twice.
func commit(ctx context.Context, s store.Store, p store.Partition, batches []store.Batch, each func(*store.Batch, store.Outcome) error) error {
	for attempt := 0; len(batches) > 0; attempt++ {
		outcomes := s.Commit(ctx, p, batches)
		left, cause, err := settled(batches, outcomes, each)
		if err != nil {
			return err
		}
		if cause == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if attempt == attempts || errors.Is(cause, store.ErrClosed) {
			return fmt.Errorf("write to partition %d: %w", p, cause)
		}
		if err := wait(ctx, min(mostWait, firstWait<<attempt)); err != nil {
			return err
		}
		batches = left
	}
	return nil
}

// settled tells of the batches whose end is certain, and returns those from the
// first on whose end is not, with the cause.
func settled(batches []store.Batch, outcomes []store.Outcome, each func(*store.Batch, store.Outcome) error) ([]store.Batch, error, error) {
	for i, o := range outcomes {
		if o.Status == store.Unknown || o.Status == store.Failed {
			return batches[i:], fmt.Errorf("%s: %w", o.Status, o.Err), nil
		}
		if err := each(&batches[i], o); err != nil {
			return nil, nil, err
		}
	}
	return nil, nil, nil
}
