// Package commit gathers batches of a partition into groups, which are made
// durable together: while one group is being committed the next one gathers, so
// that no timer delays a lone batch.
package commit

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/talix-dev/talix/store"
)

// Config is what a Group needs.
type Config struct {
	Store     store.Store
	Partition store.Partition
	// Publish gets the durable events of each group, in order, before the
	// outcomes are known to those who wait.
	Publish func(p store.Partition, events []*store.Event)
	// Refresh looks for events that became durable without their outcome being
	// known.
	Refresh func(ctx context.Context, p store.Partition) error
	// MaxBatches and MaxBytes bound what waits; beyond them Busy tells so.
	// Default to 8,192 batches and 64 MiB.
	MaxBatches, MaxBytes int
}

// maxGroup bounds how many batches one commit takes.
const maxGroup = 4096

// Group commits the batches of one partition, in the order of Submit.
//
// Who waits for a batch leads: it commits what has gathered, in its own
// goroutine, so that a lone caller pays for no switch. Where more has gathered
// meanwhile, the group's goroutine leads until nothing waits.
type Group struct {
	cfg    Config
	wake   chan struct{} // tells the goroutine that it leads
	doubts chan struct{} // tells the goroutine that there is doubt
	done   chan struct{}

	mu      sync.Mutex
	waiting []*Pending
	bytes   int
	leading bool // someone takes what waits, or a span stands before it
	idle    *sync.Cond
	closed  bool

	ending   atomic.Bool  // the goroutine leads for good
	doubtful atomic.Int64 // Unix nanoseconds until when a commit of unknown outcome may land

	// Of who leads, kept between groups.
	group   []*Pending
	batches []store.Batch
	durable []*store.Event
}

// Pending is a batch on its way.
type Pending struct {
	batch  store.Batch
	chains []*Chain
	own    [1]*Chain // chains, mostly
	group  *Group
	bytes  int
	span   *span // of several partitions; then without batch and group
	rests  []*Pending
	fate   fate

	done    chan struct{}
	outcome store.Outcome
}

// Chain is a line of decisions, each made on the state that the one before it
// led to. When one of them does not become durable, those after it must not:
// the group refuses them without asking the store.
type Chain struct {
	broken atomic.Bool
	last   *Pending // that was submitted; of who submits
}

// Broken tells whether a batch of the chain did not become durable.
func (c *Chain) Broken() bool { return c.broken.Load() }

// Outcome is how the batch ended; only once it is settled.
func (p *Pending) Outcome() store.Outcome { return p.outcome }

// Settled tells whether the outcome is known.
func (p *Pending) Settled() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Wait waits until the outcome is known, and sees to it that it will be; false
// if ctx ended before. Each batch needs someone who waits.
func (p *Pending) Wait(ctx context.Context) bool {
	if p.span != nil {
		p.span.drive(p)
	} else {
		p.group.lead(p)
	}
	if ctx.Done() == nil {
		<-p.done
		return true
	}
	select {
	case <-p.done:
		return true
	case <-ctx.Done():
		return p.Settled()
	}
}

// Start makes a Group and starts its goroutine, which Close ends.
func Start(cfg Config) *Group {
	if cfg.MaxBatches == 0 {
		cfg.MaxBatches = 8192
	}
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = 64 << 20
	}
	g := &Group{cfg: cfg, wake: make(chan struct{}, 1), doubts: make(chan struct{}, 1), done: make(chan struct{})}
	g.idle = sync.NewCond(&g.mu)
	go g.run()
	return g
}

// Busy tells whether the bounds of what may wait are reached.
func (g *Group) Busy() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.waiting) >= g.cfg.MaxBatches || g.bytes >= g.cfg.MaxBytes
}

// ErrClosed is the error of batches that were submitted after Close.
var ErrClosed = errors.New("the runtime is stopping")

// Submit adds a batch to the next group; chain, if not nil, is the line of
// decisions that it continues. It does not wait, and takes batches also when
// the group is Busy. The caller has to Wait.
func (g *Group) Submit(batch store.Batch, chain *Chain) *Pending {
	p := &Pending{batch: batch, group: g, done: make(chan struct{}), bytes: sizeOf(&batch)}
	if chain != nil {
		p.own[0] = chain
		p.chains = p.own[:]
	}
	return g.submit(p)
}

// Join is Submit for a batch that continues several lines of decisions.
func (g *Group) Join(batch store.Batch, chains ...*Chain) *Pending {
	return g.submit(&Pending{batch: batch, chains: chains, group: g, done: make(chan struct{}), bytes: sizeOf(&batch)})
}

func sizeOf(b *store.Batch) int {
	n := len(b.Result)
	for _, a := range b.Appends {
		for i := range a.Events {
			n += len(a.Events[i].Data)
		}
	}
	return n
}

func (g *Group) submit(p *Pending) *Pending {
	p.rest()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		p.settle(store.Outcome{Status: store.Failed, Err: ErrClosed})
		return p
	}
	g.waiting = append(g.waiting, p)
	g.bytes += p.bytes
	return p
}

// Close commits what waits and ends the goroutine. Later batches fail.
func (g *Group) Close() {
	g.mu.Lock()
	if !g.closed {
		g.closed = true
		for g.leading {
			g.idle.Wait()
		}
		g.leading = true
		g.ending.Store(true)
		close(g.wake)
	}
	g.mu.Unlock()
	<-g.done
}

