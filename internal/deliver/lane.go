package deliver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/stuck"
	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
)

// lane is what the consumer knows of an entity whose events go another way: an
// event failed or waits, and a work.Item takes it and those after it, in order,
// from the log. While the lane is open the consumer passes the entity's events
// over. c.mu guards the fields.
type lane struct {
	state state
	ready chan struct{} // closed when the lane is not opening any more

	// passed is up to where the entity's events are the lane's.
	passed store.Position
	// version: those below it are done. Of an open lane this is where it began.
	version store.Version
	// waiting came while the lane was closing.
	waiting []*store.Event
	busy    bool // its item runs
}

// state is that of a lane.
type state uint8

const (
	// opening: its item is being written. Events still go to the queue.
	opening state = iota
	// open: its item is durable and takes the entity's events.
	open
	// closing: all its events are done, and its item is being removed. Events
	// wait.
	closing
	// guarding: its events are done, but the mark has not passed them: its item
	// stays to tell that after a crash. Later events go to the queue.
	guarding
)

// way is where an event goes that the consumer has come to.
type way uint8

const (
	short way = iota // to the entity's queue
	wait             // until the lane is closed
	over             // to the lane, which finds it in the log
	past             // nowhere: it is done, and the log is read again
)

func (l *lane) way(e *store.Event) way {
	switch {
	case l == nil || l.state == opening:
		return short
	case e.Version < l.version:
		return past
	case l.state == open:
		l.passed = max(l.passed, e.Position)
		return over
	case l.state == closing:
		l.waiting = append(l.waiting, e)
		return wait
	}
	return short
}

// itemID names the item of an entity's lane.
func (c *consumer) itemID(entity string) string {
	return registry.RunID(string(work.Event), c.action.Name, c.entity.Type, entity)
}

// runID names the run of an event.
func (c *consumer) runID(s store.Stream, v store.Version) string {
	return registry.RunID(string(work.Event), c.action.Name, s.Type, s.ID, strconv.FormatInt(int64(v), 10))
}

// streamOf is the entity of a lane, by its item's name; zero if it is no lane's.
func streamOf(itemID string) store.Stream {
	parts := strings.Split(itemID, "/")
	if len(parts) != 4 || parts[0] != string(work.Event) {
		return store.Stream{}
	}
	return store.Stream{Type: work.Unescape(parts[2]), ID: work.Unescape(parts[3])}
}

// canLane tells whether a lane can be kept: an entity's id may be too long for
// the name of a record.
func (c *consumer) canLane(s store.Stream) bool {
	const forVersion = 20
	return c.cfg.Work != nil && len(c.itemID(s.ID)) <= store.MaxKey-forVersion
}

// openLane moves an event that failed or waits, and those behind it, to a lane.
// Only when that is durable is the event done for the mark.
func (c *consumer) openLane(ctx context.Context, e *store.Event, run Run) {
	l := &lane{ready: make(chan struct{}), version: e.Version}
	c.mu.Lock()
	if c.lanes[e.Stream.ID] != nil {
		c.guards--
	}
	c.lanes[e.Stream.ID] = l
	c.mu.Unlock()
	if !c.keep(ctx, c.itemOf(e, run), run) {
		return
	}
	for _, e := range c.takeOver(l, e.Stream.ID) {
		c.window.done(e.Position)
	}
}

// takeOver lets the lane take over its entity's queue.
func (c *consumer) takeOver(l *lane, entity string) []*store.Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	queue := c.queues[entity]
	delete(c.queues, entity)
	l.passed = queue[len(queue)-1].Position
	l.state = open
	close(l.ready)
	return queue
}

// itemOf is the item of an event whose first run failed or waits.
func (c *consumer) itemOf(e *store.Event, run Run) work.Item {
	item := work.Item{
		ID: c.itemID(e.Stream.ID), Partition: c.partition, Kind: work.Event, Action: c.action.Name,
		Created: c.cfg.Now(), Stream: e.Stream, Version: e.Version, Run: c.runID(e.Stream, e.Version),
		Correlation: e.Correlation, Causation: e.ID,
	}
	return c.policy.After(work.Item{}, item, run.Err, c.cfg.Now())
}

