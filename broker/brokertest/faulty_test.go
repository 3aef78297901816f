package brokertest_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/talix-dev/talix/broker"
	"github.com/talix-dev/talix/broker/brokertest"
	"github.com/talix-dev/talix/broker/memory"
)

const (
	maxMessage = 1 << 20
	patience   = 100 * time.Millisecond
)

// server is a broker in memory that can be down. What is done while it is down
// waits.
type server struct {
	*memory.Broker
	fault fault

	mu sync.Mutex
	up chan struct{} // closed while it is up
}

func newServer(f fault) *server {
	s := &server{Broker: memory.New(memory.Config{MaxMessage: maxMessage}), fault: f, up: make(chan struct{})}
	close(s.up)
	return s
}

func (s *server) factory() brokertest.Factory {
	return brokertest.Factory{
		Open: func(testing.TB, string) (broker.Broker, error) {
			b := &faulty{Broker: s.Connect(), server: s, fault: s.fault}
			if s.fault.alone {
				b.Broker = memory.New(memory.Config{})
			}
			return b, nil
		},
		Kill: func(testing.TB) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.up = make(chan struct{})
		},
		Start: func(testing.TB) {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.fault.restart != nil {
				s.fault.restart(s)
			}
			close(s.up)
		},
		Features: brokertest.Features{MaxMessage: maxMessage, Patience: patience},
	}
}

func (s *server) wait(ctx context.Context) {
	s.mu.Lock()
	up := s.up
	s.mu.Unlock()
	select {
	case <-up:
	case <-ctx.Done():
	}
}

// fault is what is wrong with a broker. Its functions are called in the place
// of the broker's methods, if they are set.
type fault struct {
	alone     bool // each Broker has topics of its own
	impatient bool // Publish does not wait for the server
	restart   func(s *server)
	publish   func(b *faulty, ctx context.Context, topic string, ms []broker.Message) error
	receive   func(b *faulty, ctx context.Context, s broker.Subscription, deliver func(*broker.Delivery)) error
	// settler wraps that of a delivery.
	settler func(b *faulty, s broker.Subscription, d *broker.Delivery) broker.Settler
	close   func(b *faulty) error
}

// faulty is a broker with a fault.
type faulty struct {
	*memory.Broker
	server *server
	fault  fault

	mu    sync.Mutex
	open  []*broker.Delivery
	topic string
	n     int
}

func (b *faulty) Publish(ctx context.Context, topic string, ms ...broker.Message) error {
	if !b.fault.impatient {
		b.server.wait(ctx)
	}
	if b.fault.publish != nil {
		return b.fault.publish(b, ctx, topic, ms)
	}
	return b.Broker.Publish(ctx, topic, ms...)
}

func (b *faulty) Receive(ctx context.Context, s broker.Subscription, deliver func(*broker.Delivery)) error {
	wrapped := func(d *broker.Delivery) {
		b.server.wait(ctx)
		if b.fault.settler != nil {
			d.Settler = b.fault.settler(b, s, &broker.Delivery{Message: d.Message, Attempt: d.Attempt, Settler: d.Settler})
		}
		deliver(d)
	}
	if b.fault.receive != nil {
		return b.fault.receive(b, ctx, s, wrapped)
	}
	return b.Broker.Receive(ctx, s, wrapped)
}

func (b *faulty) Close() error {
	if b.fault.close != nil {
		return b.fault.close(b)
	}
	return b.Broker.Close()
}

// unsettled is what is open now; a message may just be coming.
func (b *faulty) unsettled() []*broker.Delivery {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.open)
}

// count is how often it was called before.
func (b *faulty) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.n++
	return b.n - 1
}

// settler is made of functions; those that are missing are the delivery's.
type settler struct {
	*broker.Delivery
	ack  func(ctx context.Context) error
	dead func(ctx context.Context, reason string) error
	back func(ctx context.Context) error
}

func (s settler) Ack(ctx context.Context) error {
	if s.ack != nil {
		return s.ack(ctx)
	}
	return s.Delivery.Ack(ctx)
}

func (s settler) Dead(ctx context.Context, reason string) error {
	if s.dead != nil {
		return s.dead(ctx, reason)
	}
	return s.Delivery.Dead(ctx, reason)
}

func (s settler) Back(ctx context.Context) error {
	if s.back != nil {
		return s.back(ctx)
	}
	return s.Delivery.Back(ctx)
}
