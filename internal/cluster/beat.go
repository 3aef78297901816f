package cluster

import (
	"context"
	"time"

	"github.com/talix-dev/talix/store"
)

// beat renews the lease until ctx ends.
func (n *Node) beat(ctx context.Context) {
	for {
		began := time.Now()
		if err := n.beatOnce(ctx); err != nil && ctx.Err() == nil {
			n.cfg.Log.Warn("renew the own lease", "error", err)
		}
		if !wait(ctx, time.Until(began.Add(n.cfg.every()))) {
			return
		}
	}
}

// beatOnce renews the lease. Where that came too late, nothing is owned that was
// claimed by others meanwhile.
func (n *Node) beatOnce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, n.cfg.Lease)
	defer cancel()
	address := n.cfg.Address
	if n.leaving.Load() {
		address = "" // whoever has none gets no partitions
	}
	sent := time.Now()
	if err := n.cfg.Leases.Beat(ctx, n.cfg.Name, address, n.cfg.Lease); err != nil {
		return err
	}
	if n.term.renew(sent) {
		return nil
	}
	owners, err := n.cfg.Leases.Owners(ctx)
	if err != nil {
		return err
	}
	n.loseClaimed(owners)
	n.term.begin(sent)
	n.poke()
	return nil
}

// loseClaimed gives up what others have claimed.
func (n *Node) loseClaimed(owners []store.Owner) {
	epochs := map[store.Partition]store.Epoch{}
	for _, o := range owners {
		if o.Node == n.cfg.Name {
			epochs[o.Partition] = o.Epoch
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for p := range n.parts {
		if part := &n.parts[p]; part.stop != nil && epochs[store.Partition(p)] != part.epoch {
			n.lose(store.Partition(p))
		}
	}
}

// wait waits for a time, which may be over; false if ctx ended.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
