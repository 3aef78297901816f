// Package work keeps work that must not be lost, such as what failed and is
// tried again, timers, schedules, messages and workflows, as records of the
// store, and runs each piece when it is due.
//
// The store says what is to be done and when. In memory is only what is being
// run or about to be, up to a bound; what does not fit stays in the store and
// is found again from where it was left.
package work

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/talix-dev/talix/internal/commit"
	"github.com/talix-dev/talix/store"
)

// Space is where items are kept.
const Space = "work"

// Config is what a Runner needs. Zero numbers take the defaults named.
type Config struct {
	Store  store.Store // that is a store.Keeper
	Group  func(store.Partition) *commit.Group
	Now    func() time.Time
	NewRev func() store.ID
	Log    *slog.Logger

	// Run does the work of an item that is due: it is called in a goroutine of
	// its own, never twice at a time for one item, and must end soon after ctx
	// does. It returns what becomes of the item.
	//
	// A panic is a bug of the caller: it is logged, and the item is run again
	// after a pause.
	Run func(ctx context.Context, item Item) Verdict

	// Forget is what to delete with an item that was finished and is
	// forgotten. Defaults to nothing.
	Forget func(item Item) []store.Change

	// Parallel bounds the runs of one action at a time. Defaults to 64.
	Parallel int
	// InFlight bounds the items of all actions that run or are about to. An
	// action none of whose items runs may always begin one. Defaults to 4,096.
	InFlight int
	// Poll bounds how long a change of the clock goes unnoticed. Defaults to
	// one second.
	Poll time.Duration
	// Look bounds how long work goes unnoticed that was written without Wake,
	// by another runtime or by a commit whose outcome nobody learnt. Defaults
	// to one minute; below zero, it is not looked for.
	Look time.Duration

	// Sweep is what else is deleted when its time has come. Defaults to
	// nothing.
	Sweep []Sweep
	// SweepEvery is the time from one sweep to the next. Defaults to one
	// minute.
	SweepEvery time.Duration
}

func (c *Config) defaults() {
	c.Parallel = cmp.Or(max(c.Parallel, 0), 64)
	c.InFlight = cmp.Or(max(c.InFlight, 0), 4096)
	c.Poll = cmp.Or(max(c.Poll, 0), time.Second)
	c.Look = cmp.Or(c.Look, time.Minute)
	c.SweepEvery = cmp.Or(max(c.SweepEvery, 0), time.Minute)
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
}

// Verdict says what becomes of an item after a run. It gets the item as it is
// in the store now, which someone may have changed or replaced (another Base)
// while it ran, and is called again where the store says that it changed once
// more. It returns the item to write, or nil to delete it, and what else to
// change in the same batch. It must not write the item itself. Where the item
// is gone, it is not called.
//
// A nil Verdict leaves the item as it is: it is run again when the runtime
// starts next, or once someone wrote it.
type Verdict func(now Item) (next *Item, more []store.Change)

// Runner runs the items of all partitions.
type Runner struct {
	cfg    Config
	keeper store.Keeper
	parts  []atomic.Pointer[part]
	pool   pool
	turns  turns
	watch  watch

	reading, writing, sweeping streak // of failures
}

// New makes a Runner. Items can be written and read before it runs.
func New(cfg Config) *Runner {
	cfg.defaults()
	r := &Runner{cfg: cfg, keeper: cfg.Store.(store.Keeper)}
	r.pool = pool{parallel: cfg.Parallel, most: cfg.InFlight, lanes: map[string]*lane{}}
	r.turns.items = map[name]*turn{}
	r.watch.items = map[name]*watched{}
	r.reading.log, r.writing.log, r.sweeping.log = cfg.Log, cfg.Log, cfg.Log
	r.parts = make([]atomic.Pointer[part], cfg.Store.Partitions())
	for p := range r.parts {
		r.parts[p].Store(newPart(r, store.Partition(p)))
	}
	return r
}

// Run runs what is due in all partitions until ctx ends, and returns when
// nothing runs any more and what the last runs led to is written; a store that
// fails is given five seconds for that. It is called once.
func (r *Runner) Run(ctx context.Context) {
	var loops sync.WaitGroup
	for p := range r.parts {
		loops.Go(func() { r.parts[p].Load().run(ctx) })
	}
	if len(r.cfg.Sweep) > 0 {
		loops.Go(func() { r.sweep(ctx, r.sweepAll) })
	}
	loops.Wait()
}

// Serve is Run for one partition, for those who have it for a time. It may be
// called again when it has returned; what was known of the partition is
// forgotten then.
func (r *Runner) Serve(ctx context.Context, p store.Partition) {
	fresh := newPart(r, p)
	r.parts[p].Store(fresh)
	var loops sync.WaitGroup
	loops.Go(func() { fresh.run(ctx) })
	if len(r.cfg.Sweep) > 0 {
		loops.Go(func() { r.sweep(ctx, func(ctx context.Context) error { return r.sweepPart(ctx, p) }) })
	}
	loops.Wait()
}

// Wake tells that an item that is due at the given time was written, or may
// have been, by a batch of the caller's. It does not wait.
func (r *Runner) Wake(p store.Partition, due time.Time) {
	if !due.IsZero() {
		r.parts[p].Load().tell(due)
	}
}

// InFlight is how many items run or are about to.
func (r *Runner) InFlight() int { return r.pool.size() }

// Get finds an item.
func (r *Runner) Get(ctx context.Context, p store.Partition, id string) (Item, bool, error) {
	rec, found, err := r.keeper.Record(ctx, p, Space, id)
	if err != nil || !found {
		return Item{}, false, wrap("find", id, err)
	}
	item, err := decode(p, &rec)
	return item, true, err
}

// List is up to max items of a partition whose ID begins with prefix and is
// above after, in the order of IDs. One that cannot be read has no Status, and
// its Error says why.
func (r *Runner) List(ctx context.Context, p store.Partition, prefix, after string, max int) ([]Item, error) {
	page, err := r.keeper.Records(ctx, p, Space, prefix, after, max)
	if err != nil {
		return nil, fmt.Errorf("list work: %w", err)
	}
	items := make([]Item, len(page))
	for i := range page {
		items[i], _ = decode(p, &page[i])
	}
	return items, nil
}
