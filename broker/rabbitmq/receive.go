package rabbitmq

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/talix-dev/talix/broker"
)

const (
	defaultInFlight = 256
	// maxPrefetch bounds what the server sends ahead.
	maxPrefetch = 256
	// refreshEvery is how often the position is stored though it has not
	// moved: the server closes channels that hold a message for 30 minutes.
	refreshEvery = time.Minute
)

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
		changed: make(chan struct{}, 1), window: &window{},
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

	changed chan struct{} // something was settled

	stopping func() bool // nothing is delivered any more
	over     func()      // ends what is left

	mu        sync.Mutex
	unsettled int // what was delivered and is not settled
	window    *window
	stored    int64 // the position that the server has confirmed
	waiters   []waiter
	failure   error // why nothing can be settled any more
}

// waiter waits until the position is stored.
type waiter struct {
	window   *window
	position int64
	done     chan error
}

// run receives until ctx ends, then goes on until everything is settled. work
// ends when the broker is closed.
func (r *receiver) run(ctx, work context.Context) error {
	life, end := context.WithCancel(work)
	defer end()
	r.over, r.stopping = end, func() bool { return ctx.Err() != nil }
	defer context.AfterFunc(ctx, r.stop)()
	err := r.sessions(life)
	r.fail(cmp.Or(err, errLost))
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
	r.wake()
}

// sessions receives until life ends or going on is hopeless.
func (r *receiver) sessions(life context.Context) error {
	for n := 0; life.Err() == nil; n++ {
		began := time.Now()
		err := r.session(life)
		if mend := hopeless(err); mend != nil {
			return mend
		}
		if time.Since(began) > longestPause {
			n = 0
		}
		if err != nil && life.Err() == nil && n == 0 {
			r.broker.cfg.Log.LogAttrs(life, slog.LevelWarn, "receiving from rabbitmq was interrupted, trying again",
				slog.String("topic", r.sub.Topic), slog.Any("error", err))
		}
		_ = pause(life, n)
	}
	return nil
}

// session is one connection.
func (r *receiver) session(life context.Context) error {
	l, err := r.broker.dial(life, life)
	if err != nil {
		return err
	}
	defer l.close()
	if err := r.broker.declare(l, r.sub.Topic); err != nil {
		return err
	}
	queue := groupQueue(r.sub.Topic, r.sub.Group)
	if err := r.broker.declareGroup(l, queue); err != nil {
		return err
	}
	p, err := l.ballot(queue)
	if err != nil {
		return err
	}
	if err := p.win(life); err != nil {
		return err
	}
	r.resume(p.best)
	if err := p.reign(life, r.owner); err != nil {
		return err
	}
	return r.flow(life, l, p)
}

// resume goes on with what this receiver has in flight, if no other one was
// active since, else begins at the position.
func (r *receiver) resume(best token) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if best.Owner == r.owner {
		return
	}
	r.window = &window{next: best.Position}
	r.stored = best.Position
	r.answer(func(waiter) bool { return true }, errOrphan)
}

// flow delivers and stores the position, until the connection ends.
func (r *receiver) flow(life context.Context, l *link, p *ballot) error {
	stream, err := r.consume(l)
	if err != nil {
		return err
	}
	refresh := time.NewTicker(refreshEvery)
	defer refresh.Stop()
	r.store(p.best.Position)
	c := &commit{ballot: p, stored: p.best.Position}
	for {
		r.redeliver()
		if err := c.begin(r.position()); err != nil {
			return err
		}
		select {
		case <-life.Done():
			return nil
		case <-l.broken:
			return errLost
		case d, ok := <-r.wanted(stream):
			if !ok {
				return errLost
			}
			if err := r.hand(d); err != nil {
				return err
			}
		case d, ok := <-p.tokens:
			if !ok {
				return p.reason()
			}
			p.see(d)
		case <-c.done():
			position, err := c.end()
			if err != nil {
				return err
			}
			r.store(position)
		case <-refresh.C:
			c.stored = -1
		case <-r.changed:
		}
	}
}

// consume reads the stream from the first message on that this receiver has
// not had.
func (r *receiver) consume(l *link) (<-chan amqp.Delivery, error) {
	ch, err := l.conn.Channel()
	if err != nil {
		return nil, fmt.Errorf("open channel: %w", err)
	}
	if err := ch.Qos(min(r.sub.InFlight, maxPrefetch), 0, false); err != nil {
		return nil, fmt.Errorf("bound what is sent ahead: %w", err)
	}
	r.mu.Lock()
	next := r.window.next
	r.mu.Unlock()
	var from any = next
	if next == 0 {
		from = "first"
	}
	stream, err := ch.Consume(r.sub.Topic, "", false, false, false, false, amqp.Table{"x-stream-offset": from})
	if err != nil {
		return nil, fmt.Errorf("read stream %s: %w", r.sub.Topic, err)
	}
	return stream, nil
}

// wanted is the stream if there is room for a message, else nil.
func (r *receiver) wanted(stream <-chan amqp.Delivery) <-chan amqp.Delivery {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopping() || r.unsettled >= r.sub.InFlight {
		return nil
	}
	return stream
}

// hand delivers a message. The position keeps it from being lost, so the server
// can send the next one.
func (r *receiver) hand(d amqp.Delivery) error {
	offset, ok := d.Headers[headerOffset].(int64)
	if !ok {
		return fmt.Errorf("read %s: %w", r.sub.Topic, errNoStream)
	}
	if err := d.Ack(false); err != nil {
		return fmt.Errorf("ask for more: %w", err)
	}
	r.mu.Lock()
	f := r.window.add(offset, &d)
	if f == nil || r.stopping() {
		r.mu.Unlock()
		return nil
	}
	r.unsettled++
	r.mu.Unlock()
	r.give(f)
	return nil
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

func (r *receiver) position() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.window.position()
}

// wake makes flow look again; r.mu may be held.
func (r *receiver) wake() {
	select {
	case r.changed <- struct{}{}:
	default: // it will
	}
}
