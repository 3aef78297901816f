package kafka

import (
	"context"
	"time"
)

// assigned is told which partitions are new. It also runs when nothing is.
func (r *receiver) assigned(ctx context.Context, ids []int32) {
	if len(ids) == 0 || !r.turn(ctx, nil) { // what was fetched before is not theirs
		return
	}
	defer r.yield()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range ids {
		r.partitions[id] = newPartition(id)
	}
}

// revoked is told which partitions have to move, and gives them free when what
// is in work of them is settled and committed. The client fetches no more of
// them, and the other partitions go on meanwhile.
func (r *receiver) revoked(ctx context.Context, ids []int32) {
	if len(ids) == 0 {
		return
	}
	moving := r.move(ids)
	defer r.drop(moving)
	limit := time.NewTimer(r.broker.cfg.Handover)
	defer limit.Stop()
	if !r.turn(ctx, limit.C) { // nothing is between the client and the partition
		return
	}
	r.yield()
	for !r.still(moving) {
		select {
		case <-r.moved:
		case <-limit.C:
			return
		case <-r.abandoned:
			return
		case <-ctx.Done():
			return
		}
	}
}

// turn waits until no record is on its way from the client to its partition.
func (r *receiver) turn(ctx context.Context, limit <-chan time.Time) bool {
	select {
	case r.handing <- struct{}{}:
		return true
	case <-limit:
	case <-r.abandoned:
	case <-ctx.Done():
	}
	return false
}

func (r *receiver) yield() { <-r.handing }

func (r *receiver) move(ids []int32) []*partition {
	r.mu.Lock()
	defer r.mu.Unlock()
	var moving []*partition
	for _, id := range ids {
		if p := r.partitions[id]; p != nil {
			p.moving = true
			moving = append(moving, p)
		}
	}
	return moving
}

// still tells whether nothing of the partitions is in work and all that can be
// committed is.
func (r *receiver) still(moving []*partition) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range moving {
		if p.open > 0 || p.position() != p.stored {
			return false
		}
	}
	return true
}

// lost is told which partitions others may have already.
func (r *receiver) lost(ids []int32) { r.drop(r.move(ids)) }

// drop forgets partitions; what is in work of them is not the receiver's any
// more.
func (r *receiver) drop(gone []*partition) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range gone {
		p.gone = true
		if r.partitions[p.id] == p {
			delete(r.partitions, p.id)
		}
	}
	r.answer(func(w waiter) bool { return w.partition.gone }, errOrphan)
}
