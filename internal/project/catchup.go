package project

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/table"
)

// Those who lag read, decode and fold at the same time.
const (
	ahead     = 2         // batches that wait for the next step
	maxWeight = 128 << 20 // bytes of events whose rows wait to be written
)

// Rows are written so often that a crash does not cost more than longFold, but
// not so often that writing takes more than a part of the time.
const (
	longFold = 10 * time.Second
	share    = 20
)

// lags tells that there is more to take than a batch or two.
func (r *runner) lags() bool {
	return r.size() > 1 && int64(r.head()-r.seen) > 2*int64(r.view.cfg.Batch)
}

// chunk is a part of the log on its way.
type chunk struct {
	batch batch
	after store.Position
	err   error
}

// catchUp takes the events up to a position, as far as nothing fails.
func (r *runner) catchUp(ctx context.Context, to store.Position) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	r.widen(ctx)
	defer func() { r.rows.keep = r.view.keep }()
	chunks := make(chan *chunk, ahead)
	wg.Go(func() {
		defer close(chunks)
		r.prefetch(ctx, r.seen, to, chunks)
	})
	for c := range chunks {
		err := c.err
		if err == nil {
			r.batch = c.batch
			err = r.takeChunk(ctx)
		}
		if err != nil || r.reload || r.seen < r.careful {
			return err
		}
	}
	return r.flush(ctx)
}

// widen lets the rows of a table that no one reads yet stay in memory, all of
// them if they are not too many.
func (r *runner) widen(ctx context.Context) {
	if !r.view.alone || !r.view.narrow || r.view.keep == 0 {
		return
	}
	r.rows.keep = max(r.rows.keep, r.view.cfg.Held/len(r.build.parts))
	if r.rows.complete || len(r.build.parts) > 1 || r.rows.dirty() > 0 {
		return
	}
	r.rows.drop()
	most := min(r.rows.keep/2, int(r.head()-r.seen)) // more rows than events are not worth it
	err := r.view.cfg.Tables.Update(ctx, func(tx table.Tx) error { return r.rows.preload(tx, most) })
	if err != nil {
		r.rows.drop() // and asks for each row
	}
}

// prefetch reads the log and decodes what the view takes of it.
func (r *runner) prefetch(ctx context.Context, after, to store.Position, chunks chan<- *chunk) {
	read := make(chan *chunk, ahead)
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		defer close(read)
		for after < to && ctx.Err() == nil {
			events, err := r.view.cfg.Tail.Read(ctx, r.partition, after, int(min(store.Position(r.view.cfg.Batch), to-after)))
			c := &chunk{after: after, err: err}
			within := upTo(events, to)
			c.batch.fill(r.view, after, within)
			if len(within) < len(events) {
				c.batch.to = to
			}
			after = c.batch.to
			if !send(ctx, read, c) || err != nil {
				return
			}
		}
	})
	for c := range read {
		c.batch.decodeWith(runtime.GOMAXPROCS(0))
		if !send(ctx, chunks, c) {
			return
		}
	}
}

// upTo are the events that are not beyond a position.
func upTo(events []*store.Event, to store.Position) []*store.Event {
	for n := len(events); n > 0; n-- {
		if events[n-1].Position <= to {
			return events[:n]
		}
	}
	return nil
}

func send(ctx context.Context, to chan<- *chunk, c *chunk) bool {
	select {
	case to <- c:
		return true
	case <-ctx.Done():
		return false
	}
}

// takeChunk folds a chunk in memory, if all rows are there, and writes now and
// then.
func (r *runner) takeChunk(ctx context.Context) error {
	if !r.rows.complete {
		return r.take(ctx)
	}
	defer r.batch.free()
	poison, err := r.fold(nil)
	if err != nil {
		return err
	}
	r.seen = r.batch.to
	for i := range r.batch.jobs {
		r.weight += len(r.batch.jobs[i].event.Data)
	}
	if poison != nil {
		if err := r.flush(ctx); err != nil {
			return err
		}
		return poison
	}
	r.progress.folded.Store(int64(r.seen))
	if r.rows.dirty() > r.rows.keep/2 || r.weight > maxWeight || r.view.cfg.Now().Sub(r.stored) > max(longFold, share*r.took) {
		return r.flush(ctx)
	}
	return nil
}

// flush writes what was folded in memory.
func (r *runner) flush(ctx context.Context) error {
	if r.reload || r.seen == r.mark || r.rows.dirty() == 0 && len(r.lot.fresh) == 0 {
		return nil
	}
	r.batch.jobs, r.batch.to = r.batch.jobs[:0], r.seen
	begin := r.view.cfg.Now()
	defer func() { r.took = r.view.cfg.Now().Sub(begin) }()
	if err := r.update(ctx, func(table.Tx) error { return nil }); err != nil {
		return r.failed(err)
	}
	return nil
}
