package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/talix-dev/talix/broker"
)

// Publish implements broker.Broker.
func (b *Broker) Publish(ctx context.Context, topic string, messages ...broker.Message) error {
	for _, m := range messages {
		if err := m.Check(); err != nil {
			return fmt.Errorf("publish to %s: %w", topic, err)
		}
	}
	ctx, end, err := b.begin(ctx)
	if err != nil {
		return fmt.Errorf("publish to %s: %w", topic, err)
	}
	defer end()
	if err := b.publish(ctx, topic, messages); err != nil {
		return fmt.Errorf("publish to %s: %w", topic, err)
	}
	return nil
}

func (b *Broker) publish(ctx context.Context, topic string, messages []broker.Message) error {
	return b.persist(ctx, "publish to "+topic, func() error {
		if err := b.ensure(ctx, topic); err != nil {
			return err
		}
		err := b.produce(ctx, topic, messages)
		if errors.Is(err, kerr.UnknownTopicOrPartition) {
			b.forget(topic)
		}
		return err
	})
}

// produce waits until the servers have all records, or ctx ends. Records of a
// call that has ended may still be on their way: taking them back would fail
// those of other calls too.
func (b *Broker) produce(ctx context.Context, topic string, messages []broker.Message) error {
	results := make(chan error, len(messages))
	for _, m := range messages {
		b.client.Produce(context.WithoutCancel(ctx), encode(topic, m), func(_ *kgo.Record, err error) { results <- err })
	}
	var first error
	for range messages {
		select {
		case err := <-results:
			if first == nil {
				first = err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return first
}
