package queue

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/talix-dev/talix/broker"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
)

// consumer receives the messages of one action's topic. A message whose first
// run succeeds leaves no record; what fails or waits is kept as an item, and so
// are those of its lane that come after it. A message is acknowledged only
// then.
type consumer struct {
	*taker
	broker broker.Broker
	work   sync.WaitGroup

	mu    sync.Mutex
	lanes map[string]*lane
	ids   map[string]struct{} // of all items that are kept
}

// lane is what is done one after another. c.mu guards the fields; a lane in
// which nothing is left is forgotten.
type lane struct {
	queue []*broker.Delivery // the first is being worked on
	kept  []kept             // what has items, in order
	last  store.Version      // the place of the last item
	turn  chan struct{}      // holds one while someone works on the items
}

type kept struct {
	id    string
	place store.Version
	first bool // it stands behind no other, and its item says so
}

// lane finds a lane, or makes it. c.mu is held.
func (c *consumer) lane(name string) *lane {
	l := c.lanes[name]
	if l == nil {
		l = &lane{turn: make(chan struct{}, 1)}
		c.lanes[name] = l
	}
	return l
}

// tidy forgets a lane in which nothing is left. c.mu is held.
func (c *consumer) tidy(name string) {
	if l := c.lanes[name]; l != nil && len(l.queue) == 0 && len(l.kept) == 0 && len(l.turn) == 0 {
		delete(c.lanes, name)
	}
}

// run receives until ctx ends.
func (c *consumer) run(ctx context.Context) {
	c.promoteAll(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c.receive(ctx)
	}()
	<-ctx.Done()
	grace := time.NewTimer(c.cfg.Grace)
	defer grace.Stop()
	select {
	case <-ended:
	case <-grace.C:
		c.cfg.Log.Error("the broker does not end receiving; it will once it is closed", "action", c.action.Name, "topic", c.action.Queue.Topic)
	}
	c.work.Wait()
}

func (c *consumer) receive(ctx context.Context) {
	sub := broker.Subscription{Topic: c.action.Queue.Topic, Group: c.action.Name, InFlight: cmp.Or(c.action.Queue.InFlight, 256)}
	for attempt := 1; ctx.Err() == nil; attempt++ {
		began := time.Now()
		err := c.broker.Receive(ctx, sub, func(d *broker.Delivery) { c.take(ctx, d) })
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > c.policy.Most {
			attempt = 1
		}
		c.cfg.Log.Error("receive from broker; it is tried again", "action", c.action.Name, "topic", sub.Topic, "error", err)
		c.pause(ctx, attempt)
	}
}

// take puts a message at the end of its lane's queue.
func (c *consumer) take(ctx context.Context, d *broker.Delivery) {
	name := Lane(d.Message)
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.lane(name)
	l.queue = append(l.queue, d)
	if len(l.queue) == 1 {
		c.work.Go(func() { c.drive(ctx, name, l) })
	}
}

// drive works on the messages of a lane, one after another.
func (c *consumer) drive(ctx context.Context, name string, l *lane) {
	for d := c.head(l); d != nil; d = c.next(name, l) {
		if ctx.Err() != nil || !c.finish(ctx, l, d) {
			c.settle(ctx, d, "give back", d.Back)
		}
	}
}

func (c *consumer) head(l *lane) *broker.Delivery {
	c.mu.Lock()
	defer c.mu.Unlock()
	return l.queue[0]
}

func (c *consumer) next(name string, l *lane) *broker.Delivery {
	c.mu.Lock()
	defer c.mu.Unlock()
	l.queue = l.queue[1:]
	if len(l.queue) == 0 {
		l.queue = nil
		c.tidy(name)
		return nil
	}
	return l.queue[0]
}

// tries bounds how often a message is tried to be settled: the broker delivers
// it again if its connection is lost.
const tries = 8

// settle tells the broker what becomes of a message, also shortly after ctx
// ended; false if that failed.
func (c *consumer) settle(ctx context.Context, d *broker.Delivery, what string, do func(context.Context) error) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.cfg.Grace)
	defer cancel()
	for attempt := 1; ; attempt++ {
		err := do(ctx)
		if err == nil {
			return true
		}
		if attempt == tries || errors.Is(err, broker.ErrClosed) || errors.Is(err, broker.ErrTooLarge) || !c.pause(ctx, attempt) {
			c.cfg.Log.Warn("a message could not be settled", "action", c.action.Name, "message", d.ID, "what", what, "error", err)
			return false
		}
	}
}

