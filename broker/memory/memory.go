// Package memory keeps a broker in memory: for tests, and for trying things
// out. It keeps the whole contract of the port but durability: what it holds
// ends with the process.
//
// It is less regular than others, so that nobody comes to rely on luck: the
// receivers of a group get messages in turn wherever order by key allows it,
// and what was published twice is delivered twice.
package memory

import (
	"context"
	"fmt"
	"sync"

	"github.com/talix-dev/talix/broker"
)

// Config of a Broker. The zero value works.
type Config struct {
	// MaxMessage is the size of data, in bytes, from which on Publish fails
	// with ErrTooLarge. Defaults to no limit.
	MaxMessage int
	// Fault, for tests of what stands above a broker, is asked before each call
	// that changes something how it shall go wrong. It may be called from many
	// goroutines at once and may block. Defaults to no faults.
	Fault func(Call) Fault
}

// Broker is a broker.Broker in memory.
type Broker struct {
	config Config
	server *server

	mu     sync.Mutex // guards closed and the start of calls
	closed chan struct{}
	calls  sync.WaitGroup
}

var _ broker.Broker = (*Broker)(nil)

// New makes an empty broker.
func New(c Config) *Broker {
	return &Broker{config: c, server: newServer(), closed: make(chan struct{})}
}

// Connect is one more Broker with the same topics, as another process would
// have it. It is closed for itself.
func (b *Broker) Connect() *Broker {
	return &Broker{config: b.config, server: b.server, closed: make(chan struct{})}
}

// Publish implements broker.Broker.
func (b *Broker) Publish(ctx context.Context, topic string, messages ...broker.Message) error {
	if err := b.begin(); err != nil {
		return fmt.Errorf("publish to %q: %w", topic, err)
	}
	defer b.calls.Done()
	if err := b.check(ctx, messages); err != nil {
		return fmt.Errorf("publish to %q: %w", topic, err)
	}
	fault := b.fault(Call{Op: Publish, Topic: topic, Messages: messages})
	if fault.Before != nil {
		return fmt.Errorf("publish to %q: %w", topic, fault.Before)
	}
	b.server.publish(topic, messages)
	if fault.After != nil {
		return fmt.Errorf("publish to %q: %w", topic, fault.After)
	}
	return nil
}

func (b *Broker) check(ctx context.Context, messages []broker.Message) error {
	for _, m := range messages {
		if err := m.Check(); err != nil {
			return err
		}
		if most := b.config.MaxMessage; most > 0 && len(m.Data) >= most {
			return fmt.Errorf("message %s has %d bytes, and %d are too many: %w", m.ID, len(m.Data), most, broker.ErrTooLarge)
		}
	}
	return ctx.Err()
}

// Receive implements broker.Broker.
func (b *Broker) Receive(ctx context.Context, s broker.Subscription, deliver func(*broker.Delivery)) error {
	if err := b.begin(); err != nil {
		return fmt.Errorf("receive from %q: %w", s.Topic, err)
	}
	defer b.calls.Done()
	if s.InFlight < 1 {
		s.InFlight = 256
	}
	r := &receiver{broker: b, sub: s, group: b.server.group(s.Topic, s.Group)}
	if err := r.run(ctx, deliver); err != nil {
		return fmt.Errorf("receive from %q: %w", s.Topic, err)
	}
	return nil
}

// Close implements broker.Broker.
func (b *Broker) Close() error {
	b.mu.Lock()
	if !b.isClosed() {
		close(b.closed)
	}
	b.mu.Unlock()
	b.calls.Wait()
	return nil
}

// begin starts a call, which ends with b.calls.Done.
func (b *Broker) begin() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.isClosed() {
		return broker.ErrClosed
	}
	b.calls.Add(1)
	return nil
}

func (b *Broker) isClosed() bool {
	select {
	case <-b.closed:
		return true
	default:
		return false
	}
}
