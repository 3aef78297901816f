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
	for ctx.Err() == nil {
		pause := n.cfg.every()
		if _, ok := n.term.current(); ok {
			pause = n.round(ctx)
		}
		n.untilNews(ctx, pause)
	}
}

func (n *Node) untilNews(ctx context.Context, pause time.Duration) {
	least := min(pause, n.cfg.Lease/200) // many may want it to look at the same time
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
	n.claimAll(ctx, plan.claim)
	n.releaseAll(ctx, plan.release)
	return n.pause(s, plan)
}

// pause is short while something is to come to this node, and does not last
// beyond the end of a lease.
func (n *Node) pause(s *sight, p plan) time.Duration {
	pause := n.cfg.every()
	if p.awaits || p.later || len(p.claim) > 0 {
		pause = n.cfg.Lease / 80
	}
	if left, ok := s.soonest(n.cfg.Name); ok {
		pause = min(pause, max(left, n.cfg.Lease/80))
	}
	return pause
}

// plan is what a look leads to.
type plan struct {
	claim   []store.Partition
	release []store.Partition // of which nothing is under way here
	awaits  bool              // others are to release what shall be this node's
	later   bool              // more is to be handed over, once some of it was
}

// plan works out what to do, and begins to hand over what shall be another's.
func (n *Node) plan(s *sight) (do plan) {
	names := s.candidates()
	n.mu.Lock()
	defer n.mu.Unlock()
	room, hands := n.room(s), n.hands()
	for i := range n.parts {
		p, part, owner := store.Partition(i), &n.parts[i], s.owners[i]
		want, mine := place(p, names), owner.Node == n.cfg.Name
		switch _, owned := s.nodes[owner.Node]; {
		case part.stop != nil && (!mine || owner.Epoch != part.epoch):
			n.lose(p)
		case part.stop != nil && n.keeps(p, want):
		case part.stop != nil && room == 0:
			do.later = true
		case part.stop != nil:
			room--
			n.handOver(p)
		case want == n.cfg.Name && n.leaving.Load():
		case want == n.cfg.Name && owner.Node == "" && hands == 0:
			do.later = true
		case want == n.cfg.Name && owner.Node == "":
			hands--
			do.claim = append(do.claim, p)
		case want == n.cfg.Name && (mine || !owned):
			do.claim = append(do.claim, p)
		case want == n.cfg.Name:
			do.awaits = true
		case mine:
			do.release = append(do.release, p)
		}
	}
	return do
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

// hands is how many more partitions can be taken now that others have released.
// Until all have had an owner, nobody misses one more than another. n.mu is held.
func (n *Node) hands() int {
	if !n.joined.Load() {
		return len(n.parts)
	}
	hands := handedAtOnce
	for p := range n.parts {
		part := &n.parts[p]
		if part.stop != nil && !part.handing && !part.serving.Load() && time.Since(part.since) < n.patience() {
			hands--
		}
	}
	return max(0, hands)
}

// keeps tells whether a partition stays, or is being handed over. n.mu is held.
func (n *Node) keeps(p store.Partition, want string) bool {
	stays := want == n.cfg.Name || want == "" || n.leaving.Load()
	return n.parts[p].handing || stays && !n.handing.Load()
}

// handOver begins to hand a partition over. n.mu is held.
func (n *Node) handOver(p store.Partition) {
	part := &n.parts[p]
	part.handing, part.since = true, time.Now()
	if n.cfg.NoRelease {
		n.work.Go(func() { n.release(context.Background(), p) })
		return
	}
	n.lose(p)
}

// lose stops what is under way of a partition. n.mu is held.
func (n *Node) lose(p store.Partition) {
	n.parts[p].serving.Store(false)
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

// each does something for all partitions, some at a time.
func each(all []store.Partition, do func(store.Partition)) {
	var group sync.WaitGroup
	next := make(chan store.Partition)
	for range min(atOnce, len(all)) {
		group.Go(func() {
			for p := range next {
				do(p)
			}
		})
	}
	for _, p := range all {
		next <- p
	}
	close(next)
	group.Wait()
}

func (n *Node) claimAll(ctx context.Context, all []store.Partition) {
	each(all, func(p store.Partition) {
		if err := n.claim(ctx, p); err != nil && ctx.Err() == nil {
			n.cfg.Log.Warn("claim partition", "partition", int(p), "error", err)
		}
	})
}

var errTermEnded = errors.New("the own lease ended meanwhile")

// claim claims a partition and begins to serve it. The claim counts only if the
// node's term held all the while: then the lease was not over at the moment at
// which the store granted it.
func (n *Node) claim(ctx context.Context, p store.Partition) error {
	before, ok := n.term.current()
	if !ok {
		return errTermEnded
	}
	ctx, cancel := context.WithTimeout(ctx, n.cfg.Lease)
	defer cancel()
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
	part.stop, part.epoch, part.handing, part.since = cancel, epoch, false, time.Now()
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
		n.release(context.Background(), p)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.parts[p].stop()
	n.parts[p].stop = nil
	n.parts[p].held.Store(false)
	n.tell()
	n.poke()
}

func (n *Node) releaseAll(ctx context.Context, all []store.Partition) {
	each(all, func(p store.Partition) { n.release(ctx, p) })
}

// release gives a partition up. Should it fail, the next look finds that the
// node owns what it does not serve.
func (n *Node) release(ctx context.Context, p store.Partition) {
	ctx, cancel := context.WithTimeout(ctx, n.cfg.Lease)
	defer cancel()
	if _, err := n.cfg.Leases.Release(ctx, p, n.cfg.Name); err != nil {
		n.cfg.Log.Warn("release partition", "partition", int(p), "error", err)
	}
}
