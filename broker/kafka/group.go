package kafka

import (
	"context"
	"time"
)

// assigned is told which partitions are new. It also runs when nothing is.
func (r *receiver) assigned(ids []int32) {
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
	r.handing <- struct{}{} // what was fetched is delivered
	moving := r.move(ids)
	<-r.handing
	limit := time.NewTimer(r.broker.cfg.Handover)
	defer limit.Stop()
	defer r.drop(moving)
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
func (r *receiver) lost(ids []int32) {
	r.handing <- struct{}{}
	r.drop(r.move(ids))
	<-r.handing
}

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
