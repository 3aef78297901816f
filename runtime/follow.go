package runtime

import (
	"context"
	"iter"
	"slices"
	"sync"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/store"
)

// Follow yields the events that come after a position of each partition, as
// Head tells them, and goes on with new ones as they become durable, until ctx
// ends. The events of one partition come in order and each once; those of
// several come as they are found. On a cluster, what other nodes commit is seen
// within about half a second. An error is the last that is yielded.
//
// Positions that the log does not have are an ErrInvalid: they are of another
// store.
func (l Log) Follow(ctx context.Context, after []int64) (iter.Seq2[Logged, error], error) {
	if err := l.checkPositions(ctx, after); err != nil {
		return nil, err
	}
	after = slices.Clone(after)
	return func(yield func(Logged, error) bool) {
		var all sync.WaitGroup
		defer all.Wait()
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		found := make(chan followed)
		for p := range after {
			all.Go(func() { l.follow(ctx, store.Partition(p), store.Position(after[p]), found) })
		}
		if l.r.shared() {
			all.Go(func() { l.refresh(ctx) })
		}
		for {
			select {
			case f := <-found:
				if !f.yield(yield) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}, nil
}

// followed is what was found in one partition.
type followed struct {
	events []*store.Event
	err    error
}

func (f *followed) yield(yield func(Logged, error) bool) bool {
	for _, e := range f.events {
		if !yield(loggedOf(e), nil) {
			return false
		}
	}
	if f.err != nil {
		yield(Logged{}, f.err)
	}
	return f.err == nil
}

// follow reads one partition until ctx ends.
func (l Log) follow(ctx context.Context, p store.Partition, after store.Position, found chan<- followed) {
	for {
		events, err := l.r.tail.Read(ctx, p, after, pageOfLog)
		if ctx.Err() != nil {
			return
		}
		f := followed{events: events}
		if err != nil {
			f.err = l.fault(err)
		}
		select {
		case found <- f:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
		after = events[len(events)-1].Position
	}
}

// refresh looks for what other nodes have committed.
func (l Log) refresh(ctx context.Context) {
	for rest(ctx, freshenEvery) {
		for p := range l.r.tail.Partitions() {
			if p := store.Partition(p); !l.r.node.Owns(p) {
				_ = l.r.tail.Refresh(ctx, p) // it is asked again soon
			}
		}
	}
}

func (l Log) checkPositions(ctx context.Context, after []int64) error {
	if len(after) != l.r.tail.Partitions() {
		return talix.Invalid("after", "has %d positions, but the store has %d partitions", len(after), l.r.tail.Partitions())
	}
	for p, position := range after {
		if position > int64(l.r.tail.Head(store.Partition(p))) {
			if err := l.r.tail.Refresh(ctx, store.Partition(p)); err != nil {
				return l.fault(err)
			}
		}
		if head := int64(l.r.tail.Head(store.Partition(p))); position < 0 || position > head {
			return talix.Invalid("after", "is no position of this store's partition %d: its log ends at %d, not %d", p, head, position)
		}
	}
	return nil
}
