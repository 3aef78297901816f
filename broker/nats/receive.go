package nats

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/talix-dev/talix/broker"
)

// Receive implements broker.Broker.
func (b *Broker) Receive(ctx context.Context, s broker.Subscription, deliver func(*broker.Delivery)) error {
	life, done, err := b.begin(context.WithoutCancel(ctx))
	if err != nil {
		return fmt.Errorf("receive from %q: %w", s.Topic, err)
	}
	defer done()
	if s.InFlight < 1 {
		s.InFlight = 256
	}
	if err := checkTopic(s.Topic); err != nil {
		return fmt.Errorf("receive: %w", err)
	}
	if err := b.receive(ctx, life, s, deliver); err != nil {
		return fmt.Errorf("receive from %q: %w", s.Topic, err)
	}
	return nil
}

// receive has the group again and again, until ctx or the broker's life ends.
func (b *Broker) receive(ctx, life context.Context, s broker.Subscription, deliver func(*broker.Delivery)) error {
	ctx, cancel := b.close.bind(ctx, broker.ErrClosed)
	defer cancel()
	for ctx.Err() == nil {
		c, until, err := b.acquire(ctx, s)
		if err != nil {
			return err
		}
		if c == nil {
			break
		}
		err = newTerm(b, s, c, until).run(ctx, life, deliver)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			b.forget(s.Topic)
			err = nil
		}
		if err != nil {
			return err
		}
	}
	return ended(life)
}
