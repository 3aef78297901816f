package cluster

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/talix-dev/talix/store"
)

// follow looks, and does what follows from it, until ctx ends.
func (n *Node) follow(ctx context.Context) {
	n.warm(ctx)
	for ctx.Err() == nil {
		pause := n.cfg.every()
		if _, ok := n.term.current(); ok {
			pause = n.round(ctx)
		}
		n.untilNews(ctx, pause)
	}
}

// warm asks the store as many things at a time as the node will: one that makes
// connections then has made them before a partition waits for a claim.
func (n *Node) warm(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, n.cfg.every())
	defer cancel()
	var all sync.WaitGroup
	for range atOnce + 1 {
		all.Go(func() { _, _ = n.cfg.Leases.Nodes(ctx) }) // the first look tells what is wrong
	}
	all.Wait()
}

func (n *Node) untilNews(ctx context.Context, pause time.Duration) {
	least := min(pause, n.cfg.Lease/100) // many may want it to look at the same time
	if !wait(ctx, least) {
		return
	}
	timer := time.NewTimer(pause - least)
	defer timer.Stop()
	select {
	case <-n.wake:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// round looks once, and tells when to look again.
func (n *Node) round(ctx context.Context) time.Duration {
	bounded, cancel := context.WithTimeout(ctx, n.cfg.Lease)
	s, err := n.look(bounded)
	cancel()
	if err != nil {
		if ctx.Err() == nil {
			n.cfg.Log.Warn("look for other nodes", "error", err)
		}
		return n.cfg.every()
	}
	plan := n.plan(s)
	n.tackle(ctx, plan.claim, n.claim)
	n.tackle(ctx, plan.release, n.release)
	n.tackle(ctx, plan.ask, n.take)
	return n.pause(s, plan)
}

// pause is short while something is to come to this node, and does not last
// beyond the end of a lease.
func (n *Node) pause(s *sight, p plan) time.Duration {
	pause := n.cfg.every()
	if p.awaits || p.later || len(p.claim) > 0 {
		pause = n.cfg.Lease / 80
	}
	if p.patient {
		pause = min(pause, n.cfg.Lease/8)
	}
	if left, ok := s.soonest(n.cfg.Name); ok {
		pause = min(pause, max(left, n.cfg.Lease/80))
	}
	return pause
}

// handedAtOnce is how many partitions a node hands over at the same time, and how
// many that were handed over it takes. What all nodes share may be slow: then
// each of them is served by no one until all of them were taken over.
const handedAtOnce = 4

// patience is for how long a partition that is between two nodes keeps others
// from being moved.
func (n *Node) patience() time.Duration { return n.cfg.Lease / 4 }

// room is how many more partitions can be handed over now. n.mu is held.
func (n *Node) room(s *sight) int {
	room := handedAtOnce
	for p := range n.parts {
		part, owner := &n.parts[p], s.owners[p].Node
		if part.handing && (owner == "" || owner == n.cfg.Name) && time.Since(part.since) < n.patience() {
			room--
		}
	}
	return max(0, room)
}

// coming is how many partitions are about to be taken. n.mu is held.
func (n *Node) coming() (coming int) {
	for p := range n.parts {
		part := &n.parts[p]
		if part.busy || part.loading && time.Since(part.since) < n.patience() {
			coming++
		}
	}
	return coming
}

// lose stops what is under way of a partition. n.mu is held.
func (n *Node) lose(p store.Partition) {
	n.parts[p].serving.Store(false)
	n.parts[p].loading = false
	n.parts[p].stop()
	n.tell()
}

func (n *Node) loseAll() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for p := range n.parts {
		if n.parts[p].stop != nil {
			n.lose(store.Partition(p))
		}
	}
}

// atOnce is how many claims and releases are made at the same time.
const atOnce = 4

// tackle does something about some partitions, which are busy, and does not wait
// for it: a store that is slow with one of them holds up no other.
func (n *Node) tackle(ctx context.Context, some []store.Partition, do func(context.Context, store.Partition) error) {
	for _, p := range some {
		n.tasks.Go(func() {
			if err := do(ctx, p); err != nil && ctx.Err() == nil {
				n.cfg.Log.Warn("claim or release partition", "partition", int(p), "error", err)
			}
			n.mu.Lock()
			defer n.mu.Unlock()
			n.parts[p].busy = false
			n.tell()
			n.poke()
		})
	}
}

// enter waits until a claim or a release may be made; leave ends it.
func (n *Node) enter(ctx context.Context) (bounded context.Context, leave func(), err error) {
	select {
	case n.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, context.Cause(ctx)
	}
	bounded, cancel := context.WithTimeout(ctx, n.cfg.Lease)
	return bounded, func() { cancel(); <-n.slots }, nil
}

var errTermEnded = errors.New("the own lease ended meanwhile")

// claim claims a partition and begins to serve it. The claim counts only if the
// node's term held all the while: then the lease was not over at the moment at
// which the store granted it.
func (n *Node) claim(ctx context.Context, p store.Partition) error {
	ctx, leave, err := n.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	before, ok := n.term.current()
	if !ok {
		return errTermEnded
	}
	epoch, ok, err := n.cfg.Leases.Claim(ctx, p, n.cfg.Name)
	if err != nil || !ok {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if after, ok := n.term.current(); !ok || after != before {
		return errTermEnded
	}
	n.begin(p, epoch)
	return nil
}

// begin begins to serve a partition. n.mu is held.
func (n *Node) begin(p store.Partition, epoch store.Epoch) {
	ctx, cancel := context.WithCancel(context.Background())
	part := &n.parts[p]
	part.stop, part.epoch, part.handing, part.loading, part.since = cancel, epoch, false, true, time.Now()
	part.known, part.heir = part.since, ""
	part.held.Store(true)
	n.work.Go(func() {
		defer n.end(p)
		n.cfg.Serve(ctx, p, func() { n.ready(ctx, p) })
		<-ctx.Done()
	})
}

// ready lets the node answer from memory, unless the partition was lost before
// it came to that.
func (n *Node) ready(ctx context.Context, p store.Partition) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if ctx.Err() == nil {
		n.parts[p].serving.Store(true)
		n.parts[p].loading = false
		n.tell()
		n.poke()
	}
}

// end notes that nothing of a partition is under way any more, and releases it
// if it is to be handed over.
func (n *Node) end(p store.Partition) {
	n.mu.Lock()
	handing := n.parts[p].handing
	n.mu.Unlock()
	if handing && !n.cfg.NoRelease {
		n.releaseIt(p)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.parts[p].stop()
	n.parts[p].stop = nil
	n.parts[p].known = time.Now()
	n.parts[p].held.Store(false)
	n.tell()
	n.poke()
}

// releaseIt is release where nobody waits for what comes of it. Should it fail,
// the next look finds that the node owns what it does not serve.
func (n *Node) releaseIt(p store.Partition) {
	if err := n.release(context.Background(), p); err != nil {
		n.cfg.Log.Warn("release partition", "partition", int(p), "error", err)
	}
}

// release gives a partition up.
func (n *Node) release(ctx context.Context, p store.Partition) error {
	ctx, leave, err := n.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	_, err = n.cfg.Leases.Release(ctx, p, n.cfg.Name)
	return err
}
