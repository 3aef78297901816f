package queue_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/talix-dev/talix/broker"
	brokermemory "github.com/talix-dev/talix/broker/memory"
	"github.com/talix-dev/talix/internal/deliver"
	"github.com/talix-dev/talix/internal/journal"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

// life is a store as one process sees it, until it is killed.
type life struct {
	keeping
	dead atomic.Bool
}

var errKilled = errors.New("the process was killed")

func (l *life) Commit(ctx context.Context, p store.Partition, b []store.Batch) []store.Outcome {
	if l.dead.Load() {
		return slices.Repeat([]store.Outcome{{Status: store.Failed, Err: errKilled}}, len(b))
	}
	return l.keeping.Commit(ctx, p, b)
}

// fate is what was seen of a message, and what is to become of it.
type fate struct {
	outages int  // that are still to come, and are not counted
	fails   int  // failures that are still to come; below zero: until it is mended
	steps   bool // it has a journal
	stepped bool // which is durable
	done    bool
	given   bool // someone gave it up
}

// chaos runs lives of a process one after another and checks at each run of a
// message what must hold.
type chaos struct {
	t    *testing.T
	w    *world
	calm atomic.Bool

	mu    sync.Mutex
	fates map[string][]*fate // by key; of the nth message at n
	now   *life
	host  *host
}

func (c *chaos) chance(n int) bool { return !c.calm.Load() && rand.IntN(100) < n }

func (c *chaos) fault(store.Partition, []store.Batch) memory.Fault {
	f := memory.Fault{Delay: c.slowness()}
	if c.chance(12) {
		f.Kind = memory.Kind(1 + rand.IntN(4))
	}
	return f
}

func (c *chaos) readFault(string) error {
	pass(c.slowness())
	if c.chance(4) {
		return memory.ErrInjected
	}
	return nil
}

// slowness is how long the store takes: most often hardly any time.
func (c *chaos) slowness() time.Duration {
	if !c.chance(30) {
		return 0
	}
	return time.Duration(rand.IntN(40)) * time.Millisecond
}

func (c *chaos) brokerFault(brokermemory.Call) (f brokermemory.Fault) {
	if c.chance(10) {
		f.Before = brokermemory.ErrInjected
	} else if c.chance(10) {
		f.After = brokermemory.ErrInjected
	}
	return f
}

// begin checks that it is the message's turn.
func (c *chaos) begin(l *life, m broker.Message) *fate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l.dead.Load() {
		return nil
	}
	var n int
	fmt.Sscanf(m.ID, m.Key+"-%d", &n)
	for i, before := range c.fates[m.Key][:n] {
		if !before.done && !before.given {
			c.t.Errorf("%s runs before number %d is done", m.ID, i)
		}
	}
	return c.fates[m.Key][n]
}

func (c *chaos) act(l *life, h **host) act {
	return func(ctx context.Context, m broker.Message, item work.Item) deliver.Run {
		f := c.begin(l, m)
		if f == nil {
			return deliver.Run{Err: errKilled}
		}
		run := deliver.Run{}
		if f.steps {
			run.Journal = item.Run
			if err := c.step(ctx, *h, f, item); err != nil {
				return deliver.Run{Err: &registry.Interrupt{Kind: registry.Broken, Cause: err}}
			}
		}
		if rand.IntN(20) == 0 {
			pass(time.Duration(rand.IntN(300)) * time.Millisecond)
		}
		run.Err = c.end(ctx, l, f)
		return run
	}
}

// step writes the journal, or finds it.
func (c *chaos) step(ctx context.Context, h *host, f *fate, item work.Item) error {
	key := item.Run + "/0001"
	_, found, err := c.w.store.Record(ctx, item.Partition, journal.Space, key)
	if err != nil {
		return err
	}
	c.mu.Lock()
	stepped := f.stepped
	c.mu.Unlock()
	if stepped && !found {
		c.t.Errorf("the completed step of %s would run again", item.Run)
	}
	if found {
		return nil
	}
	pending := h.groups[item.Partition].Submit(store.Batch{Records: []store.Change{{
		Record: store.Record{Space: journal.Space, Key: key, Rev: h.ids.New(), Data: []byte("{}")}, Blind: true,
	}}}, nil)
	pending.Wait(context.Background())
	if o := pending.Outcome(); o.Status != store.Durable {
		return fmt.Errorf("%s: %w", o.Status, o.Err)
	}
	c.mu.Lock()
	f.stepped = true
	c.mu.Unlock()
	return nil
}

// end is how a run ends.
func (c *chaos) end(ctx context.Context, l *life, f *fate) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case ctx.Err() != nil || l.dead.Load():
		return errKilled
	case f.outages > 0:
		f.outages--
		return registry.Faultf(registry.Unavailable, "the surroundings are away")
	case c.chance(5):
		return &registry.Interrupt{Kind: registry.Suspended, Until: time.Now().Add(time.Duration(rand.IntN(5000)) * time.Millisecond)}
	case f.fails != 0:
		f.fails--
		if f.fails%2 == 0 {
			panic("a bug")
		}
		return errors.New("it fails")
	}
	f.done = true
	return nil
}

