package deliver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/talix-dev/talix/store"
)

// keepMark stores the mark a moment after it moved, until ctx ends.
func (c *consumer) keepMark(ctx context.Context) {
	for {
		select {
		case <-c.window.change(c.stored):
		case <-ctx.Done():
			return
		}
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

// finish waits for what is under way, and stores the last mark.
func (c *consumer) finish() {
	c.work.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	c.flush(ctx)
}

func (c *consumer) flush(ctx context.Context) {
	mark, _ := c.window.state()
	if mark <= c.stored {
		return
	}
	if err := c.store(ctx, mark); err != nil && ctx.Err() == nil {
		c.cfg.Log.Error("store mark of action", "action", c.action.Name, "error", err)
	}
}

var errMarkMoved = errors.New("someone else moved the mark: is a second runtime working on this store?")

// store moves the mark in the store. Where the outcome is not known, the next
// call finds out by the mark itself.
func (c *consumer) store(ctx context.Context, to store.Position) error {
	o, err := c.submit(ctx, store.Mark{Consumer: c.name(), From: c.stored, To: to})
	if err != nil {
		return err
	}
	if o.Status == store.Durable {
		c.stored = to
		return nil
	}
	if mark, _, err := c.cfg.Store.Mark(ctx, c.name(), c.partition); err == nil && mark != c.stored {
		c.stored = mark
		if mark == to {
			return nil
		}
		return fmt.Errorf("move mark to %d, found %d: %w", to, mark, errMarkMoved)
	}
	return fmt.Errorf("move mark to %d: %s: %w", to, o.Status, o.Err)
}

func (c *consumer) submit(ctx context.Context, marks ...store.Mark) (store.Outcome, error) {
	pending := c.cfg.Group(c.partition).Submit(store.Batch{Marks: marks}, nil)
	if !pending.Wait(ctx) {
		return store.Outcome{}, context.Cause(ctx)
	}
	return pending.Outcome(), nil
}

// startNow makes the mark of an action that begins with the present, once: a
// mark of its own tells that this was done, also where the log is empty.
func (c *consumer) startNow(ctx context.Context) error {
	started := c.name() + "#from-now"
	if _, found, err := c.cfg.Store.Mark(ctx, started, c.partition); found || err != nil {
		return err
	}
	head := c.cfg.Tail.Head(c.partition)
	marks := []store.Mark{{Consumer: started, To: 1}}
	if head > 0 {
		marks = append(marks, store.Mark{Consumer: c.name(), From: c.stored, To: head})
	}
	o, err := c.submit(ctx, marks...)
	if err == nil && o.Status != store.Durable {
		err = fmt.Errorf("make first mark: %s: %w", o.Status, o.Err)
	}
	c.stored = head
	return err
}