// finish sees to it that a message is done, or kept, and acknowledges it; false
// if ctx ended.
func (c *consumer) finish(ctx context.Context, l *lane, d *broker.Delivery) bool {
	item := c.itemOf(d.Message)
	var over, behind bool
	ok := c.insist(ctx, "whether it was done", func(ctx context.Context) (err error) {
		over, behind, err = c.known(ctx, l, item)
		return err
	})
	switch {
	case !ok:
		return false
	case over:
		c.settle(ctx, d, "acknowledge", d.Ack)
		return true
	case behind:
		item.Status, item.Due = work.Behind, time.Time{}
		return c.keepIn(ctx, l, d, item, nil)
	}
	return c.attempt(ctx, l, d, item)
}

// known tells whether a message needs nothing any more: it was done, or is
// kept. Or else whether it stands behind one that is kept.
func (c *consumer) known(ctx context.Context, l *lane, item work.Item) (over, behind bool, err error) {
	c.mu.Lock()
	behind = len(l.kept) > 0
	_, over = c.ids[item.ID]
	c.mu.Unlock()
	if !over {
		over, err = c.wasDone(ctx, item)
	}
	return over, behind, err
}

// attempt runs a message from memory, until it succeeds or has to be kept.
func (c *consumer) attempt(ctx context.Context, l *lane, d *broker.Delivery, item work.Item) bool {
	fresh := d.Attempt == 1 && !c.journaled
	for attempt := 1; ; attempt++ {
		run := c.try(ctx, d.Message, item, fresh && attempt == 1)
		switch {
		case run.Err == nil:
			return c.succeeded(ctx, d, item, run.Journal)
		case ctx.Err() != nil:
			return false
		case work.Outage(run.Err):
			if !c.pause(ctx, attempt) {
				return false
			}
		case c.action.Queue.Dead && !waits(run.Err):
			item = c.policy.Failed(item, run.Err, c.cfg.Now(), nil)
			if item.Status == work.Parked {
				return c.bury(ctx, l, d, item)
			}
			if !wait(ctx, item.Due.Sub(c.cfg.Now())) {
				return false
			}
		default:
			item = c.policy.After(work.Item{}, item, run.Err, c.cfg.Now())
			return c.keepIn(ctx, l, d, item, run.Notes)
		}
	}
}

// waits tells whether a run did not fail, but goes on later.
func waits(err error) bool {
	i, ok := errors.AsType[*registry.Interrupt](err)
	return ok && i.Kind == registry.Suspended
}

// succeeded acknowledges a message. One with a journal is put on record first,
// since its steps must not be run again if it is delivered again.
func (c *consumer) succeeded(ctx context.Context, d *broker.Delivery, item work.Item, journal string) bool {
	if journal != "" && !c.insist(ctx, "put it on record as done", func(ctx context.Context) error { return c.recordJournaled(ctx, item) }) {
		return false
	}
	c.settle(ctx, d, "acknowledge", d.Ack)
	return true
}

// bury moves a message to the dead-letter queue, or parks it if that cannot be.
func (c *consumer) bury(ctx context.Context, l *lane, d *broker.Delivery, item work.Item) bool {
	c.cfg.Log.Warn("a message goes to the dead-letter queue", "action", c.action.Name, "message", d.ID, "attempts", item.Attempts, "error", item.Error)
	if !c.settle(ctx, d, "move to the dead-letter queue", func(ctx context.Context) error { return d.Dead(ctx, item.Error) }) {
		return c.keepIn(ctx, l, d, item, nil)
	}
	c.insist(ctx, "put it on record as done", func(ctx context.Context) error { return c.record(ctx, item) })
	return true
}

// keepIn keeps a message as the last of its lane and acknowledges it.
func (c *consumer) keepIn(ctx context.Context, l *lane, d *broker.Delivery, item work.Item, notes []store.Change) bool {
	first := item.Status != work.Behind
	if first { // no one may run the item before the lane knows of it
		l.turn <- struct{}{}
		defer c.release(l, item.Lane)
	}
	item.Version = c.place(l)
	var is bool
	ok := c.insist(ctx, "keep it", func(ctx context.Context) (err error) {
		is, err = c.keep(ctx, item, notes)
		return err
	})
	if !ok {
		return false
	}
	if is {
		c.append(ctx, l, kept{item.ID, item.Version, first})
	}
	c.settle(ctx, d, "acknowledge", d.Ack)
	return true
}

// place is the next one at the end of a lane.
func (c *consumer) place(l *lane) store.Version {
	c.mu.Lock()
	defer c.mu.Unlock()
	l.last++
	return l.last
}

func (c *consumer) append(ctx context.Context, l *lane, k kept) {
	c.mu.Lock()
	l.kept = append(l.kept, k)
	c.ids[k.id] = struct{}{}
	alone := len(l.kept) == 1 && !k.first
	c.mu.Unlock()
	if alone { // the one before it was done meanwhile
		c.promote(ctx, l)
	}
}

// release ends a turn.
func (c *consumer) release(l *lane, name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	<-l.turn
	c.tidy(name)
}