// lead commits one group if no one else leads and p is not settled. What has
// gathered meanwhile is left to the goroutine.
func (g *Group) lead(p *Pending) {
	g.mu.Lock()
	if g.leading || p.Settled() {
		g.mu.Unlock()
		return
	}
	g.leading = true
	g.mu.Unlock()
	if leads := !g.take() || g.commit(); leads && !g.resign() {
		g.wake <- struct{}{}
	}
}

// resign ends the lead if nothing waits.
func (g *Group) resign() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting) > 0 {
		return false
	}
	g.leading = false
	g.idle.Broadcast()
	return true
}

func (g *Group) run() {
	defer close(g.done)
	for g.next() {
		for leading := true; leading; {
			leads := !g.take() || g.commit()
			leading = leads && !g.resign()
		}
	}
	for g.take() { // closed: it leads for good
		if p := g.group[0]; !g.commit() {
			p.Wait(context.Background())
		}
	}
}

// next waits until the goroutine leads; false once the group was closed. While
// there is doubt, it looks now and then for what may have landed.
func (g *Group) next() bool {
	for {
		var look <-chan time.Time
		if time.Now().UnixNano() < g.doubtful.Load() {
			look = time.After(doubtStep)
		}
		select {
		case _, open := <-g.wake:
			return open
		case <-g.doubts:
		case <-look:
			g.refresh()
		}
	}
}

// How long a commit of unknown outcome is thought to be able to land, and how
// often that is looked for.
const (
	doubtFor  = time.Minute
	doubtStep = 250 * time.Millisecond
)

// Landed takes in that someone else has appended to the partition: these events,
// in order; or, where there are none, perhaps some, which are looked for.
func (g *Group) Landed(events []*store.Event) {
	switch {
	case len(events) == 0:
		g.refresh()
	case g.cfg.Publish != nil:
		g.cfg.Publish(g.cfg.Partition, events)
	}
}

// review looks at outcomes after which the log may hold events that were not
// published: a repeat may be one of a commit whose outcome was not known, and
// a conflict tells of another writer.
func (g *Group) review(outcomes []store.Outcome) {
	lookUp := false
	for _, o := range outcomes {
		switch o.Status {
		case store.Unknown:
			g.doubt()
			lookUp = true
		case store.Duplicate, store.Conflict:
			lookUp = true
		}
	}
	if lookUp {
		g.refresh()
	}
}

// doubt makes the goroutine look for what may land.
func (g *Group) doubt() {
	g.doubtful.Store(time.Now().Add(doubtFor).UnixNano())
	select {
	case g.doubts <- struct{}{}:
	default:
	}
}

func (g *Group) refresh() {
	if g.cfg.Refresh == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), doubtStep)
	defer cancel()
	if err := g.cfg.Refresh(ctx, g.cfg.Partition); err != nil {
		g.doubt() // ask again later
	}
}

// take moves what waits into the group, up to the next span, which stands
// alone.
func (g *Group) take() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := min(len(g.waiting), maxGroup)
	if i := slices.IndexFunc(g.waiting[:n], func(p *Pending) bool { return p.span != nil }); i >= 0 {
		n = max(i, 1)
	}
	g.group = append(g.group[:0], g.waiting[:n]...)
	rest := copy(g.waiting, g.waiting[n:])
	clear(g.waiting[rest:])
	g.waiting = g.waiting[:rest]
	for _, p := range g.group {
		g.bytes -= p.bytesIn(g)
	}
	return n > 0
}

func (p *Pending) bytesIn(g *Group) int {
	if p.span == nil {
		return p.bytes
	}
	return p.span.bytes[slices.Index(p.span.groups, g)]
}

// commit makes the group durable; false: it is a span, to which the lead was
// left.
func (g *Group) commit() (leads bool) {
	if p := g.group[0]; p.span != nil {
		clear(g.group)
		return g.arrive(p)
	}
	g.commitGroup()
	return true
}

func (g *Group) commitGroup() {
	g.batches = g.batches[:0]
	live := g.group[:0]
	for _, p := range g.group {
		if p.broken() {
			p.settle(store.Outcome{Status: store.Conflict})
			continue
		}
		live = append(live, p)
		g.batches = append(g.batches, p.batch)
	}
	if len(live) == 0 {
		return
	}
	// A commit is not any one caller's, so no caller can cancel it.
	outcomes := g.cfg.Store.Commit(context.Background(), g.cfg.Partition, g.batches)
	g.publish(outcomes, g.batches)
	g.review(outcomes)
	for i, p := range live {
		p.settle(outcomes[i])
	}
	clear(g.group)
	clear(g.batches)
}

func (g *Group) publish(outcomes []store.Outcome, batches []store.Batch) {
	g.durable = g.durable[:0]
	for i, o := range outcomes {
		if o.Status != store.Durable {
			continue
		}
		for _, a := range batches[i].Appends {
			for j := range a.Events {
				g.durable = append(g.durable, &a.Events[j])
			}
		}
	}
	if len(g.durable) > 0 && g.cfg.Publish != nil {
		g.cfg.Publish(g.cfg.Partition, g.durable)
	}
	clear(g.durable)
}

// broken tells whether what the batch was decided on did not come to be.
func (p *Pending) broken() bool {
	return slices.ContainsFunc(p.chains, (*Chain).Broken)
}

func (p *Pending) settle(o store.Outcome) {
	if o.Status != store.Durable {
		for _, c := range p.chains {
			c.broken.Store(true)
		}
	}
	if o.Status == store.Durable {
		p.rests = nil
	}
	p.outcome = o
	close(p.done)
}
