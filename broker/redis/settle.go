package redis

import (
	"context"
	"fmt"
	"maps"

	"github.com/redis/go-redis/v9"

	"github.com/talix-dev/talix/broker"
)

// settler settles one delivery.
type settler struct {
	receiver *receiver
	entry    redis.XMessage
	turn     chan struct{} // held by the call that is at work
	over     bool          // it is settled; guarded by turn
}

// Ack implements broker.Settler.
func (s *settler) Ack(ctx context.Context) error {
	return s.settle(ctx, "acknowledge", false, s.ack)
}

// Dead implements broker.Settler.
func (s *settler) Dead(ctx context.Context, reason string) error {
	return s.settle(ctx, "dead-letter", false, func(ctx context.Context) error {
		r := s.receiver
		m := r.broker.decode(r.sub.Topic, s.entry)
		m.Attributes = maps.Clone(m.Attributes)
		maps.Copy(m.Attributes, map[string]string{
			broker.DeadReason: reason, broker.DeadTopic: r.sub.Topic, broker.DeadGroup: r.sub.Group,
		})
		if err := r.broker.publish(ctx, broker.DeadLetter(r.sub.Topic), []broker.Message{m}); err != nil {
			return err
		}
		return s.ack(ctx)
	})
}

// Back implements broker.Settler.
func (s *settler) Back(ctx context.Context) error {
	return s.settle(ctx, "give back", true, func(context.Context) error { return nil })
}

func (s *settler) ack(ctx context.Context) error {
	r := s.receiver
	return r.broker.persist(ctx, func() error {
		return r.broker.client.XAck(ctx, r.sub.Topic, r.sub.Group, s.entry.ID).Err()
	})
}

// settle runs fn unless the delivery is settled already.
func (s *settler) settle(ctx context.Context, verb string, again bool, fn func(context.Context) error) error {
	ctx, end, err := s.receiver.broker.begin(ctx)
	if err != nil {
		return fmt.Errorf("%s entry %s: %w", verb, s.entry.ID, err)
	}
	defer end()
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return fmt.Errorf("%s entry %s: %w", verb, s.entry.ID, context.Cause(ctx))
	}
	if s.over {
		return nil
	}
	if err := fn(ctx); err != nil {
		return fmt.Errorf("%s entry %s: %w", verb, s.entry.ID, explain(err))
	}
	s.over = true
	s.receiver.done(s.entry.ID, again)
	return nil
}
