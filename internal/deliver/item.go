package deliver

import (
	"context"
	"time"

	"github.com/talix-dev/talix/internal/stuck"
	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
)

// maxRun bounds the events that one run of an item takes, so that what is done
// is written now and then.
const maxRun = 64

// RunItem runs a lane's item: the event that it is stuck at, then those behind
// it, until one fails or waits, or none is left. Then the entity's events take
// the short way again.
func (d *Dispatcher) RunItem(ctx context.Context, item work.Item) work.Verdict {
	c := d.consumerOf(item)
	if c == nil {
		return stuck.Orphaned
	}
	l, err := c.enter(ctx, item.Stream.ID)
	switch {
	case err != nil:
		return nil
	case l == nil:
		return c.stray
	}
	defer c.leave(l)
	return (&laneRun{consumer: c, lane: l, began: item, version: item.Version}).run(ctx)
}

// consumerOf is nil for an orphan's item, or one whose partition is not open
// here.
func (d *Dispatcher) consumerOf(item work.Item) *consumer {
	if d.actionOf(item) == nil {
		return nil
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.open[place{item.Action, item.Partition}]
}

// actionOf is nil for an orphan's item.
func (d *Dispatcher) actionOf(item work.Item) *kind {
	k := d.kinds[item.Action]
	if k == nil || k.entity.Type != item.Stream.Type {
		return nil
	}
	return k
}

// enter finds the open lane of an item; nil if it is none's.
func (c *consumer) enter(ctx context.Context, entity string) (*lane, error) {
	c.mu.Lock()
	l := c.lanes[entity]
	c.mu.Unlock()
	if l == nil {
		return nil, nil
	}
	select {
	case <-l.ready:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if l.state != open {
		return nil, nil
	}
	l.busy = true
	return l, nil
}

func (c *consumer) leave(l *lane) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l.busy = false
}

// stray undoes an item that an earlier runtime wrote and that became durable
// after this one began: its events are taken anew, since no mark has passed
// them.
func (c *consumer) stray(now work.Item) (*work.Item, []store.Change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch l := c.lanes[now.Stream.ID]; {
	case l == nil:
		return nil, nil
	case l.state == guarding:
		guard := guardOf(now, l.version)
		return &guard, nil
	}
	return &now, nil // of the lane that is made meanwhile
}

// guardOf is the item that tells which events of an entity are done.
func guardOf(item work.Item, version store.Version) work.Item {
	item = advanced(item, version)
	item.Status, item.Due = work.Done, time.Time{}
	return item
}

// advanced is an item whose events below version are done.
func advanced(item work.Item, version store.Version) work.Item {
	if version <= item.Version {
		return item
	}
	item = item.Recovered()
	item.Version, item.Run, item.Awaits, item.Signals = version, "", "", 0
	item.Cancel, item.Hold = false, false
	return item
}
