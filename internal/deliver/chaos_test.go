package deliver_test

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

	"github.com/talix-dev/talix/internal/deliver"
	"github.com/talix-dev/talix/internal/journal"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/stuck"
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

// event of the chaos: what was seen of it.
type fate struct {
	outages int  // that are still to come, and are not counted
	fails   int  // failures that are still to come; below zero: until it is mended
	steps   bool // it has a journal
	stepped bool // which is durable
	done    bool
	dones   map[int]int // by life
	skipped int         // in which life; 0: it was not
	maybe   bool        // or it may have been
}

// chaos runs lives of a process one after another and checks at each run of an
// event what must hold.
type chaos struct {
	t    *testing.T
	w    *world
	calm atomic.Bool

	mu    sync.Mutex
	fates map[string][]*fate // by entity; of version i+1 at i
	life  int
	// skipping is the entity one of whose events is being given up.
	skipping string
	now      *life
	host     *host
}

// chance is true n times in 100, by a source of its own so that it can be asked
// from everywhere.
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

// begin plans what becomes of a run, after checking that it is the event's turn.
func (c *chaos) begin(l *life, e *store.Event) (f *fate, life int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l.dead.Load() {
		return nil, 0
	}
	all := c.fates[e.Stream.ID]
	f = all[e.Version-1]
	for v, before := range all[:e.Version-1] {
		if c.skipping != e.Stream.ID && before != nil && !before.done && before.skipped == 0 && !before.maybe {
			c.t.Errorf("%s: version %d runs before version %d is done", e.Stream.ID, e.Version, v+1)
		}
	}
	if f.skipped != 0 && f.skipped != c.life {
		c.t.Errorf("%s: version %d runs again though it was skipped before the restart", e.Stream.ID, e.Version)
	}
	if f.dones[c.life] > 0 {
		c.t.Errorf("%s: version %d runs again in the same life", e.Stream.ID, e.Version)
	}
	return f, c.life
}

func (c *chaos) act(l *life, h **host) act {
	return func(ctx context.Context, e *store.Event) deliver.Run {
		f, life := c.begin(l, e)
		if f == nil {
			return deliver.Run{Err: errKilled}
		}
		run := deliver.Run{}
		if f.steps {
			run.Journal = registry.RunID("event", "act", e.Stream.Type, e.Stream.ID, fmt.Sprint(e.Version))
			if err := c.step(ctx, *h, e, f, run.Journal); err != nil {
				return deliver.Run{Err: &registry.Interrupt{Kind: registry.Broken, Cause: err}}
			}
		}
		if d := rand.IntN(20); d == 0 {
			pass(time.Duration(rand.IntN(300)) * time.Millisecond)
		}
		run.Err = c.end(ctx, l, f, life)
		return run
	}
}

