// Package deliver runs actions on events: at least once for each event, in
// order for one entity, in parallel for several, with durable marks.
package deliver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/talix-dev/talix/internal/commit"
	"github.com/talix-dev/talix/internal/journal"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/stuck"
	"github.com/talix-dev/talix/internal/tail"
	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
)

// Config is what a Dispatcher needs. Zero numbers take the defaults named.
type Config struct {
	Registry *registry.Registry
	Store    store.Store
	Tail     *tail.Tail
	Group    func(store.Partition) *commit.Group
	// Work keeps what failed or waits. Without it, that is tried again in
	// memory, without end.
	Work Work
	// Act runs an action on those of the facts that a stored event is by now
	// which the action takes, in order. fresh: it is certain that the run has no
	// journal yet.
	Act func(ctx context.Context, a *registry.Action, facts registry.Facts, e *store.Event, fresh bool) Run
	// Forget makes the changes that delete what a run has kept. Defaults to
	// those that delete its journal.
	Forget func(run string) []store.Change
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
	Log *slog.Logger
	// Shared: other processes work on the store too. Partitions are then opened
	// and served one by one, while they are this process's.
	Shared bool
	// Own tells whether a partition is this process's now. Nil: it always is.
	Own func(store.Partition) bool

	// Parallel bounds the runs of one action at a time. Defaults to 64.
	Parallel int
	// Window bounds the events of one action and partition that were begun and
	// whose mark has not passed them. Defaults to 8,192.
	Window int
	// FirstPause and LongestPause are how long a failed event waits before it
	// is tried again, where the action does not say. Default to 100 ms and one
	// minute.
	FirstPause, LongestPause time.Duration
	// MarkEvery is how long a mark may lag behind what was done: what a crash
	// makes to be delivered again. Defaults to 100 ms.
	MarkEvery time.Duration
}

// Run is how a run of an action ended.
type Run struct {
	// Err is nil, what the action failed with, or a *registry.Interrupt.
	Err error
	// Journal is the run's id if it kept something that is of no use once it
	// has succeeded.
	Journal string
	// Notes are written with the record of a run that failed or waits; Noted
	// is then called if it is the event's first run and Noted is not nil.
	Notes []store.Change
	Noted func()
}

// Work is what keeps items; a *work.Runner.
type Work interface {
	stuck.Items
	Create(ctx context.Context, item work.Item, more ...store.Change) (work.Item, bool, error)
}

func (c *Config) defaults() {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Forget == nil {
		c.Forget = func(run string) []store.Change { return []store.Change{journal.Forget(run)} }
	}
	if c.Own == nil {
		c.Own = func(store.Partition) bool { return true }
	}
	c.Parallel = cmp.Or(c.Parallel, 64)
	c.Window = cmp.Or(c.Window, 8192)
	c.FirstPause = cmp.Or(c.FirstPause, 100*time.Millisecond)
	c.LongestPause = cmp.Or(c.LongestPause, time.Minute)
	c.MarkEvery = cmp.Or(c.MarkEvery, 100*time.Millisecond)
}

// Dispatcher runs all event-triggered actions of a runtime.
type Dispatcher struct {
	cfg   Config
	kinds map[string]*kind // by action

	mu   sync.RWMutex
	open map[place]*consumer
}

// kind is what the consumers of one action have in common.
type kind struct {
	action *registry.Action
	entity *registry.Entity
	event  *registry.Event // nil: all events of the entity
	slots  chan struct{}
	policy work.Policy
}

type place struct {
	action    string
	partition store.Partition
}

