package project

import (
	"context"
	"errors"
	"fmt"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/table"
)

// runner keeps one view up with one partition. But for progress, it belongs to
// one goroutine.
type runner struct {
	view      *view
	partition store.Partition
	mark      store.Position // as stored
	seen      store.Position // mark, or later where only ignored events followed
	reload    bool           // mark is in doubt
	batch     batch
	rows      rows
	shared    *shared // with the other views' runners of the partition
	progress  progress
}

func (r *runner) init(v *view, p store.Partition) {
	r.view, r.partition = v, p
	r.rows.init(v)
}

// run takes events until ctx ends.
func (r *runner) run(ctx context.Context) {
	for ctx.Err() == nil {
		r.untilDone(ctx, func() error { return r.step(ctx) })
	}
}

// step takes the next events, and waits for them. After a failure it first
// finds out where the view stands: what failed may have been written.
func (r *runner) step(ctx context.Context) error {
	if r.reload {
		if err := r.load(ctx); err != nil {
			return err
		}
	}
	events, err := r.view.cfg.Tail.Read(ctx, r.partition, r.seen, r.view.cfg.Batch)
	if err != nil {
		return err
	}
	err = r.take(ctx, events)
	_, poisoned := errors.AsType[*Poison](err)
	r.reload = err != nil && !poisoned
	return err
}

// take folds events into rows. If one of them can't be, those before it are
// taken, and the error is a *Poison.
func (r *runner) take(ctx context.Context, events []*store.Event) error {
	defer r.batch.free()
	poison := r.batch.decode(r.view, r.shared, r.seen, events)
	err := r.write(ctx)
	if p, ok := errors.AsType[*Poison](err); ok {
		poison = p
		r.batch.before(p)
		err = r.write(ctx)
	}
	if err == nil && poison != nil {
		return poison
	}
	return err
}

// write applies the batch and moves the mark, in one transaction. A mark that
// only passes ignored events is moved now and then.
func (r *runner) write(ctx context.Context) error {
	to := r.batch.to
	if len(r.batch.jobs) == 0 && int64(to-r.mark) < int64(r.view.cfg.Ignored) {
		r.advance(to)
		return nil
	}
	err := r.view.cfg.Tables.Update(ctx, func(tx table.Tx) error {
		if err := r.rows.apply(tx, r.batch.jobs); err != nil {
			return err
		}
		return tx.Mark(r.view.schema.Name, int(r.partition), int64(r.mark), int64(to))
	})
	r.rows.end(err == nil)
	if err != nil {
		return fmt.Errorf("write view %s: %w", r.view.schema.Name, err)
	}
	r.mark = to
	r.advance(to)
	return nil
}

func (r *runner) advance(to store.Position) {
	r.seen = to
	r.progress.advance(to)
}

// load goes to where the view stands.
func (r *runner) load(ctx context.Context) error {
	mark, err := r.stored(ctx)
	if err == nil {
		r.moveTo(mark)
	}
	return err
}

func (r *runner) stored(ctx context.Context) (store.Position, error) {
	mark, err := r.view.cfg.Tables.Mark(ctx, r.view.schema.Name, int(r.partition))
	if err != nil {
		return 0, fmt.Errorf("read mark of view %s: %w", r.view.schema.Name, err)
	}
	return store.Position(mark), nil
}

func (r *runner) moveTo(mark store.Position) {
	r.rows.drop()
	r.mark, r.reload = mark, false
	r.advance(mark)
}
