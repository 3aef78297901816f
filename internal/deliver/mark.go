package deliver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/talix-dev/talix/store"
)

// keepMark stores the mark a moment after it moved, until ctx ends.
func (c *consumer) keepMark(ctx context.Context) {
	c.dropGuards(ctx) // of an earlier runtime
	for c.untilChange(ctx) {
		timer := time.NewTimer(c.cfg.MarkEvery)
		select {
		case <-timer.C:
			c.flush(ctx)
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// untilChange waits until there is something for flush to do; false if ctx
// ended.
func (c *consumer) untilChange(ctx context.Context) bool {
	moved := c.window.change(c.mark()) // before looking for guards, so that none is missed
	if len(c.closable()) > 0 {
		return ctx.Err() == nil
	}
	select {
	case <-moved:
		return true
	case <-ctx.Done():
		return false
	}
}

func (c *consumer) mark() store.Position {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stored
}

// finish waits for what is under way, and stores the last mark.
func (c *consumer) finish() {
	c.mu.Lock()
	c.start = nil
	c.mu.Unlock()
	c.work.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	c.flush(ctx)
}

func (c *consumer) flush(ctx context.Context) {
	from := c.mark()
	to, _ := c.window.state()
	if to > from {
		switch err := c.store(ctx, from, to); {
		case err == nil || ctx.Err() != nil:
		case errors.Is(err, store.ErrFenced):
			c.cfg.Log.Debug("leave action to the partition's new owner, which goes on from the mark that it found",
				"action", c.action.Name, "partition", int(c.partition), "error", err)
		default:
			c.cfg.Log.Error("store mark of action", "action", c.action.Name, "error", err)
		}
	}
	c.dropGuards(ctx)
}

var errMarkMoved = errors.New("someone else moved the mark: is a second runtime working on this store?")

// store moves the mark in the store, and forgets the journals that it passes:
// not before, since an event that is delivered again needs its journal. Where
// the outcome is not known, the next call finds out by the mark itself.
func (c *consumer) store(ctx context.Context, from, to store.Position) error {
	batch := store.Batch{Marks: []store.Mark{{Consumer: c.name(), From: from, To: to}}, Records: c.forgettable(to)}
	earlier := c.tried
	c.tried = to
	o, err := c.submit(ctx, batch)
	if err != nil {
		return err
	}
	if o.Status == store.Durable {
		c.marked(to)
		return nil
	}
	if mark, _, err := c.cfg.Store.Mark(ctx, c.name(), c.partition); err == nil && mark != from {
		c.marked(mark)
		switch mark {
		case to:
			return nil
		case earlier: // which was not waited for
			return c.store(ctx, mark, to)
		}
		moved := errMarkMoved
		if errors.Is(o.Err, store.ErrFenced) || !c.cfg.Own(c.partition) { // whoever has it moves the mark
			moved = store.ErrFenced
		}
		return fmt.Errorf("move mark to %d, found %d: %w", to, mark, moved)
	}
	return fmt.Errorf("move mark to %d: %s: %w", to, o.Status, o.Err)
}

// forgetLater forgets a journal once the mark has passed its event.
func (c *consumer) forgetLater(e *store.Event, journal string) {
	if journal == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forgets = append(c.forgets, journalOf{e.Position, journal})
}

func (c *consumer) forgettable(mark store.Position) (changes []store.Change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, j := range c.forgets {
		if j.position <= mark {
			changes = append(changes, c.cfg.Forget(j.id)...)
		}
	}
	return changes
}

// marked notes that the mark is durable, and what was forgotten with it.
func (c *consumer) marked(mark store.Position) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stored = mark
	c.forgets = slices.DeleteFunc(c.forgets, func(j journalOf) bool { return j.position <= mark })
}

func (c *consumer) submit(ctx context.Context, batch store.Batch) (store.Outcome, error) {
	pending := c.cfg.Group(c.partition).Submit(batch, nil)
	if !pending.Wait(ctx) {
		return store.Outcome{}, context.Cause(ctx)
	}
	return pending.Outcome(), nil
}

// startNow makes the mark of an action that begins with the present, once: a
// mark of its own tells that this was done, also where the log is empty.
func (c *consumer) startNow(ctx context.Context) error {
	started := c.name() + FromNow
	if _, found, err := c.cfg.Store.Mark(ctx, started, c.partition); found || err != nil {
		return err
	}
	head := c.cfg.Tail.Head(c.partition)
	marks := []store.Mark{{Consumer: started, To: 1}}
	if head > 0 {
		marks = append(marks, store.Mark{Consumer: c.name(), From: c.stored, To: head})
	}
	o, err := c.submit(ctx, store.Batch{Marks: marks})
	if err == nil && o.Status != store.Durable {
		err = fmt.Errorf("make first mark: %s: %w", o.Status, o.Err)
	}
	c.stored = head
	return err
}