// pass lets time pass in the test's bubble.
func pass(d time.Duration) { <-time.After(d) }

// live starts a life.
func (c *chaos) live() {
	l := &life{keeping: c.w.store}
	var h *host
	c.w.become(c.act(l, &h))
	for {
		var err error
		if h, err = c.w.open(context.Background(), l); err == nil {
			break
		}
		pass(time.Millisecond)
	}
	c.now, c.host = l, h
	h.begin()
}

// die ends a life: by being stopped, or by being killed.
func (c *chaos) die() {
	if rand.IntN(3) > 0 {
		c.mu.Lock()
		c.now.dead.Store(true)
		c.mu.Unlock()
		c.host.broker.Close()
	}
	c.host.stop()
	// What the process had under way has landed or is lost.
	calm := c.calm.Swap(true)
	for p := range c.w.store.Partitions() {
		c.w.store.Commit(context.Background(), store.Partition(p), nil)
	}
	c.calm.Store(calm)
}

// publish publishes a message, and plans what becomes of it.
func (c *chaos) publish() {
	key := fmt.Sprint("k", rand.IntN(4))
	f := &fate{steps: rand.IntN(3) == 0}
	switch rand.IntN(8) {
	case 0, 1:
		f.fails = 1 + rand.IntN(5)
	case 2:
		f.fails = -1 << 30
	case 3:
		f.outages = 1 + rand.IntN(6)
	}
	c.mu.Lock()
	id := fmt.Sprintf("%s-%d", key, len(c.fates[key]))
	c.fates[key] = append(c.fates[key], f)
	c.mu.Unlock()
	c.w.publish(key, id)
}

// meddle retries or skips something that is stuck.
func (c *chaos) meddle() {
	all, err := c.host.queues.Parked(context.Background(), "act", "", 100)
	if err != nil || len(all) == 0 {
		return
	}
	switch s := all[rand.IntN(len(all))]; rand.IntN(3) {
	case 0:
		c.host.queues.Replay(context.Background(), "act")
	case 1:
		c.host.queues.Retry(context.Background(), s.ID)
	case 2:
		c.mu.Lock()
		c.fateOf(s.ID).given = true // soon, or not at all
		c.mu.Unlock()
		c.host.queues.Skip(context.Background(), s.ID)
	}
}

// fateOf finds a message by its item. c.mu is held.
func (c *chaos) fateOf(item string) *fate {
	parts := strings.Split(item, "/")
	var n int
	fmt.Sscanf(parts[3], parts[2]+"-%d", &n)
	return c.fates[parts[2]][n]
}

func TestNothingIsLostInChaos(t *testing.T) {
	t.Parallel()
	for seed := range 10 {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, chaosRun)
		})
	}
}

func chaosRun(t *testing.T) {
	c := &chaos{t: t, fates: map[string][]*fate{}}
	c.w = newWorld(t, memory.Config{Partitions: 2, Fault: c.fault, ReadFault: c.readFault}, brokermemory.Config{Fault: c.brokerFault}, nil)
	c.w.log = slog.New(slog.DiscardHandler)
	c.live()
	for range 200 {
		switch n := rand.IntN(100); {
		case n < 5:
			c.die()
			c.live()
		case n < 12:
			c.meddle()
		case n < 40:
			pass(time.Duration(rand.IntN(1000)) * time.Millisecond)
		default:
			c.publish()
		}
	}
	c.die()
	c.calm.Store(true)
	c.mend()
	c.live()
	pass(time.Hour)
	if _, err := c.host.queues.Replay(t.Context(), "act"); err != nil {
		t.Error(err)
	}
	pass(time.Hour)
	c.verify()
	c.host.stop()
}

func (c *chaos) mend() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, all := range c.fates {
		for _, f := range all {
			f.fails, f.outages = 0, 0
		}
	}
}

func (c *chaos) verify() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, all := range c.fates {
		for i, f := range all {
			if !f.done && !f.given {
				c.t.Errorf("%s-%d was lost", key, i)
			}
		}
	}
	for _, s := range c.host.stuck() {
		c.t.Errorf("this is left: %+v, with %d behind", s.Item, s.Behind)
	}
	if n := c.w.records(work.Space); n != 0 {
		c.t.Errorf("%d items are left", n)
	}
	if n := c.w.records(journal.Space); n != 0 {
		c.t.Errorf("%d entries of journals are left", n)
	}
	if s := c.host.queues.Status()[0]; s.Begun != 0 || s.Kept != 0 {
		c.t.Errorf("under way: %+v", s)
	}
}
