// Package deliver runs actions on events: at least once for each event, in
// order for one entity, in parallel for several, with durable marks.
package deliver

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/talix-dev/talix/internal/commit"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/tail"
	"github.com/talix-dev/talix/store"
)

// Config is what a Dispatcher needs. Zero numbers take the defaults named.
type Config struct {
	Registry *registry.Registry
	Store    store.Store
	Tail     *tail.Tail
	Group    func(store.Partition) *commit.Group
	// Act runs an action on a decoded event.
	Act func(ctx context.Context, a *registry.Action, event any, e *store.Event) error
	Log *slog.Logger

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

func (c *Config) defaults() {
	c.Parallel = cmp.Or(c.Parallel, 64)
	c.Window = cmp.Or(c.Window, 8192)
	c.FirstPause = cmp.Or(c.FirstPause, 100*time.Millisecond)
	c.LongestPause = cmp.Or(c.LongestPause, time.Minute)
	c.MarkEvery = cmp.Or(c.MarkEvery, 100*time.Millisecond)
}

// Dispatcher runs all event-triggered actions of a runtime.
type Dispatcher struct {
	cfg       Config
	consumers []*consumer
}

// New prepares the actions' consumers: those that were never started get their
// first mark, so that what is committed from now on is theirs.
func New(ctx context.Context, cfg Config) (*Dispatcher, error) {
	cfg.defaults()
	d := &Dispatcher{cfg: cfg}
	for _, a := range cfg.Registry.Actions {
		if a.Event == nil {
			continue
		}
		entity, event := cfg.Registry.Event(a.Event.Go)
		slots := make(chan struct{}, cfg.Parallel)
		for p := range cfg.Tail.Partitions() {
			c := &consumer{cfg: &d.cfg, action: a, entity: entity, event: event, partition: store.Partition(p), slots: slots}
			if err := c.open(ctx); err != nil {
				return nil, fmt.Errorf("open action %s: %w", a.Name, err)
			}
			d.consumers = append(d.consumers, c)
		}
	}
	return d, nil
}

// Run delivers until ctx ends, and returns when nothing is under way and the
// marks are stored.
func (d *Dispatcher) Run(ctx context.Context) {
	var all sync.WaitGroup
	for _, c := range d.consumers {
		all.Go(func() { c.run(ctx) })
	}
	all.Wait()
}

// Status is where an action stands in one partition.
type Status struct {
	Action    string
	Partition store.Partition
	Mark      store.Position // all events up to here are done
	Head      store.Position // the last event
	Begun     int            // events that were begun and are not done
}

// Status tells where all actions stand.
func (d *Dispatcher) Status() []Status {
	out := make([]Status, len(d.consumers))
	for i, c := range d.consumers {
		mark, begun := c.window.state()
		out[i] = Status{c.action.Name, c.partition, mark, d.cfg.Tail.Head(c.partition), begun}
	}
	return out
}
