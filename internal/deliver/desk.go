package deliver

import (
	"context"
	"fmt"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/stuck"
	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
)

// Lane is an entity with whose events an action does not get on: it failed at
// one, or waits in one.
type Lane struct {
	work.Item
	Orphan bool         // no service of the program has the action
	Event  *store.Event // the next to be done; nil if there is none at the moment
	Behind int          // events after it, up to MaxBehind
}

// MaxBehind is how many events that stand behind are counted.
const MaxBehind = 10_000

// Parked are up to max lanes of an action, or of all if it is empty, whose ID
// is above after, in the order of IDs: those that are parked, are tried again
// or wait.
func (d *Dispatcher) Parked(ctx context.Context, action, after string, max int) ([]Lane, error) {
	items, err := stuck.List(ctx, d.cfg.Work, d.cfg.Tail.Partitions(), prefixOf(action), after, max)
	if err != nil {
		return nil, err
	}
	lanes := make([]Lane, len(items))
	for i, item := range items {
		if lanes[i], err = d.describe(ctx, item); err != nil {
			return nil, err
		}
	}
	return lanes, nil
}

func prefixOf(action string) string {
	if action == "" {
		return string(work.Event) + "/"
	}
	return registry.RunID(string(work.Event), action) + "/"
}

// describe reads what a lane is stuck at.
func (d *Dispatcher) describe(ctx context.Context, item work.Item) (Lane, error) {
	lane := Lane{Item: item, Orphan: d.actionOf(item) == nil}
	err := d.each(ctx, item, item.Version-1, func(e *store.Event) bool {
		if lane.Event == nil {
			lane.Event = e
		} else {
			lane.Behind++
		}
		return lane.Behind < MaxBehind
	})
	return lane, err
}

// each goes through the events of a lane above a version. Of an orphan these
// are all of the entity.
func (d *Dispatcher) each(ctx context.Context, item work.Item, after store.Version, do func(*store.Event) bool) error {
	k := d.actionOf(item)
	for e, err := range d.cfg.Store.Load(ctx, streamOf(item.ID), after) {
		if err != nil {
			return fmt.Errorf("read events of %s: %w", item.ID, err)
		}
		if (k == nil || k.wants(&e)) && !do(&e) {
			return nil
		}
	}
	return nil
}

// Inspect is a lane, and up to most of its events whose version is above after,
// in order.
func (d *Dispatcher) Inspect(ctx context.Context, id string, after store.Version, most int) (Lane, []store.Event, error) {
	item, err := d.lookUp(ctx, id)
	if err != nil {
		return Lane{}, nil, err
	}
	lane, err := d.describe(ctx, item)
	if err != nil || most < 1 {
		return lane, nil, err
	}
	var events []store.Event
	err = d.each(ctx, item, max(after, item.Version-1), func(e *store.Event) bool {
		events = append(events, *e)
		return len(events) < most
	})
	return lane, events, err
}

func (d *Dispatcher) lookUp(ctx context.Context, id string) (work.Item, error) {
	return stuck.Find(ctx, d.cfg.Work, d.partitionOf(id), id)
}

func (d *Dispatcher) partitionOf(id string) store.Partition {
	return store.PartitionOf(streamOf(id), d.cfg.Tail.Partitions())
}

// Retry has the event that a lane is stuck at tried now, as if it had never
// failed.
func (d *Dispatcher) Retry(ctx context.Context, id string) error {
	_, item, err := d.own(ctx, id)
	if err != nil {
		return err
	}
	return stuck.Retry(ctx, d.cfg.Work, item.Partition, id, d.cfg.Now())
}

// own finds a lane that is not being worked on, and its consumer.
func (d *Dispatcher) own(ctx context.Context, id string) (*consumer, work.Item, error) {
	item, err := d.lookUp(ctx, id)
	if err != nil {
		return nil, item, err
	}
	c := d.consumerOf(item)
	switch {
	case c == nil:
		err = stuck.ErrOrphan
	case c.isBusy(item.Stream.ID):
		err = stuck.ErrBusy
	}
	if err != nil {
		return nil, item, fmt.Errorf("change %q: %w", id, err)
	}
	return c, item, nil
}

func (c *consumer) isBusy(entity string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.lanes[entity]
	return l != nil && l.busy
}

// Skip gives up the event that a lane is stuck at and goes on with the next.
func (d *Dispatcher) Skip(ctx context.Context, id string) error {
	c, item, err := d.own(ctx, id)
	if err != nil {
		return err
	}
	lane, err := d.describe(ctx, item)
	switch {
	case err != nil:
		return err
	case lane.Event == nil:
		return fmt.Errorf("skip in %q: %w", id, stuck.ErrNotFound)
	}
	e := lane.Event
	err = stuck.Change(ctx, d.cfg.Work, item.Partition, id, func(now work.Item) (*work.Item, []store.Change, error) {
		if now.Version != item.Version {
			return nil, nil, stuck.ErrBusy
		}
		next := advanced(now, e.Version+1)
		next.Status, next.Due = work.Ready, c.cfg.Now()
		return &next, c.cfg.Forget(c.runID(e.Stream, e.Version)), nil
	})
	if err == nil {
		c.gaveUp(e, "someone skipped it")
	}
	return err
}

// Replay retries all parked lanes of an action, and counts them.
func (d *Dispatcher) Replay(ctx context.Context, action string) (int, error) {
	for _, a := range d.cfg.Registry.Actions {
		if a.Name == action && a.Event != nil {
			return stuck.Replay(ctx, d.cfg.Work, d.cfg.Tail.Partitions(), prefixOf(action), d.cfg.Now())
		}
	}
	return 0, fmt.Errorf("replay %q: %w", action, stuck.ErrOrphan)
}
