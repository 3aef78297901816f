// Package queue runs actions on messages, from the topics of a broker and from
// other outside systems: at least once for each message, in order for one key,
// in parallel for several. A message is acknowledged when its work is done or
// durable.
package queue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/talix-dev/talix/broker"
	"github.com/talix-dev/talix/internal/commit"
	"github.com/talix-dev/talix/internal/deliver"
	"github.com/talix-dev/talix/internal/journal"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/seal"
	"github.com/talix-dev/talix/internal/stuck"
	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
)

// Config is what Queues need. Zero numbers take the defaults named.
type Config struct {
	Registry *registry.Registry
	Store    store.Store // that is a store.Keeper
	Group    func(store.Partition) *commit.Group
	Work     deliver.Work
	// Brokers are those that queue triggers name; the default one is under "".
	Brokers map[string]broker.Broker
	// Act runs an action on a decoded message. item is what is kept of it, or
	// would be: it names the run, its partition, and the base of its ids.
	// fresh: it is certain that the run has no journal yet.
	Act func(ctx context.Context, a *registry.Action, in any, m broker.Message, item work.Item, fresh bool) deliver.Run
	// Forget makes the changes that delete what a run has kept. Defaults to
	// those that delete its journal.
	Forget func(run string) []store.Change
	NewRev func() store.ID
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
	Log *slog.Logger
	// Shared: other processes work on the store too. The actions of each
	// partition are then opened and served while it is this process's.
	Shared bool

	// Seal seals messages that are kept; nil: nothing is sealed.
	Seal *seal.Box

	// Parallel bounds the runs of one action at a time. Defaults to 64.
	Parallel int
	// FirstPause and LongestPause are how long a failed message waits before it
	// is tried again, where the action does not say. Default to 100 ms and one
	// minute.
	FirstPause, LongestPause time.Duration
	// Remember is how long the ID of a message is known that was kept, or whose
	// run was journaled, after it was done: it is not done again if it comes
	// again. Defaults to 24 hours.
	Remember time.Duration
	// Grace is how long Run waits for a broker that does not end. Defaults to
	// ten seconds.
	Grace time.Duration
}

func (c *Config) defaults() {
	c.Parallel = cmp.Or(c.Parallel, 64)
	c.FirstPause = cmp.Or(c.FirstPause, 100*time.Millisecond)
	c.LongestPause = cmp.Or(c.LongestPause, time.Minute)
	c.Remember = cmp.Or(c.Remember, 24*time.Hour)
	c.Grace = cmp.Or(c.Grace, 10*time.Second)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Forget == nil {
		c.Forget = func(run string) []store.Change { return []store.Change{journal.Forget(run)} }
	}
}

// Queues run the actions on messages.
type Queues struct {
	cfg    Config
	keeper store.Keeper
	takers map[string]*taker // by action: of all of them

	mu        sync.RWMutex
	consumers map[string]*consumer // those that are open
}

// New prepares the actions on messages: it finds what was left of them. Shared
// ones are left to Open.
func New(ctx context.Context, cfg Config) (*Queues, error) {
	cfg.defaults()
	q := &Queues{cfg: cfg, takers: map[string]*taker{}, consumers: map[string]*consumer{}}
	var ok bool
	if q.keeper, ok = cfg.Store.(store.Keeper); !ok {
		return nil, errors.New("actions on messages need a store that keeps records: take another driver")
	}
	for _, a := range cfg.Registry.Actions {
		if a.Queue == nil && a.Source == nil {
			continue
		}
		if err := q.add(ctx, a); err != nil {
			return nil, fmt.Errorf("open action %s: %w", a.Name, err)
		}
	}
	for p := range cfg.Store.Partitions() {
		if cfg.Shared {
			break
		}
		if err := q.Open(ctx, store.Partition(p)); err != nil {
			return nil, err
		}
	}
	return q, nil
}

// add prepares an action.
func (q *Queues) add(ctx context.Context, a *registry.Action) error {
	t := &taker{
		cfg: &q.cfg, keeper: q.keeper, action: a, slots: make(chan struct{}, q.cfg.Parallel), policy: q.policyOf(a.Retry),
		home: work.MessageHome(a.Name, q.cfg.Store.Partitions()),
	}
	q.takers[a.Name] = t
	if a.Queue != nil && q.cfg.Brokers[a.Queue.Broker] == nil {
		return fmt.Errorf("there is no broker named %q: name one in the runtime's configuration", a.Queue.Broker)
	}
	return t.open(ctx)
}

// Open finds what was left of the actions whose messages are kept in a
// partition. Those actions have to rest.
func (q *Queues) Open(ctx context.Context, p store.Partition) error {
	for name, t := range q.takers {
		if t.home != p {
			continue
		}
		if err := q.open(ctx, t); err != nil {
			return fmt.Errorf("open action %s: %w", name, err)
		}
	}
	return nil
}

func (q *Queues) open(ctx context.Context, t *taker) error {
	if t.action.Queue == nil {
		return t.load(ctx, func(work.Item) {})
	}
	c := &consumer{taker: t, broker: q.cfg.Brokers[t.action.Queue.Broker], lanes: map[string]*lane{}, ids: map[string]struct{}{}}
	if err := t.load(ctx, c.restore); err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.consumers[t.action.Name] = c
	return nil
}

// Close forgets what is known of the actions of a partition, which rest.
func (q *Queues) Close(p store.Partition) {
	q.mu.Lock()
	defer q.mu.Unlock()
	maps.DeleteFunc(q.consumers, func(_ string, c *consumer) bool { return c.home == p })
}

func (q *Queues) policyOf(r registry.Retry) work.Policy {
	return work.Policy{
		First: cmp.Or(r.First, q.cfg.FirstPause), Most: cmp.Or(r.Max, q.cfg.LongestPause),
		Attempts: r.Attempts, Limit: r.Limit,
	}
}

// Run receives from the brokers until ctx ends, and returns when what was
// received is settled or given back. It is called once.
func (q *Queues) Run(ctx context.Context) {
	q.run(ctx, func(*consumer) bool { return true })
}

// Serve is Run for the actions of a partition, which are open.
func (q *Queues) Serve(ctx context.Context, p store.Partition) {
	q.run(ctx, func(c *consumer) bool { return c.home == p })
}

func (q *Queues) run(ctx context.Context, which func(*consumer) bool) {
	var all sync.WaitGroup
	for _, c := range q.opened() {
		if which(c) {
			all.Go(func() { c.run(ctx) })
		}
	}
	all.Wait()
}

// opened are the consumers that are open, by action.
func (q *Queues) opened() map[string]*consumer {
	q.mu.RLock()
	defer q.mu.RUnlock()
	return maps.Clone(q.consumers)
}

// RunItem runs the item of a message.
func (q *Queues) RunItem(ctx context.Context, item work.Item) work.Verdict {
	switch t := q.takers[item.Action]; {
	case t == nil:
		return stuck.Orphaned
	case t.action.Queue != nil:
		if c := q.opened()[item.Action]; c != nil {
			return c.runItem(ctx, item)
		}
		return nil
	default:
		t.runKept(ctx, item, nil)
		return nil
	}
}