// New prepares the actions' consumers: those that were never started get their
// first mark, so that what is committed from now on is theirs. Shared ones are
// left to Open.
func New(ctx context.Context, cfg Config) (*Dispatcher, error) {
	cfg.defaults()
	d := &Dispatcher{cfg: cfg, kinds: map[string]*kind{}, open: map[place]*consumer{}}
	for _, a := range cfg.Registry.Actions {
		if a.Event != nil {
			d.kinds[a.Name] = d.kindOf(a)
		}
	}
	for p := range cfg.Tail.Partitions() {
		if cfg.Shared {
			break
		}
		if err := d.Open(ctx, store.Partition(p)); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (d *Dispatcher) kindOf(a *registry.Action) *kind {
	k := &kind{action: a, entity: a.Event.Entity, slots: make(chan struct{}, d.cfg.Parallel), policy: d.policyOf(a.Retry)}
	if k.entity == nil {
		k.entity, k.event = d.cfg.Registry.Event(a.Event.Go)
	}
	return k
}

func (d *Dispatcher) policyOf(r registry.Retry) work.Policy {
	return work.Policy{
		First: cmp.Or(r.First, d.cfg.FirstPause), Most: cmp.Or(r.Max, d.cfg.LongestPause),
		Attempts: r.Attempts, Limit: r.Limit,
	}
}

// Open prepares the consumers of one partition, anew if it was opened before.
// They have to rest.
func (d *Dispatcher) Open(ctx context.Context, p store.Partition) error {
	fresh, faults := map[place]*consumer{}, make(chan error, len(d.kinds))
	for name, k := range d.kinds { // all at the same time: nobody serves the partition meanwhile
		c := &consumer{kind: k, cfg: &d.cfg, partition: p}
		fresh[place{name, p}] = c
		go func() {
			err := c.prepare(ctx)
			if err != nil {
				err = fmt.Errorf("open action %s: %w", name, err)
			}
			faults <- err
		}()
	}
	var all error
	for range fresh {
		all = errors.Join(all, <-faults)
	}
	if all != nil {
		return all
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	maps.Copy(d.open, fresh)
	return nil
}

// Close forgets the consumers of a partition, which rest.
func (d *Dispatcher) Close(p store.Partition) {
	d.mu.Lock()
	defer d.mu.Unlock()
	maps.DeleteFunc(d.open, func(at place, _ *consumer) bool { return at.partition == p })
}

// Run delivers until ctx ends, and returns when nothing is under way and the
// marks are stored.
func (d *Dispatcher) Run(ctx context.Context) {
	d.run(ctx, func(*consumer) bool { return true })
}

// Serve is Run for one partition, which is open.
func (d *Dispatcher) Serve(ctx context.Context, p store.Partition) {
	d.run(ctx, func(c *consumer) bool { return c.partition == p })
}

func (d *Dispatcher) run(ctx context.Context, which func(*consumer) bool) {
	var all sync.WaitGroup
	for _, c := range d.consumers() {
		if which(c) {
			all.Go(func() { c.run(ctx) })
		}
	}
	all.Wait()
}

// consumers are those that are open, in the order of actions and partitions.
func (d *Dispatcher) consumers() []*consumer {
	d.mu.RLock()
	defer d.mu.RUnlock()
	var all []*consumer
	for _, a := range d.cfg.Registry.Actions {
		for p := range d.cfg.Tail.Partitions() {
			if c := d.open[place{a.Name, store.Partition(p)}]; c != nil {
				all = append(all, c)
			}
		}
	}
	return all
}

// Status is where an action stands in one partition.
type Status struct {
	Action    string
	Partition store.Partition
	Mark      store.Position // all events up to here are done
	Head      store.Position // the last event
	Begun     int            // events that were begun and are not done
	Lanes     int            // entities at whose events it failed or waits
	Skipped   int            // events that were given up since the start
}

// Status tells where all actions stand, in the partitions that are open here.
func (d *Dispatcher) Status() []Status {
	consumers := d.consumers()
	out := make([]Status, len(consumers))
	for i, c := range consumers {
		out[i] = c.status()
	}
	return out
}

func (c *consumer) status() Status {
	mark, begun := c.window.state()
	s := Status{Action: c.action.Name, Partition: c.partition, Mark: mark, Head: c.cfg.Tail.Head(c.partition), Begun: begun}
	c.mu.Lock()
	defer c.mu.Unlock()
	s.Skipped = c.skipped
	for _, l := range c.lanes {
		if l.state != guarding {
			s.Lanes++
		}
	}
	return s
}
