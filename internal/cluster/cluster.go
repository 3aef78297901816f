// Package cluster has nodes share the partitions of a store: who serves which,
// and until when.
//
// Every node beats: it renews its lease in the store. Every node looks: it reads
// who lives and who owns what, and works out by itself who shall own each
// partition. Who shall not own what he owns drains it and releases it; who shall
// own what nobody owns claims it. There is no leader, and nothing depends on
// nodes seeing the same at the same time: the store grants a claim only once the
// partition was released or its owner's lease has ended, and refuses the commits
// of those who do not own it any more.
//
// The idea of a lease that is judged by the clock of what is shared, and left
// early by one's own clock, is that of C. Gray and D. Cheriton (1989); placement
// is the rendezvous hashing of D. Thaler and C. Ravishankar (1998).
package cluster

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/talix-dev/talix/store"
)

// Config is what a Node needs. Zero durations take the defaults named.
type Config struct {
	Leases     store.Leases
	Partitions int
	// Name is of this process alone; Address is where others reach it.
	Name, Address string

	// Serve serves a partition that was claimed, in a goroutine of its own. It
	// calls ready once, when what the node keeps in memory may be answered
	// from, and returns soon after ctx has ended, when nothing of the partition
	// is under way any more. Only then is the partition released, or claimed
	// again.
	Serve func(ctx context.Context, p store.Partition, ready func())
	// Ask asks the node that owns a partition to hand it over to this one, by
	// its HandOver, and returns once it was released, or an error. It may be
	// called from many goroutines. Nil: owners are not asked, and hand over what
	// shall be another's when they see that by themselves.
	Ask func(ctx context.Context, owner store.Node, p store.Partition) error
	// Tell has another node look at once, by its Look. Nil: it looks when it does.
	Tell func(ctx context.Context, other store.Node)

	// Lease is how long others wait for a node that they do not hear of.
	// Defaults to two seconds.
	Lease time.Duration
	// Grace bounds how long Run takes to hand over what the node owns when it
	// ends. Defaults to ten seconds.
	Grace time.Duration
	// Log gets what operators should know. Defaults to nowhere.
	Log *slog.Logger

	// NoLease and NoRelease are faults for tests of tests: the node goes on
	// after its lease has ended, and hands partitions over while it still
	// serves them.
	NoLease, NoRelease bool
}

func (c *Config) defaults() {
	c.Lease = cmp.Or(c.Lease, 2*time.Second)
	c.Grace = cmp.Or(c.Grace, 10*time.Second)
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
}

// every is the time from one beat to the next: three have to fail before the
// lease ends.
func (c *Config) every() time.Duration { return c.Lease / 3 }

// Node is one of those that share the partitions. Its methods may be called
// from many goroutines.
type Node struct {
	cfg   Config
	term  term
	parts []part
	wake  chan struct{} // holds one if there is a reason to look at once
	work  sync.WaitGroup
	tasks sync.WaitGroup // claims, and releases of what is not served here
	slots chan struct{}  // one for each claim or release under way

	leaving atomic.Bool // it takes no partitions any more
	handing atomic.Bool // and gives those that it has
	joined  atomic.Bool // all partitions have had an owner

	mu     sync.Mutex
	seen   *sight               // nil: nothing yet
	news   chan struct{}        // closed when seen is another, or a partition is served or is not any more
	askers map[string]time.Time // when nodes that partitions are to go to have asked last, or could have begun to
}

// part is what the node knows of its own part in a partition.
type part struct {
	serving atomic.Bool // ready, and not being handed over
	held    atomic.Bool // something of it may be under way here

	// Of the node's mu.
	stop    context.CancelFunc // nil: nothing of it is under way here
	epoch   store.Epoch
	handing bool               // it is released once nothing is under way
	loading bool               // it is claimed, and not ready yet
	since   time.Time          // when it was begun to be handed over, or to be served
	known   time.Time          // when it was last begun, or ended: what was seen before is out of date
	busy    bool               // a claim or a release of it is under way, or its owner is asked
	unask   context.CancelFunc // ends asking its owner; nil: it is not asked
	of      string             // whom it is asked of
	asked   time.Time          // since when
	refused time.Time          // when its owner was last asked in vain
	heir    string             // the node that it was handed over to, as this one knows or was told
	told    time.Time          // when
}

