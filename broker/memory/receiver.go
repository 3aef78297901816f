package memory

import (
	"context"
	"slices"

	"github.com/talix-dev/talix/broker"
)

// receiver is one call of Receive. Its open and held are guarded by the
// server's mu.
type receiver struct {
	broker *Broker
	sub    broker.Subscription
	group  *group
	open   int // messages in flight
	held   []*delivery
}

// run delivers until ctx ends, and waits until all is settled.
func (r *receiver) run(ctx context.Context, deliver func(*broker.Delivery)) error {
	for {
		d, open, wake := r.next(ctx)
		if d != nil {
			deliver(d.delivery())
			continue
		}
		done := ctx.Done()
		if ctx.Err() != nil {
			if open == 0 {
				return nil
			}
			done = nil
		}
		select {
		case <-wake:
		case <-done:
		case <-r.broker.closed:
			r.giveBack()
			return broker.ErrClosed
		}
	}
}

// next is the next message, unless ctx has ended; how many are in flight, and
// what is closed when that may change.
func (r *receiver) next(ctx context.Context) (*delivery, int, <-chan struct{}) {
	s := r.broker.server
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() == nil && !r.broker.isClosed() {
		if d, ok := r.group.next(r); ok {
			return d, r.open, s.wake
		}
	}
	return nil, r.open, s.wake
}

// giveBack gives back whatever is in flight.
func (r *receiver) giveBack() {
	s := r.broker.server
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range slices.Clone(r.held) {
		r.group.leave(d)
		r.group.back(d.at)
	}
}
