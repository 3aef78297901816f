package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/talix-dev/talix/store"
)

// take asks the owner of a partition to hand it over, and claims it at once.
func (n *Node) take(ctx context.Context, p store.Partition) error {
	asking, cancel := context.WithTimeout(ctx, n.cfg.Lease/2)
	defer cancel()
	part, owner := &n.parts[p], n.ask(p, cancel)
	err := n.cfg.Ask(asking, owner, p)
	n.mu.Lock()
	part.unask = nil
	refused := err != nil && !errors.Is(asking.Err(), context.Canceled)
	if refused {
		part.refused = time.Now() // it is released in the end, or asked for again
	}
	n.mu.Unlock()
	if refused {
		return nil
	}
	return n.claim(ctx, p)
}

// ask notes that the owner of a partition is asked for it.
func (n *Node) ask(p store.Partition, unask context.CancelFunc) store.Node {
	n.mu.Lock()
	defer n.mu.Unlock()
	part, owner := &n.parts[p], n.seen.owners[p].Node
	part.unask, part.of, part.asked = unask, owner, time.Now()
	return n.seen.nodes[owner]
}

// errNotHere is why a partition is not handed over.
var errNotHere = errors.New("the partition is not served here")

// HandOver hands a partition over to a node that asks for it, and returns once it
// was released. It fails if the partition is not served here, and if it shall not
// be that node's, as far as this one sees until ctx ends.
func (n *Node) HandOver(ctx context.Context, p store.Partition, to string) error {
	if p < 0 || int(p) >= len(n.parts) {
		return fmt.Errorf("there is no partition %d", p)
	}
	for handed := store.Epoch(0); ; {
		news := n.Changed()
		epoch, serving := n.handTo(p, to)
		switch {
		case handed != 0 && (!serving || epoch != handed):
			return nil
		case !serving:
			return errNotHere
		}
		handed = epoch
		select {
		case <-news:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// handTo begins to hand a partition over to a node, if it shall be that node's,
// and tells under which epoch it is being handed over: zero while it is not.
// False: nothing of it is under way.
func (n *Node) handTo(p store.Partition, to string) (store.Epoch, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	part := &n.parts[p]
	n.askers[to] = time.Now()
	if part.stop == nil {
		return 0, false
	}
	if !part.handing && n.seen != nil && place(p, n.candidates(n.seen)) == to {
		n.handOver(p, to)
	}
	if !part.handing {
		n.poke() // the other one sees more, or less
		return 0, true
	}
	return part.epoch, true
}

// Await waits while a partition is on its way to this node: then it has it, or
// will not have it. It returns early if ctx ends. False: there was nothing to
// wait for.
func (n *Node) Await(ctx context.Context, p store.Partition) (waited bool) {
	for ; ; waited = true {
		news := n.Changed()
		if !n.comes(p) {
			return waited
		}
		select {
		case <-news:
		case <-ctx.Done():
			return true
		}
	}
}

func (n *Node) comes(p store.Partition) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.parts[p].busy || n.parts[p].loading
}

// Learn takes in what another node says of who has a partition; false: that is
// nothing new, or not of a node that is known.
func (n *Node) Learn(p store.Partition, owner string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.seen == nil || n.seen.nodes[owner].Name == "" || n.route(p).Name == owner {
		return false
	}
	n.parts[p].heir, n.parts[p].told = owner, time.Now()
	return true
}

// route is where a partition was last seen, or is told to have gone since then.
// n.mu is held.
func (n *Node) route(p store.Partition) store.Node {
	owner := n.seen.owners[p].Node
	part := &n.parts[p]
	if going := part.stop != nil && part.handing; part.heir != "" && (going || part.told.After(n.seen.began)) {
		owner = part.heir
	}
	return n.seen.nodes[owner]
}