// New makes a Node, which does nothing until Run.
func New(cfg Config) *Node {
	cfg.defaults()
	n := &Node{
		cfg: cfg, parts: make([]part, cfg.Partitions), wake: make(chan struct{}, 1), news: make(chan struct{}),
		slots: make(chan struct{}, atOnce), askers: map[string]time.Time{},
	}
	n.term.lease, n.term.endless = cfg.Lease, cfg.NoLease
	return n
}

// Name is that of this node.
func (n *Node) Name() string { return n.cfg.Name }

// Run takes part until ctx ends, then hands over what the node owns, waits until
// nothing is under way, and leaves. It is called once.
func (n *Node) Run(ctx context.Context) {
	lasting, end := context.WithCancel(context.WithoutCancel(ctx))
	var loops sync.WaitGroup
	loops.Go(func() { n.beat(lasting) })
	loops.Go(func() { n.follow(lasting) })
	<-ctx.Done()
	bounded, cancel := context.WithTimeout(lasting, n.cfg.Grace)
	if err := n.Drain(bounded); err != nil {
		n.cfg.Log.Warn("partitions could not be handed over; others take them when the lease has ended", "error", err)
	}
	cancel()
	end()
	loops.Wait()
	n.tasks.Wait()
	n.loseAll()
	n.work.Wait()
	n.leave()
}

func (n *Node) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), n.cfg.every())
	defer cancel()
	if err := n.cfg.Leases.Leave(ctx, n.cfg.Name); err != nil {
		n.cfg.Log.Warn("end the own lease; it ends by itself", "error", err)
	}
}

// Drain hands over all partitions and takes none any more; the node goes on as
// one that owns nothing. It returns when nothing of them is under way here, or
// ctx ends.
func (n *Node) Drain(ctx context.Context) error {
	if !n.leaving.Swap(true) {
		n.announce(ctx)
	}
	n.handing.Store(true)
	n.poke()
	for {
		news := n.Changed()
		if n.idle() {
			return nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// announce has all others know that the node leaves, so that they ask for what it
// has, or wait for what it releases.
func (n *Node) announce(ctx context.Context) {
	if err := n.beatOnce(ctx); err != nil {
		return // they take it when the lease has ended
	}
	members, _ := n.Members()
	if n.cfg.Tell != nil {
		ctx, cancel := context.WithTimeout(ctx, n.cfg.every())
		defer cancel()
		var all sync.WaitGroup
		for _, m := range members {
			if !m.Self {
				all.Go(func() { n.cfg.Tell(ctx, m.Node) })
			}
		}
		all.Wait()
	}
	if n.cfg.Ask == nil && len(members) > 1 {
		wait(ctx, n.cfg.every())
	}
}

func (n *Node) idle() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for p := range n.parts {
		if n.parts[p].stop != nil || n.parts[p].busy {
			return false
		}
	}
	return true
}

// Owns tells whether the node may answer from what it has in memory of a
// partition. Ask before, and again when the answer is there: only if both are
// true was it the owner's at that moment.
func (n *Node) Owns(p store.Partition) bool {
	return n.parts[p].serving.Load() && n.term.holds()
}

// Holds tells whether the node has claimed a partition and something of it may
// be under way here, if only to be handed over. What is committed meanwhile is
// fenced.
func (n *Node) Holds(p store.Partition) bool { return n.parts[p].held.Load() }

// Fault is why the node cannot serve requests: nil once every partition has had
// an owner that lives, as long as this node can tell.
func (n *Node) Fault() error {
	switch {
	case n.leaving.Load():
		return errLeaving
	case !n.term.holds():
		return errNoLease
	case !n.joined.Load():
		return errAlone
	}
	return nil
}

var (
	errLeaving = errors.New("the node leaves the cluster")
	errNoLease = errors.New("the node has no lease: the store does not answer it")
	errAlone   = errors.New("not all partitions have an owner yet")
)

// Look has the node look again at once.
func (n *Node) Look() { n.poke() }

// Changed is closed when what the node sees of others, or what it serves, may
// be another.
func (n *Node) Changed() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.news
}

// tell closes news. n.mu is held.
func (n *Node) tell() {
	close(n.news)
	n.news = make(chan struct{})
}

// poke has the node look at once.
func (n *Node) poke() {
	select {
	case n.wake <- struct{}{}:
	default:
	}
}
