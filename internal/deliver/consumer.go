package deliver

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// consumer delivers the events of one partition to one action.
type consumer struct {
	cfg       *Config
	action    *registry.Action
	entity    *registry.Entity
	event     *registry.Event
	partition store.Partition
	slots     chan struct{} // shared by the action's consumers

	window window
	stored store.Position // the mark in the store

	mu    sync.Mutex
	lanes map[string][]*store.Event // by entity id: the first is being worked on
	work  sync.WaitGroup
}

func (c *consumer) name() string { return "action/" + c.action.Name }

// open reads the mark, or makes the first one.
func (c *consumer) open(ctx context.Context) error {
	c.lanes = map[string][]*store.Event{}
	mark, _, err := c.cfg.Store.Mark(ctx, c.name(), c.partition)
	if err != nil {
		return fmt.Errorf("read mark: %w", err)
	}
	if head := c.cfg.Tail.Head(c.partition); mark > head {
		return fmt.Errorf("its mark %d is beyond the end of the log, %d: the log was replaced by an older one: %w", mark, head, store.ErrCorrupt)
	}
	c.stored = mark
	if c.action.Event.Start.Kind == registry.FromNow && mark == 0 {
		if err := c.startNow(ctx); err != nil {
			return err
		}
	}
	c.window.skip(c.stored)
	return nil
}

func (c *consumer) run(ctx context.Context) {
	defer c.finish()
	var marking sync.WaitGroup
	defer marking.Wait()
	marking.Go(func() { c.keepMark(ctx) })
	after := c.stored
	for attempt := 0; ; {
		events, err := c.cfg.Tail.Read(ctx, c.partition, after, 256)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			c.cfg.Log.Error("read events for action", "action", c.action.Name, "error", err)
			attempt++
			if !c.pause(ctx, attempt) {
				return
			}
			continue
		}
		attempt = 0
		for _, e := range events {
			if !c.take(ctx, e) {
				return
			}
			after = e.Position
		}
	}
}

// take begins the work on an event if it is the action's.
func (c *consumer) take(ctx context.Context, e *store.Event) bool {
	if e.Type != c.event.Type || e.Stream.Type != c.entity.Type || e.Time.Before(c.action.Event.Start.Time) {
		c.window.skip(e.Position)
		return true
	}
	for {
		ok, wait := c.window.room(c.cfg.Window)
		if ok {
			break
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return false
		}
	}
	c.window.begin(e.Position)
	c.mu.Lock()
	defer c.mu.Unlock()
	id := e.Stream.ID
	c.lanes[id] = append(c.lanes[id], e)
	if len(c.lanes[id]) == 1 {
		c.work.Go(func() { c.drive(ctx, e) })
	}
	return true
}

// drive works on the events of one entity, one after another.
func (c *consumer) drive(ctx context.Context, e *store.Event) {
	for e != nil && c.finishEvent(ctx, e) {
		c.window.done(e.Position)
		e = c.next(e.Stream.ID)
	}
}

func (c *consumer) next(id string) *store.Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	lane := c.lanes[id][1:]
	if len(lane) == 0 {
		delete(c.lanes, id)
		return nil
	}
	c.lanes[id] = lane
	return lane[0]
}

// finishEvent tries until the action succeeds, or ctx ends.
func (c *consumer) finishEvent(ctx context.Context, e *store.Event) bool {
	for attempt := 1; ; attempt++ {
		err := c.try(ctx, e)
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		c.cfg.Log.Warn("action failed and is tried again", "action", c.action.Name, "entity", e.Stream.String(),
			"event", e.Type, "position", e.Position, "attempt", attempt, "correlation", e.Correlation, "error", err)
		if !c.pause(ctx, attempt) {
			return false
		}
	}
}

// try runs the action once, when there is a slot.
func (c *consumer) try(ctx context.Context, e *store.Event) (err error) {
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-c.slots }()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	data, err := c.event.Decode(e.Data)
	if err != nil {
		return err
	}
	return c.cfg.Act(ctx, c.action, data, e)
}

// pause waits with exponential backoff and jitter; false if ctx ended.
func (c *consumer) pause(ctx context.Context, attempt int) bool {
	first, longest := c.cfg.FirstPause, c.cfg.LongestPause
	if c.action.Retry.First > 0 {
		first, longest = c.action.Retry.First, c.action.Retry.Max
	}
	d := longest
	if attempt < 32 {
		d = min(longest, first<<(attempt-1))
	}
	timer := time.NewTimer(d/2 + rand.N(d/2+1))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
