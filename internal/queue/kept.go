package queue

import (
	"context"
	"errors"
	"time"

	"github.com/talix-dev/talix/broker"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
)

// bury takes what would be parked.
type bury func(ctx context.Context, m broker.Message, reason string) error

// runKept runs an item and writes what becomes of it; true if it is done.
func (t *taker) runKept(ctx context.Context, item work.Item, dead bury) bool {
	switch {
	case item.Cancel:
		return t.giveUp(ctx, item)
	case item.Hold:
		t.write(ctx, item, func(now work.Item, _ bool) (*work.Item, []store.Change) { return held(now), nil })
		return false
	}
	m, err := t.cfg.messageOf(ctx, item)
	var notes []store.Change
	if err == nil {
		run := t.try(ctx, m, item, false)
		err, notes = run.Err, run.Notes
	}
	switch {
	case err == nil:
		return t.finished(ctx, item)
	case ctx.Err() != nil:
		return false
	}
	after := t.policy.After(item, item, err, t.cfg.Now())
	if dead == nil || after.Status != work.Parked {
		return t.failed(ctx, item, err, notes)
	}
	if err := dead(ctx, m, after.Error); err != nil {
		return t.failed(ctx, item, unburied(err), nil)
	}
	return t.finished(ctx, item)
}

// unburied is why a message has to be kept though it failed for good.
func unburied(err error) error {
	f := registry.Faultf(registry.Unavailable, "it cannot be moved to the dead-letter queue").Because(err)
	f.Final = errors.Is(err, broker.ErrTooLarge)
	return f
}

func held(now work.Item) *work.Item {
	if now.Hold {
		now.Status, now.Due = work.Suspended, time.Time{}
	}
	return &now
}

// failed writes what becomes of an item whose run failed or waits; true if it
// was cancelled meanwhile, and so is done.
func (t *taker) failed(ctx context.Context, ran work.Item, err error, notes []store.Change) bool {
	cancelled := false
	t.write(ctx, ran, func(now work.Item, conflict bool) (*work.Item, []store.Change) {
		cancelled = now.Cancel
		if conflict {
			notes = nil // the journal is ahead of them
		}
		next := t.policy.After(ran, now, err, t.cfg.Now())
		return &next, notes
	})
	return cancelled && t.giveUp(ctx, ran)
}

// finished puts a message on record as done, in the place of its item.
func (t *taker) finished(ctx context.Context, item work.Item) bool {
	return t.write(ctx, item, func(now work.Item, _ bool) (*work.Item, []store.Change) { return nil, t.doneChanges(now) })
}

func (t *taker) giveUp(ctx context.Context, item work.Item) bool {
	if !t.finished(ctx, item) {
		return false
	}
	t.skipped.Add(1)
	t.cfg.Log.Warn("a message was given up", "action", t.action.Name, "message", item.ID, "correlation", item.Correlation)
	return true
}

// write changes an item until that is durable; false if ctx ended. conflict:
// what was to be written with it before does not fit what is stored.
func (t *taker) write(ctx context.Context, item work.Item, change func(now work.Item, conflict bool) (*work.Item, []store.Change)) bool {
	conflict := false
	return t.insist(ctx, "write what becomes of it", func(ctx context.Context) error {
		_, err := t.cfg.Work.Update(ctx, item.Partition, item.ID, func(now work.Item) (*work.Item, []store.Change, error) {
			next, more := change(now, conflict)
			return next, more, nil
		})
		conflict = errors.Is(err, work.ErrConflict)
		if errors.Is(err, work.ErrNotFound) {
			return nil
		}
		return err
	})
}
