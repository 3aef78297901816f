package move

import (
	"context"
	"iter"
	"maps"
	"sync"

	"github.com/talix-dev/talix/store"
)

// atOnce bounds the partitions that are written to at the same time. A store may
// well write what comes for several of them by one commit.
const atOnce = 64

// some does something for partitions, several at a time, and ends with the first
// error.
func some(ctx context.Context, partitions iter.Seq[store.Partition], do func(context.Context, store.Partition) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var running sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for p := range partitions {
		slots <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		running.Go(func() {
			defer func() { <-slots }()
			if err := do(ctx, p); err != nil {
				cancel(err)
			}
		})
	}
	running.Wait()
	return context.Cause(ctx)
}

// between are the partitions from one on and before another one.
func between(first, end store.Partition) iter.Seq[store.Partition] {
	return func(yield func(store.Partition) bool) {
		for p := first; p < end && yield(p); p++ {
		}
	}
}

// cargo is what is to be brought to partitions, and is gathered so that much of
// it goes by each commit.
type cargo struct {
	batches map[store.Partition][]store.Batch
	pieces  int
	bytes   int
}

// Bounds of a cargo, and of one of its batches.
const (
	cargoPieces  = 8192
	cargoBytes   = 16 << 20
	batchChanges = 512
)

func (c *cargo) add(p store.Partition, b store.Batch) {
	if c.batches == nil {
		c.batches = map[store.Partition][]store.Batch{}
	}
	c.batches[p] = append(c.batches[p], b)
	c.pieces, c.bytes = c.pieces+1, c.bytes+len(b.Result)
}

// change adds a change of a record, which the cargo changes once at most.
func (c *cargo) change(p store.Partition, change store.Change) {
	if n := len(c.batches[p]); n == 0 || len(c.batches[p][n-1].Records) == batchChanges {
		c.add(p, store.Batch{})
		c.pieces--
	}
	last := &c.batches[p][len(c.batches[p])-1]
	last.Records = append(last.Records, change)
	c.pieces, c.bytes = c.pieces+1, c.bytes+len(change.Key)+len(change.Data)
}

func (c *cargo) full() bool { return c.pieces >= cargoPieces || c.bytes >= cargoBytes }

// unload commits a cargo; it is empty then.
func (c *cargo) unload(ctx context.Context, to store.Store, judge func(*store.Batch, store.Outcome) error) error {
	batches := c.batches
	*c = cargo{}
	return some(ctx, maps.Keys(batches), func(ctx context.Context, p store.Partition) error {
		return commit(ctx, to, p, batches[p], judge)
	})
}
