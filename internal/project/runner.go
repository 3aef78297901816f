package project

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/table"
)

// runner keeps one build up with one partition. But for its progress, it
// belongs to one goroutine.
type runner struct {
	view      *view
	build     *build
	partition store.Partition
	start     store.Position // where the view began
	began     time.Time      // when it was made
	from      store.Position // where it stood then
	target    store.Position // what is to be reached before the build is whole
	mark      store.Position // as stored
	seen      store.Position // mark, or later: what the rows in memory are made of
	reload    bool           // what is in memory is in doubt
	batch     batch
	rows      *rows
	lot       lot
	careful   store.Position // up to here, events are taken one by one
	condemned *Poison        // an event that the store does not take
	weight    int            // bytes of the events since the last transaction
	stored    time.Time      // when that was
	took      time.Duration  // the last writing of what was folded in memory
	progress  *progress
	onWhole   func() // called once the target is reached
}

func newRunner(b *build, p store.Partition) *runner {
	r := &runner{view: b.view, build: b, partition: p, rows: newRows(b, p), lot: newLot(), progress: &progress{}, reload: true, began: b.view.cfg.Now()}
	if b.live {
		r.progress = &b.view.shown[p]
	}
	return r
}

// run takes events until ctx ends.
func (r *runner) run(ctx context.Context) {
	if r.view.cfg.Shared {
		r.runHeld(ctx)
		return
	}
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
	r.checkWhole()
	if r.lags() {
		return r.catchUp(ctx, r.head())
	}
	return r.next(ctx, r.size())
}

// next waits for up to max events and takes them.
func (r *runner) next(ctx context.Context, max int) error {
	events, err := r.read(ctx, max)
	if err != nil {
		return err
	}
	r.batch.fill(r.view, r.seen, events)
	r.batch.decode(r.view.share(r.partition))
	return r.take(ctx)
}

// read waits for up to max events. Where the mark is to follow soon, there may be
// none after a while.
func (r *runner) read(ctx context.Context, max int) ([]*store.Event, error) {
	if r.seen == r.mark || !r.eager() {
		return r.view.cfg.Tail.Read(ctx, r.partition, r.seen, max)
	}
	bounded, cancel := context.WithTimeout(ctx, later)
	defer cancel()
	events, err := r.view.cfg.Tail.Read(bounded, r.partition, r.seen, max)
	if err != nil && ctx.Err() == nil && bounded.Err() != nil {
		return nil, nil
	}
	return events, err
}

// eager tells that other processes wait for the mark: they see by it how far
// the build is.
func (r *runner) eager() bool {
	return r.view.cfg.Shared && (!r.build.live || !r.build.whole())
}

func (r *runner) head() store.Position { return r.view.cfg.Tail.Head(r.partition) }

// size is how many events to take at once.
func (r *runner) size() int {
	if r.seen < r.careful {
		return 1
	}
	return r.view.cfg.Batch
}

// take folds the batch into rows, and writes them and the mark in one
// transaction. If an event stops the view, those before it are taken, and the
// error is a *Poison.
func (r *runner) take(ctx context.Context) error {
	defer r.batch.free()
	if r.idle() {
		r.advance(r.batch.to)
		return nil
	}
	var poison *Poison
	began, events := r.view.cfg.Now(), len(r.batch.jobs)
	err := r.update(ctx, func(tx table.Tx) (err error) {
		poison, err = r.fold(tx)
		return err
	})
	if took := r.view.cfg.Took; took != nil && events > 0 {
		took(r.view.def.Name, events, began, err)
	}
	if err != nil {
		return r.failed(err)
	}
	if poison != nil {
		return poison
	}
	return nil
}

// idle: a mark that only passes ignored events is moved now and then.
func (r *runner) idle() bool {
	if r.eager() && (r.batch.to == r.seen || r.view.cfg.Now().Sub(r.stored) > later) {
		return false
	}
	return len(r.batch.jobs) == 0 && r.rows.dirty() == 0 && int64(r.batch.to-r.mark) < int64(r.view.cfg.Ignored)
}

