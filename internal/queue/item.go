package queue

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/talix-dev/talix/broker"
	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
)

// maxRun bounds the messages that one run of an item takes.
const maxRun = 64

// restore puts an item that was left into its lane.
func (c *consumer) restore(item work.Item) {
	if item.Status.Finished() {
		return
	}
	name := laneOf(item.ID)
	l := c.lane(name)
	c.ids[item.ID] = struct{}{}
	l.kept = append(l.kept, kept{item.ID, item.Version, item.Status != work.Behind})
	slices.SortFunc(l.kept, func(a, b kept) int { return cmp.Compare(a.place, b.place) })
	l.last = max(l.last, item.Version)
}

// promoteAll lets the lanes go on whose first item stood behind another when
// the process ended.
func (c *consumer) promoteAll(ctx context.Context) {
	c.mu.Lock()
	lanes := maps.Clone(c.lanes)
	c.mu.Unlock()
	for _, l := range lanes {
		c.promote(ctx, l)
	}
}

// promote has the first item of a lane run.
func (c *consumer) promote(ctx context.Context, l *lane) {
	k, ok := c.first(l)
	if !ok || k.first {
		return
	}
	c.insist(ctx, "let the next one go on", func(ctx context.Context) error {
		_, err := c.cfg.Work.Update(ctx, c.home, k.id, func(now work.Item) (*work.Item, []store.Change, error) {
			if now.Status == work.Behind {
				now.Status, now.Due = work.Ready, c.cfg.Now()
			}
			return &now, nil, nil
		})
		if errors.Is(err, work.ErrNotFound) {
			return nil
		}
		return err
	})
}

func (c *consumer) first(l *lane) (kept, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(l.kept) == 0 {
		return kept{}, false
	}
	return l.kept[0], true
}

// runItem runs an item, and then those behind it, until one fails or waits, or
// none is left.
func (c *consumer) runItem(ctx context.Context, item work.Item) work.Verdict {
	l, ok := c.enter(ctx, item.Lane)
	if !ok {
		return nil
	}
	defer c.release(l, item.Lane)
	if verdict := c.misplaced(l, item); verdict != nil {
		return verdict
	}
	for range maxRun {
		if !c.runKept(ctx, item) {
			return nil
		}
		next, ok := c.following(ctx, l)
		if !ok {
			return nil
		}
		item = next
	}
	c.promote(ctx, l)
	return nil
}

// enter takes a lane's turn; false if ctx ended.
func (c *consumer) enter(ctx context.Context, name string) (*lane, bool) {
	for {
		c.mu.Lock()
		l := c.lane(name)
		c.mu.Unlock()
		select {
		case l.turn <- struct{}{}:
		case <-ctx.Done():
			return nil, false
		}
		c.mu.Lock()
		same := c.lanes[name] == l
		c.mu.Unlock()
		if same {
			return l, true
		}
		<-l.turn
	}
}

// misplaced is the verdict on an item that is not the first of its lane.
func (c *consumer) misplaced(l *lane, item work.Item) work.Verdict {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch at := slices.IndexFunc(l.kept, func(k kept) bool { return k.id == item.ID }); {
	case at == 0:
		return nil
	case at > 0:
		return putBehind
	}
	// It was skipped, or an earlier runtime wrote it and it became durable after
	// this one began: then the broker delivers it again.
	return remove
}

func putBehind(now work.Item) (*work.Item, []store.Change) {
	now.Status, now.Due = work.Behind, time.Time{}
	return &now, nil
}

func remove(work.Item) (*work.Item, []store.Change) { return nil, nil }

// following takes the first item, which is done, from its lane, and reads the
// next; false if there is none, or ctx ended.
func (c *consumer) following(ctx context.Context, l *lane) (item work.Item, ok bool) {
	for c.pop(l) {
		k, _ := c.first(l)
		found := false
		ok := c.insist(ctx, "read the next one", func(ctx context.Context) (err error) {
			item, found, err = c.cfg.Work.Get(ctx, c.home, k.id)
			return err
		})
		if !ok || found {
			return item, ok
		}
	}
	return item, false
}

// pop takes the first item from its lane, and tells whether one is left.
func (c *consumer) pop(l *lane) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.ids, l.kept[0].id)
	l.kept = l.kept[1:]
	return len(l.kept) > 0
}

// runKept runs an item of a lane.
func (c *consumer) runKept(ctx context.Context, item work.Item) bool {
	if c.action.Queue.Dead {
		return c.taker.runKept(ctx, item, c.publishDead)
	}
	return c.taker.runKept(ctx, item, nil)
}

// publishDead moves a message that was acknowledged to the dead-letter queue.
func (c *consumer) publishDead(ctx context.Context, m broker.Message, reason string) error {
	attributes := maps.Clone(m.Attributes)
	if attributes == nil {
		attributes = map[string]string{}
	}
	topic := c.action.Queue.Topic
	attributes[broker.DeadReason], attributes[broker.DeadTopic], attributes[broker.DeadGroup] = reason, topic, c.action.Name
	m.Attributes = attributes
	return c.broker.Publish(ctx, broker.DeadLetter(topic), m)
}
