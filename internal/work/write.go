package work

import (
	"context"
	"errors"
	"fmt"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// Errors that callers tell apart.
var (
	// ErrNotFound: there is no such item.
	ErrNotFound = errors.New("there is no such work")
	// ErrUnknown: whether the item was written could not be found out before
	// ctx ended.
	ErrUnknown = errors.New("whether the work was written is not known; look it up")
	// ErrConflict: the changes that were to be made with an item expect other
	// revisions of their records than the store has.
	ErrConflict = errors.New("the changes that go with the work conflict with what is stored")
)

// Create writes an item that is new. Where one of that ID exists, nothing
// changes and it is returned with false. ErrConflict if more does not hold.
func (r *Runner) Create(ctx context.Context, item Item, more ...store.Change) (Item, bool, error) {
	n := name{item.Partition, item.ID}
	done, err := r.turns.take(ctx, n)
	if err != nil {
		return Item{}, false, fmt.Errorf("create work %q: %w", item.ID, err)
	}
	defer done()
	item.Rev = store.ID{}
	d := r.draft(n, item, &item, more)
	wrote, err := r.write(ctx, d)
	switch {
	case err != nil:
		return Item{}, false, fmt.Errorf("create work %q: %w", item.ID, err)
	case wrote:
		return d.item, true, nil
	}
	return r.existing(ctx, n)
}

// existing is the item that stood in the way of another.
func (r *Runner) existing(ctx context.Context, n name) (Item, bool, error) {
	item, found, err := r.Get(ctx, n.partition, n.id)
	if err == nil && !found {
		err = fmt.Errorf("create work %q: %w", n.id, ErrConflict)
	}
	return item, false, err
}

// Update changes an item: change gets it as it is and returns what it shall
// be, or nil to delete it; it may be called several times, and must not write
// the same item itself. An error of change is returned as it is, and nothing is
// written then. ErrNotFound if the item does not exist, ErrConflict if the
// changes that go with it do not hold.
func (r *Runner) Update(ctx context.Context, p store.Partition, id string, change func(Item) (*Item, []store.Change, error)) (Item, error) {
	n := name{p, id}
	done, err := r.turns.take(ctx, n)
	if err != nil {
		return Item{}, fmt.Errorf("update work %q: %w", id, err)
	}
	defer done()
	var last store.ID
	for {
		now, found, err := r.Get(ctx, p, id)
		if err != nil {
			return Item{}, err
		}
		if !found {
			return Item{}, fmt.Errorf("update work %q: %w", id, ErrNotFound)
		}
		if now.Rev == last {
			return now, fmt.Errorf("update work %q: %w", id, ErrConflict)
		}
		last = now.Rev
		next, more, err := change(now)
		if err != nil {
			return now, err
		}
		d := r.draft(n, now, next, more)
		if wrote, err := r.write(ctx, d); err != nil || wrote {
			return d.item, wrap("update", id, err)
		}
	}
}

func wrap(verb, id string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s work %q: %w", verb, id, err)
}

// draft is a write of an item that is to be made.
type draft struct {
	name
	from    store.ID // the revision that it changes
	rev     store.ID // the one that it makes; zero: it deletes
	item    Item     // as it is to be, or was last
	parks   bool     // it is to be parked, and was not before
	changes []store.Change
}

// draft makes the write by which an item becomes next.
func (r *Runner) draft(n name, now Item, next *Item, more []store.Change) *draft {
	d := &draft{name: n, from: now.Rev, item: now}
	own := drop(&now)
	if next != nil {
		d.item = *next
		d.item.ID, d.item.Partition, d.item.Rev = n.id, n.partition, now.Rev
		own = r.Change(d.item)
		d.rev = own.Rev
		d.parks = next.Status == Parked && now.Status != Parked
		if item, err := decode(n.partition, &own.Record); err == nil {
			d.item = item
		}
	}
	d.changes = append([]store.Change{own}, more...)
	return d
}

// write makes a draft durable, and tells those who have to know. False: the
// store has another revision than the one that the draft changes, or other
// records than those that go with it expect. After an error, nothing is known
// to be written; only where it wraps ErrUnknown it may be.
func (r *Runner) write(ctx context.Context, d *draft) (bool, error) {
	if err := store.CheckChanges(d.changes); err != nil {
		return false, &malformed{err}
	}
	doubt := false
	for attempt := 0; ; attempt++ {
		o, err := r.submit(ctx, d.partition, d.changes)
		if err != nil {
			return false, fmt.Errorf("%w: %w", ErrUnknown, err)
		}
		switch o.Status {
		case store.Durable:
			r.wrote(d)
			return true, nil
		case store.Failed:
			return false, doubtful(doubt, o.Err)
		case store.Conflict:
			if !doubt {
				return false, nil
			}
		}
		doubt = true
		state, err := r.look(ctx, d)
		if err != nil {
			return false, doubtful(true, err)
		}
		if state == written {
			r.wrote(d)
			return true, nil
		}
		if state == overtaken || o.Status == store.Conflict {
			return false, nil
		}
		if !pause(ctx, attempt) {
			return false, doubtful(true, context.Cause(ctx))
		}
	}
}

// Away tells whether an error of a write or a read is the store's, which may
// answer otherwise later: not one of what was to be written, or of the change
// that a caller wanted.
func Away(err error) bool {
	_, bad := errors.AsType[*malformed](err)
	_, judged := errors.AsType[*registry.Fault](err)
	return !bad && !judged && !errors.Is(err, ErrConflict) && !errors.Is(err, ErrNotFound)
}

// malformed is the error of changes that no store takes.
type malformed struct{ err error }

func (m *malformed) Error() string { return m.err.Error() }
func (m *malformed) Unwrap() error { return m.err }

func doubtful(doubt bool, err error) error {
	if doubt {
		return fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	return err
}

func (r *Runner) submit(ctx context.Context, p store.Partition, changes []store.Change) (store.Outcome, error) {
	pending := r.cfg.Group(p).Submit(store.Batch{Records: changes}, nil)
	if !pending.Wait(ctx) {
		return store.Outcome{}, context.Cause(ctx)
	}
	return pending.Outcome(), nil
}

// state is what became of a write whose outcome is not known.
type state uint8

const (
	unwritten state = iota
	written
	overtaken // it can't be written any more
)

// look finds out by the revision what became of a draft. It asks until the
// store answers or ctx ends.
func (r *Runner) look(ctx context.Context, d *draft) (state, error) {
	for attempt := 0; ; attempt++ {
		rec, _, err := r.keeper.Record(ctx, d.partition, Space, d.id)
		switch {
		case err == nil && rec.Rev == d.rev: // which is zero of what is gone
			return written, nil
		case err == nil && rec.Rev == d.from:
			return unwritten, nil
		case err == nil:
			return overtaken, nil
		}
		r.reading.failed(ctx, "look up what was written", err)
		if !pause(ctx, attempt) {
			return unwritten, err
		}
	}
}

// wrote tells of what a draft wrote.
func (r *Runner) wrote(d *draft) {
	r.writing.worked()
	for i := range d.changes {
		c := &d.changes[i]
		if c.Space != Space {
			continue
		}
		r.watch.tell(name{d.partition, c.Key})
		r.parts[d.partition].Load().forgive(c.Key)
		if c.Op == store.Put {
			r.Wake(d.partition, c.Due)
			r.tell(d, c)
		}
	}
}

// tell writes to the log what was parked, which waits for people.
func (r *Runner) tell(d *draft, c *store.Change) {
	if c.Key == d.id && !d.parks {
		return
	}
	if item, err := decode(d.partition, &c.Record); err == nil && item.Status == Parked {
		r.cfg.Log.Error("work is parked: retry or skip it", "id", item.ID, "action", item.Action, "attempts", item.Attempts,
			"correlation", item.Correlation, "error", item.Error)
	}
}
