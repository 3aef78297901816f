package deliver

import (
	"context"
	"fmt"
	"sync"

	"github.com/talix-dev/talix/internal/journal"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
)

// consumer delivers the events of one partition to one action. The first run of
// an event needs no record: the mark tells that it is still to be done. Only
// what fails or waits gets one, as a lane of its entity.
type consumer struct {
	*kind
	cfg       *Config
	partition store.Partition
	opened    store.Position // the head of the log when the consumer was opened
	clean     bool           // no run of the action had a journal then

	window window
	work   sync.WaitGroup

	mu      sync.Mutex
	stored  store.Position            // the mark in the store
	tried   store.Position            // the mark that was last to be stored; of who stores marks
	queues  map[string][]*store.Event // by entity id: the first is being worked on
	lanes   map[string]*lane          // by entity id
	guards  int                       // lanes that are guarding
	forgets []journalOf               // what is of no use once the mark has passed it
	start   func(*store.Event)        // begins the work on a queue; nil unless it runs
	skipped int                       // events that were given up
}

// journalOf is the journal of an event that is done.
type journalOf struct {
	position store.Position
	id       string
}

// Consumer is what the name of an action's consumer begins with, and FromNow
// what that of the mark ends with which tells that the action began with the
// present: it is no position.
const (
	Consumer = "action/"
	FromNow  = "#from-now"
)

func (c *consumer) name() string { return Consumer + c.action.Name }

// prepare reads the mark, or makes the first one, and what was left in lanes.
func (c *consumer) prepare(ctx context.Context) error {
	c.queues, c.lanes = map[string][]*store.Event{}, map[string]*lane{}
	mark, _, err := c.cfg.Store.Mark(ctx, c.name(), c.partition)
	if err != nil {
		return fmt.Errorf("read mark: %w", err)
	}
	c.opened = c.cfg.Tail.Head(c.partition)
	if mark > c.opened {
		return fmt.Errorf("its mark %d is beyond the end of the log, %d: the log was replaced by an older one: %w", mark, c.opened, store.ErrCorrupt)
	}
	c.stored = mark
	if c.action.Event.Start.Kind == registry.FromNow && mark == 0 {
		if err := c.startNow(ctx); err != nil {
			return err
		}
	}
	c.window.skip(c.stored)
	if err := c.lookForJournals(ctx); err != nil {
		return err
	}
	return c.loadLanes(ctx)
}

// lookForJournals finds out whether an event that is delivered may have a
// journal.
func (c *consumer) lookForJournals(ctx context.Context) error {
	keeper, ok := c.cfg.Store.(store.Keeper)
	if !ok {
		c.clean = true
		return nil
	}
	found, err := keeper.Records(ctx, c.partition, journal.Space, registry.RunID(string(work.Event), c.action.Name)+"/", "", 1)
	if err != nil {
		return fmt.Errorf("look for journals: %w", err)
	}
	c.clean = len(found) == 0
	return nil
}

func (c *consumer) run(ctx context.Context) {
	defer c.finish()
	var marking sync.WaitGroup
	defer marking.Wait()
	marking.Go(func() { c.keepMark(ctx) })
	after := c.begin(ctx)
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

// begin lets queues be worked on, also those that a lane has left already. It
// returns where to read on.
func (c *consumer) begin(ctx context.Context) store.Position {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.start = func(e *store.Event) { c.work.Go(func() { c.drive(ctx, e) }) }
	for _, queue := range c.queues {
		c.start(queue[0])
	}
	return c.stored
}

// wants tells whether an event is the action's, as far as that is known before
// it is read.
func (c *kind) wants(e *store.Event) bool {
	return e.Stream.Type == c.entity.Type && !e.Time.Before(c.action.Event.Start.Time) &&
		(c.event == nil || c.entity.MayBe(e.Type, c.event))
}

// take begins the work on an event if it is the action's.
func (c *consumer) take(ctx context.Context, e *store.Event) bool {
	if !c.wants(e) {
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
	switch c.lanes[e.Stream.ID].way(e) {
	case short:
		c.enqueue(e)
	case past:
		// It may have been done before there was a lane, whose mark was lost.
		c.forgets = append(c.forgets, journalOf{e.Position, c.runID(e.Stream, e.Version)})
		c.window.done(e.Position)
	case over:
		c.window.done(e.Position)
	}
	return true
}

// enqueue puts an event at the end of its entity's queue. c.mu is held.
func (c *consumer) enqueue(e *store.Event) {
	id := e.Stream.ID
	c.queues[id] = append(c.queues[id], e)
	if len(c.queues[id]) == 1 && c.start != nil {
		c.start(e)
	}
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
	queue := c.queues[id][1:]
	if len(queue) == 0 {
		delete(c.queues, id)
		return nil
	}
	c.queues[id] = queue
	return queue[0]
}

// finishEvent tries until the action succeeds; false if ctx ended, or if the
// event and those after it went to a lane.
func (c *consumer) finishEvent(ctx context.Context, e *store.Event) bool {
	for attempt := 1; ; attempt++ {
		run := c.try(work.WithAttempt(ctx, attempt), e, attempt == 1 && (c.clean || e.Position > c.opened))
		if run.Err == nil {
			c.forgetLater(e, run.Journal)
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		if c.canLane(e.Stream) && !work.Outage(run.Err) {
			c.openLane(ctx, e, run)
			return false
		}
		c.cfg.Log.Warn("action failed and is tried again", "action", c.action.Name, "entity", e.Stream.String(),
			"event", e.Type, "position", e.Position, "attempt", attempt, "correlation", e.Correlation, "error", run.Err)
		if !c.pause(ctx, attempt) {
			return false
		}
	}
}