// step writes the journal, or finds it.
func (c *chaos) step(ctx context.Context, h *host, e *store.Event, f *fate, run string) error {
	key := run + "/0001"
	c.mu.Lock()
	stepped := f.stepped // asked first: a run of a life that was killed may be writing it
	c.mu.Unlock()
	_, found, err := c.w.store.Record(ctx, e.Partition, journal.Space, key)
	if err != nil {
		return err
	}
	c.mu.Lock()
	given := c.skipping == e.Stream.ID || f.skipped != 0 || f.maybe // up, while it ran
	c.mu.Unlock()
	if stepped && !found && !given {
		c.t.Errorf("the completed step of %s would run again", run)
	}
	if found {
		return nil
	}
	pending := h.groups[e.Partition].Submit(store.Batch{Records: []store.Change{{
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
func (c *chaos) end(ctx context.Context, l *life, f *fate, life int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case ctx.Err() != nil || l.dead.Load():
		return errKilled
	case f.outages > 0:
		f.outages--
		return registry.Faultf(registry.Unavailable, "the broker is away")
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
	f.dones[life]++
	return nil
}

// pass lets time pass in the test's bubble.
func pass(d time.Duration) { <-time.After(d) }

// live starts a life.
func (c *chaos) live() {
	c.mu.Lock()
	c.life++
	c.now = &life{keeping: c.w.store}
	l := c.now
	c.mu.Unlock()
	var h *host
	c.w.become(c.act(l, &h))
	for {
		var err error
		if h, err = c.w.open(context.Background(), l); err == nil {
			break
		}
		pass(time.Millisecond)
	}
	c.host = h
	h.begin()
}

// die ends a life: by being stopped, or by being killed.
func (c *chaos) die() {
	if rand.IntN(3) > 0 {
		c.mu.Lock()
		c.now.dead.Store(true)
		c.mu.Unlock()
	}
	c.host.stop()
	// What the process had under way has landed or is lost.
	calm := c.calm.Swap(true)
	for p := range c.w.store.Partitions() {
		c.w.store.Commit(context.Background(), store.Partition(p), nil)
	}
	c.calm.Store(calm)
}

// emit appends events, and plans what becomes of them.
func (c *chaos) emit() {
	entity := fmt.Sprint("e", rand.IntN(4))
	if rand.IntN(6) == 0 {
		c.mu.Lock()
		c.fates[entity] = append(c.fates[entity], nil)
		c.mu.Unlock()
		c.host.emit("THING:OTHER", entity, 1)
		return
	}
	f := &fate{steps: rand.IntN(3) == 0, dones: map[int]int{}}
	switch rand.IntN(8) {
	case 0, 1:
		f.fails = 1 + rand.IntN(5)
	case 2:
		f.fails = -1 << 30
	case 3:
		f.outages = 1 + rand.IntN(6)
	}
	c.mu.Lock()
	c.fates[entity] = append(c.fates[entity], f)
	c.mu.Unlock()
	c.host.make(entity, 1)
}

// meddle retries or skips something that is stuck.
func (c *chaos) meddle() {
	lanes, err := c.host.dispatcher.Parked(context.Background(), "act", "", 100)
	if err != nil || len(lanes) == 0 {
		return
	}
	lane := lanes[rand.IntN(len(lanes))]
	switch rand.IntN(3) {
	case 0:
		c.host.dispatcher.Replay(context.Background(), "act")
	case 1:
		c.host.dispatcher.Retry(context.Background(), lane.ID)
	case 2:
		c.skip(lane)
	}
}

// skip gives up what a lane is stuck at. The log tells which event it was; after
// an error it may have been any.
func (c *chaos) skip(lane deliver.Lane) {
	c.mu.Lock()
	c.skipping = lane.Stream.ID
	c.mu.Unlock()
	err := c.host.dispatcher.Skip(context.Background(), lane.ID)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.skipping = ""
	if err == nil || errors.Is(err, stuck.ErrBusy) || errors.Is(err, stuck.ErrNotFound) {
		return
	}
	for _, f := range c.fates[lane.Stream.ID] {
		if f != nil && !f.done {
			f.maybe = true
		}
	}
}

// Handle implements slog.Handler.
func (c *chaos) Handle(_ context.Context, r slog.Record) error {
	if r.Message != "an event was given up" {
		return nil
	}
	var entity string
	var version int64
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "entity":
			entity = strings.TrimPrefix(a.Value.String(), "thing/")
		case "version":
			version = int64(a.Value.Any().(store.Version))
		}
		return true
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fates[entity][version-1].skipped = c.life
	return nil
}

func (c *chaos) Enabled(context.Context, slog.Level) bool { return true }
func (c *chaos) WithAttrs([]slog.Attr) slog.Handler       { return c }
func (c *chaos) WithGroup(string) slog.Handler            { return c }

func TestNothingIsLostInChaos(t *testing.T) {
	t.Parallel()
	for seed := range 10 {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { chaosRun(t) })
		})
	}
}

func chaosRun(t *testing.T) {
	c := &chaos{t: t, fates: map[string][]*fate{}}
	c.w = newWorld(t, memory.Config{Partitions: 2, Fault: c.fault, ReadFault: c.readFault}, nil)
	c.w.log = slog.New(c)
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
			c.emit()
		}
	}
	c.die()
	c.calm.Store(true)
	c.mend()
	c.live()
	pass(time.Hour)
	if _, err := c.host.dispatcher.Replay(t.Context(), "act"); err != nil {
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
			if f != nil {
				f.fails, f.outages = 0, 0
			}
		}
	}
}

func (c *chaos) verify() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for entity, all := range c.fates {
		for i, f := range all {
			if f != nil && !f.done && f.skipped == 0 && !f.maybe {
				c.t.Errorf("%s: version %d was lost", entity, i+1)
			}
		}
	}
	for _, lane := range c.host.lanes() {
		c.t.Errorf("this is left: %+v, event %v", lane.Item, lane.Event)
	}
	if n := c.w.items(); n != 0 {
		c.t.Errorf("%d items are left", n)
	}
	for p := range c.w.store.Partitions() {
		left, err := c.w.store.Records(context.Background(), store.Partition(p), journal.Space, "", "", 100)
		if err != nil || len(left) > 0 {
			c.t.Errorf("%d journals are left, such as %v: %v", len(left), left, err)
		}
	}
}
