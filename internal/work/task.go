package work

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/talix-dev/talix/store"
)

// task is an item in flight.
type task struct {
	part    *part
	id      string
	action  string
	item    *Item     // nil: it has waited, so it is read again
	rev     store.ID  // the revision that is run
	due     time.Time // of that
	again   time.Time // when another revision that was seen is due; zero: none was
	crashes int       // how often this revision broke
}

// forgetting is the lane of finished items, which no action can be named for.
const forgetting = "\x00forget"

// lane is by what the runs of an item are bounded.
func (i *Item) lane() string {
	if i.Status.Finished() {
		return forgetting
	}
	return i.Action
}

// runs tells whether there is something to do when the item is due.
func (i *Item) runs() bool { return i.Status.runs() || i.Status.Finished() }

// ending says how the run of an item ended.
type ending uint8

const (
	settled ending = iota // what became of it is written
	aside                 // it had a nil verdict
	broken                // something panicked
)

// The pauses before what panicked is run again.
const (
	firstCrash = time.Second
	mostCrash  = time.Minute
)

// crash tells when a task is run again that has just crashed.
func (t *task) crash(now time.Time) crash {
	d := min(mostCrash, firstCrash<<min(t.crashes, 10))
	return crash{rev: t.rev, due: t.due, until: now.Add(d), times: t.crashes + 1, waiting: true}
}

// perform runs a task, and then those of its partition that wait for its slot.
// One of another partition is begun there, as that may be served for longer.
func (p *part) perform(ctx context.Context, t *task) {
	for t != nil {
		p.leave(t, p.do(ctx, t))
		t = p.pool.next(t)
		for t != nil && t.part != p {
			if t.part.start(t) {
				return
			}
			t.part.leave(t, aside)
			t = p.pool.next(t)
		}
	}
}

func (r *Runner) do(ctx context.Context, t *task) ending {
	if ctx.Err() != nil {
		return aside
	}
	if t.item == nil && !r.fetch(ctx, t) {
		return settled
	}
	item := *t.item
	t.item = nil // its input may be large
	verdict, ok := r.run(ctx, item)
	switch {
	case !ok:
		return broken
	case verdict == nil:
		return aside
	}
	return r.conclude(ctx, item, verdict)
}

// fetch reads the item of a task that has waited; false if it is not to be run
// any more.
func (r *Runner) fetch(ctx context.Context, t *task) bool {
	item, found, ok := r.reread(ctx, name{t.part.number, t.id})
	if !ok || !found || item.Due.IsZero() || !item.runs() {
		return false
	}
	if item.Due.After(r.cfg.Now()) || item.lane() != t.action {
		t.part.tell(item.Due)
		return false
	}
	t.part.adopt(t, &item)
	t.item = &item
	return true
}

// run calls Run; false if it panicked.
func (r *Runner) run(ctx context.Context, item Item) (v Verdict, ok bool) {
	if item.Status.Finished() {
		return r.forget, true
	}
	defer r.catch(&item, &ok)
	return r.cfg.Run(ctx, item), true
}

// forget is the verdict on a finished item that is due.
func (r *Runner) forget(now Item) (*Item, []store.Change) {
	if !now.Status.Finished() || now.Due.IsZero() || now.Due.After(r.cfg.Now()) {
		return &now, nil
	}
	if r.cfg.Forget == nil {
		return nil, nil
	}
	return nil, r.cfg.Forget(now)
}

func (r *Runner) catch(item *Item, ok *bool) {
	if p := recover(); p != nil {
		*ok = false
		r.bug(item, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
	}
}

func (r *Runner) bug(item *Item, err error) {
	r.cfg.Log.Error("work broke, which is a bug, and is run again after a pause", "work", item.ID, "partition", int(item.Partition),
		"action", item.Action, "correlation", item.Correlation, "error", err)
}

// grace is how long a store that fails is tried when the runtime ends.
const grace = 5 * time.Second

// conclude writes what became of an item. It tries until it is durable, which
// it also is given some time for after ctx ended.
func (r *Runner) conclude(ctx context.Context, item Item, verdict Verdict) ending {
	ctx, cancel := linger(ctx)
	defer cancel()
	n := name{item.Partition, item.ID}
	done, err := r.turns.take(ctx, n)
	if err != nil {
		return aside
	}
	defer done()
	for attempt, last := 0, (store.ID{}); ; attempt++ {
		if item.Rev == last && !pause(ctx, attempt) {
			return aside
		}
		last = item.Rev
		d, ok := r.judge(item, verdict)
		if !ok {
			return broken
		}
		wrote, err := r.insist(ctx, d)
		switch {
		case wrote:
			return settled
		case err != nil:
			return r.unwritten(&item, err)
		}
		var found bool
		if item, found, ok = r.reread(ctx, n); !found || !ok {
			return settled
		}
	}
}

// linger is a context that ends some time after ctx.
func linger(ctx context.Context) (context.Context, func()) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	return longer, func() { stop(); cancel() }
}

// judge asks for the verdict; false if it panicked.
func (r *Runner) judge(item Item, verdict Verdict) (d *draft, ok bool) {
	defer r.catch(&item, &ok)
	next, more := verdict(item)
	return r.draft(name{item.Partition, item.ID}, item, next, more), true
}

// insist writes a draft however often the store fails, until ctx ends.
func (r *Runner) insist(ctx context.Context, d *draft) (bool, error) {
	for attempt := 0; ; attempt++ {
		wrote, err := r.write(ctx, d)
		if _, bad := errors.AsType[*malformed](err); err == nil || bad {
			return wrote, err
		}
		r.writing.failed(ctx, "write what became of work", err)
		if !pause(ctx, attempt) {
			return false, err
		}
	}
}

// unwritten tells of a verdict that could not be written.
func (r *Runner) unwritten(item *Item, err error) ending {
	if _, bad := errors.AsType[*malformed](err); bad {
		r.bug(item, err)
		return broken
	}
	return aside
}

// reread reads an item until the store answers; ok is false if ctx ended.
func (r *Runner) reread(ctx context.Context, n name) (item Item, found, ok bool) {
	for attempt := 0; ; attempt++ {
		rec, found, err := r.keeper.Record(ctx, n.partition, Space, n.id)
		if err == nil && found {
			item, err = decode(n.partition, &rec)
			return item, err == nil, true
		}
		if err == nil {
			return Item{}, false, true
		}
		r.reading.failed(ctx, "read work", err)
		if !pause(ctx, attempt) {
			return Item{}, false, false
		}
	}
}