// keep writes an item until it is certain that it is durable; false if ctx
// ended.
func (c *consumer) keep(ctx context.Context, item work.Item, run Run) bool {
	notes := run.Notes
	for attempt := 1; ; attempt++ {
		err := c.put(ctx, item, notes)
		switch {
		case err == nil && run.Noted != nil && len(notes) > 0:
			run.Noted()
			return true
		case err == nil:
			return true
		case ctx.Err() != nil:
			return false
		case errors.Is(err, work.ErrConflict):
			notes = nil // the journal is ahead of them
		}
		c.cfg.Log.Error("keep what an action failed at; it is tried again", "item", item.ID, "error", err)
		if !c.pause(ctx, attempt) {
			return false
		}
	}
}

// put writes an item in the place of one that is not that of an open lane. The
// outcome of an earlier call may not have been known.
func (c *consumer) put(ctx context.Context, item work.Item, notes []store.Change) error {
	there, created, err := c.cfg.Work.Create(ctx, item, notes...)
	if err != nil || created || sameWork(there, item) {
		return err
	}
	_, err = c.cfg.Work.Update(ctx, item.Partition, item.ID, func(now work.Item) (*work.Item, []store.Change, error) {
		if sameWork(now, item) {
			return nil, nil, errSettled
		}
		next := item
		return &next, notes, nil
	})
	if errors.Is(err, errSettled) {
		return nil
	}
	return err // work.ErrNotFound too: it was removed meanwhile, and the next call creates it
}

// errSettled ends an update that is not needed.
var errSettled = errors.New("the item is as it shall be")

func sameWork(a, b work.Item) bool { return a.Version == b.Version && !a.Status.Finished() }

// loadLanes finds what was left by an earlier runtime. A lane takes all that
// is in the log by now.
func (c *consumer) loadLanes(ctx context.Context) error {
	if c.cfg.Work == nil {
		return nil
	}
	const page = 256
	prefix := c.itemID("")
	for after := ""; ; {
		items, err := c.cfg.Work.List(ctx, c.partition, prefix, after, page)
		if err != nil {
			return fmt.Errorf("read lanes: %w", err)
		}
		for _, item := range items {
			if err := c.loadLane(ctx, item); err != nil {
				return fmt.Errorf("take over %s: %w", item.ID, err)
			}
		}
		if len(items) < page {
			return nil
		}
		after = items[len(items)-1].ID
	}
}

// loadLane takes an item over. One that cannot be read holds its entity up.
func (c *consumer) loadLane(ctx context.Context, item work.Item) error {
	l := &lane{state: open, ready: make(chan struct{}), passed: c.opened, version: item.Version}
	close(l.ready)
	if item.Status.Finished() {
		l.state = guarding
		c.guards++
	}
	if err := stuck.Adopt(ctx, c.cfg.Work, item, c.cfg.Now()); err != nil {
		return err
	}
	c.lanes[streamOf(item.ID).ID] = l
	return nil
}

// closable are the guards that the mark has made needless.
func (c *consumer) closable() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.guards == 0 {
		return nil
	}
	var ids []string
	for id, l := range c.lanes {
		if l.state == guarding && l.passed <= c.stored {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// dropGuards removes what closable finds.
func (c *consumer) dropGuards(ctx context.Context) {
	for _, id := range c.closable() {
		_, err := c.cfg.Work.Update(ctx, c.partition, c.itemID(id), func(now work.Item) (*work.Item, []store.Change, error) {
			if !now.Status.Finished() {
				return nil, nil, errSettled
			}
			return nil, nil, nil
		})
		if err != nil && !errors.Is(err, errSettled) && !errors.Is(err, work.ErrNotFound) {
			if ctx.Err() == nil {
				c.cfg.Log.Error("remove lane whose events are done", "action", c.action.Name, "error", err)
			}
			return // the next mark tries again
		}
		c.dropped(id)
	}
}

func (c *consumer) dropped(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l := c.lanes[id]; l != nil && l.state == guarding && l.passed <= c.stored {
		delete(c.lanes, id)
		c.guards--
	}
}
