package queue

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/talix-dev/talix/broker"
	"github.com/talix-dev/talix/internal/deliver"
	"github.com/talix-dev/talix/internal/journal"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/stuck"
	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
)

// Seen is the space of records that tell which messages are done, by the names
// of their runs. A work.Sweep of it forgets them when their time has come.
const Seen = "seen"

// taker runs one action on messages.
type taker struct {
	cfg     *Config
	keeper  store.Keeper
	action  *registry.Action
	slots   chan struct{}
	policy  work.Policy
	home    store.Partition // where its messages are kept
	skipped atomic.Int64    // messages that were skipped

	// What is known, so that it need not be asked.
	seen      atomic.Bool // messages may be on record as done
	journaled bool        // runs may have had journals when it was opened
}

func (t *taker) prefix() string { return registry.RunID(string(work.Message), t.action.Name) + "/" }

// open looks whether runs have left anything.
func (t *taker) open(ctx context.Context) error {
	if t.cfg.Shared { // what others do is not known
		t.journaled = true
		t.seen.Store(true)
		return nil
	}
	seen, err := t.keeper.Records(ctx, t.home, Seen, t.prefix(), "", 1)
	if err != nil {
		return fmt.Errorf("look for messages that are done: %w", err)
	}
	journals, err := t.keeper.Records(ctx, t.home, journal.Space, t.prefix(), "", 1)
	if err != nil {
		return fmt.Errorf("look for journals: %w", err)
	}
	t.seen.Store(len(seen) > 0)
	t.journaled = len(journals) > 0
	return nil
}

// load finds the items that were left.
func (t *taker) load(ctx context.Context, restore func(work.Item)) error {
	const page = 256
	for after := ""; ; {
		items, err := t.cfg.Work.List(ctx, t.home, t.prefix(), after, page)
		if err != nil {
			return fmt.Errorf("read messages that are kept: %w", err)
		}
		for _, item := range items {
			if err := stuck.Adopt(ctx, t.cfg.Work, item, t.cfg.Now()); err != nil {
				return fmt.Errorf("take over %s: %w", item.ID, err)
			}
			restore(item)
		}
		if len(items) < page {
			return nil
		}
		after = items[len(items)-1].ID
	}
}

// try runs the action once, when there is a slot.
func (t *taker) try(ctx context.Context, m broker.Message, item work.Item, fresh bool) (run deliver.Run) {
	select {
	case t.slots <- struct{}{}:
	case <-ctx.Done():
		return deliver.Run{Err: context.Cause(ctx)}
	}
	defer func() { <-t.slots }()
	defer func() {
		if p := recover(); p != nil {
			run = deliver.Run{Err: fmt.Errorf("panic: %v\n%s", p, debug.Stack())}
		}
	}()
	in, err := t.decode(m)
	if err != nil {
		return deliver.Run{Err: err}
	}
	return t.cfg.Act(ctx, t.action, in, m, item, fresh)
}

// wasDone tells whether a message is on record as done.
func (t *taker) wasDone(ctx context.Context, item work.Item) (bool, error) {
	if !t.seen.Load() {
		return false, nil
	}
	_, found, err := t.keeper.Record(ctx, item.Partition, Seen, item.Run)
	return found, err
}

// doneChanges put a message on record as done, and forget its run.
func (t *taker) doneChanges(item work.Item) []store.Change {
	t.seen.Store(true)
	seen := store.Record{Space: Seen, Key: item.Run, Rev: t.cfg.NewRev(), Due: t.cfg.Now().Add(t.cfg.Remember)}
	return append(t.cfg.Forget(item.Run), store.Change{Record: seen, Blind: true})
}

// unlessDone lets a batch fail if the message is on record as done.
func unlessDone(item work.Item) store.Change {
	return store.Change{Op: store.Delete, Record: store.Record{Space: Seen, Key: item.Run}}
}

// record puts a message that has no item on record as done.
func (t *taker) record(ctx context.Context, item work.Item) error {
	pending := t.cfg.Group(item.Partition).Submit(store.Batch{Records: t.doneChanges(item)}, nil)
	if !pending.Wait(ctx) {
		return context.Cause(ctx)
	}
	if o := pending.Outcome(); o.Status != store.Durable {
		return fmt.Errorf("put %s on record as done: %s: %w", item.Run, o.Status, o.Err)
	}
	return nil
}

// recordJournaled is record for a message whose run may have a journal, if it
// has one.
func (t *taker) recordJournaled(ctx context.Context, item work.Item) error {
	found, err := t.keeper.Records(ctx, item.Partition, journal.Space, item.Run+"/", "", 1)
	if err != nil || len(found) == 0 {
		return err
	}
	return t.record(ctx, item)
}

// keep writes an item that is new; false if the message is on record as done.
func (t *taker) keep(ctx context.Context, item work.Item, notes []store.Change) (bool, error) {
	item, err := t.sealed(ctx, item)
	if err != nil {
		return false, err
	}
	return t.create(ctx, item, notes)
}

func (t *taker) create(ctx context.Context, item work.Item, notes []store.Change) (bool, error) {
	_, _, err := t.cfg.Work.Create(ctx, item, append([]store.Change{unlessDone(item)}, notes...)...)
	if !errors.Is(err, work.ErrConflict) {
		return err == nil, err
	}
	if len(notes) > 0 { // or the journal is ahead of them
		return t.create(ctx, item, nil)
	}
	return false, nil
}

// insist repeats what the store or the broker may fail at until it is done;
// false if ctx ended before.
func (t *taker) insist(ctx context.Context, what string, do func(context.Context) error) bool {
	for attempt := 1; ; attempt++ {
		err := do(ctx)
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		t.cfg.Log.Error("an action's message waits for its surroundings", "action", t.action.Name, "what", what, "attempt", attempt, "error", err)
		if !t.pause(ctx, attempt) {
			return false
		}
	}
}

// pause waits with exponential backoff and jitter; false if ctx ended.
func (t *taker) pause(ctx context.Context, attempt int) bool {
	d := t.policy.Most
	if attempt < 32 {
		d = min(d, t.policy.First<<(attempt-1))
	}
	return wait(ctx, d/2+rand.N(d/2+1))
}

func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
