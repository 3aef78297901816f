package rabbitmq

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"sync"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/talix-dev/talix/broker"
)

const defaultInFlight = 256

// Receive implements broker.Broker.
func (b *Broker) Receive(ctx context.Context, s broker.Subscription, deliver func(*broker.Delivery)) error {
	work, end, err := b.begin(context.WithoutCancel(ctx))
	if err != nil {
		return fmt.Errorf("receive from %s: %w", s.Topic, err)
	}
	defer end()
	s.InFlight = cmp.Or(s.InFlight, defaultInFlight)
	r := &receiver{
		broker: b, sub: s, deliver: deliver, owner: rand.Text(),
		changed: make(chan struct{}, 1), moved: make(chan struct{}, 1), feed: make(chan arrival), window: &window{},
	}
	if err := r.run(ctx, work); err != nil {
		return fmt.Errorf("receive from %s: %w", s.Topic, err)
	}
	return nil
}

// receiver is one Receive.
type receiver struct {
	broker  *Broker
	sub     broker.Subscription
	deliver func(*broker.Delivery)
	owner   string // names the receiver in tokens

	feed     chan arrival  // what the present connection has read
	changed  chan struct{} // something was settled
	moved    chan struct{} // the position may have moved
	stopping func() bool   // nothing is delivered any more
	over     func()        // ends what is left

	mu        sync.Mutex
	unsettled int // what was delivered and is not settled
	window    *window
	stored    int64 // the position that the server has confirmed
	epoch     int64 // the last one that the receiver has begun
	waiters   []waiter
	failure   error // why nothing can be settled any more
}

// arrival is a message that was read for a window.
type arrival struct {
	window  *window
	offset  int64
	message *amqp.Delivery
}

// waiter waits until the position is stored.
type waiter struct {
	window   *window
	position int64
	done     chan error
}

// run receives until ctx ends, then goes on until everything is settled. work
// ends when the broker is closed. Connections have a goroutine of their own:
// deliver may wait for something to be settled.
func (r *receiver) run(ctx, work context.Context) (err error) {
	life, end := context.WithCancel(work)
	defer end()
	r.over, r.stopping = end, func() bool { return ctx.Err() != nil }
	defer context.AfterFunc(ctx, r.stop)()
	var sessions sync.WaitGroup
	sessions.Go(func() {
		err = r.sessions(life)
		r.fail(cmp.Or(err, errLost))
		end()
	})
	r.dispatch(life)
	sessions.Wait()
	if closing(work) {
		return broker.ErrClosed
	}
	return err
}

// stop is for the end of the deliveries.
func (r *receiver) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.unsettled == 0 {
		r.over()
	}
	wake(r.changed)
}

// dispatch delivers until life ends.
func (r *receiver) dispatch(life context.Context) {
	for {
		r.redeliver()
		select {
		case <-life.Done():
			return
		case a := <-r.wanted():
			r.hand(a)
		case <-r.changed:
		}
	}
}

// wanted is the feed if there is room for a message, else nil.
func (r *receiver) wanted() <-chan arrival {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopping() || r.unsettled >= r.sub.InFlight {
		return nil
	}
	return r.feed
}

// hand delivers a message, unless it was before, or belongs to a window that
// another receiver has taken over.
func (r *receiver) hand(a arrival) {
	r.mu.Lock()
	if a.window != r.window || r.stopping() {
		r.mu.Unlock()
		return
	}
	f := r.window.add(a.offset, a.message)
	if f == nil {
		r.mu.Unlock()
		return
	}
	r.unsettled++
	r.mu.Unlock()
	r.give(f)
}

func (r *receiver) give(f *flight) {
	r.deliver(&broker.Delivery{
		Message: r.broker.decode(r.sub.Topic, f.offset, f.message),
		Settler: &settler{receiver: r, flight: f, message: f.message, turn: make(chan struct{}, 1)},
	})
}

// redeliver delivers what was given back.
func (r *receiver) redeliver() {
	for {
		r.mu.Lock()
		f := r.window.returned()
		if f == nil || r.stopping() || r.unsettled >= r.sub.InFlight {
			r.mu.Unlock()
			return
		}
		f.state = open
		f.window.backs--
		r.unsettled++
		r.mu.Unlock()
		r.give(f)
	}
}

// wake makes whoever waits on a channel look again.
func wake(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default: // it will
	}
}