// fold applies the batch to the rows, and parks what can't be. The Poison is
// what stops the view; the batch is shortened to what comes before.
func (r *runner) fold(tx table.Tx) (*Poison, error) {
	r.rows.begin(tx)
	for i := range r.batch.jobs {
		j := &r.batch.jobs[i]
		if r.lot.behind(j.event) {
			continue
		}
		err := j.err
		if c := r.condemned; c != nil && c.Event.Position == j.event.Position {
			err = c.Err
		}
		if err == nil {
			err = r.rows.job(j)
		}
		if r.rows.failed != nil {
			return nil, r.rows.failed
		}
		if err == nil {
			continue
		}
		if stop := r.park(j, err); stop != nil {
			r.batch.before(i)
			return stop, nil
		}
	}
	return nil, nil
}

// update writes what fn makes of the rows, and moves the mark to the end of the
// batch.
func (r *runner) update(ctx context.Context, fn func(table.Tx) error) error {
	cfg := r.view.cfg
	err := cfg.Tables.Update(ctx, func(tx table.Tx) error {
		if err := r.build.admit(tx); err != nil {
			return err
		}
		if err := fn(tx); err != nil {
			return err
		}
		if err := r.rows.write(tx); err != nil {
			return err
		}
		if err := r.lot.write(tx, cfg.parked, r.build.name); err != nil {
			return err
		}
		return tx.Mark(r.build.name, int(r.partition), int64(r.mark), int64(r.batch.to))
	})
	wrote := r.rows.dirty() > 0
	r.rows.end(err == nil)
	if err != nil {
		r.reload = true
		return fmt.Errorf("write view %s: %w", r.view.def.Name, err)
	}
	clear(r.lot.fresh)
	r.progress.parked.Store(int64(len(r.lot.all)))
	r.mark, r.weight, r.stored = r.batch.to, 0, cfg.Now()
	if wrote && r.build.live {
		r.view.changed()
	}
	r.advance(r.mark)
	return nil
}

// failed sees to it that an event that the store refuses is found: those since
// the mark are taken again one by one.
func (r *runner) failed(err error) error {
	if !errors.Is(err, table.ErrConstraint) {
		return err
	}
	if r.seen < r.careful && len(r.batch.jobs) == 1 {
		r.condemned = &Poison{View: r.view.def.Name, Event: r.batch.jobs[0].event, Err: err}
		return nil
	}
	if r.careful == r.batch.to {
		return err
	}
	r.careful = r.batch.to
	return nil
}

// park parks the entity of an event. The Poison is there if the view is to stop
// instead.
func (r *runner) park(j *job, err error) *Poison {
	poison := &Poison{View: r.view.def.Name, Event: j.event, Err: err}
	if r.view.def.StopOnPoison {
		return poison
	}
	if len(r.lot.all) >= r.view.cfg.MaxParked {
		poison.Err = fmt.Errorf("%w; %d entities are parked already, so the view stops", err, len(r.lot.all))
		return poison
	}
	r.lot.add(j.event, err, r.view.cfg.Now())
	r.logParked(poison)
	return nil
}

// advance tells that events were taken.
func (r *runner) advance(to store.Position) {
	r.seen = to
	r.checkWhole()
	r.progress.advance(to)
}

func (r *runner) checkWhole() {
	if r.onWhole != nil && r.isWhole() {
		r.onWhole()
		r.onWhole = nil
	}
}

// isWhole tells that all is taken that was there when the runner was made, and
// nearly all that came since.
func (r *runner) isWhole() bool {
	return !r.reload && r.seen >= r.target && int64(r.head()-r.seen) <= int64(r.view.cfg.Batch)
}

// load goes to where the build stands.
func (r *runner) load(ctx context.Context) error {
	cfg := r.view.cfg
	mark, err := cfg.Tables.Mark(ctx, r.build.name, int(r.partition))
	if err != nil {
		return fmt.Errorf("read mark of view %s: %w", r.view.def.Name, err)
	}
	lot := newLot()
	err = cfg.Tables.Update(ctx, func(tx table.Tx) error {
		all, err := parkedOf(tx, cfg.parked, r.build.name)
		for _, p := range all {
			if p.partition == r.partition {
				lot.all[p.stream] = p
			}
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("read what is parked of view %s: %w", r.view.def.Name, err)
	}
	r.lot = lot
	r.progress.parked.Store(int64(len(lot.all)))
	r.moveTo(store.Position(mark))
	return nil
}

func (r *runner) moveTo(mark store.Position) {
	r.rows.drop()
	r.rows.complete = mark == r.start && r.view.alone && r.view.narrow && r.view.keep > 0
	r.mark, r.reload, r.weight, r.stored = mark, false, 0, r.view.cfg.Now()
	r.advance(mark)
}
