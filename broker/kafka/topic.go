package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// ensure makes a topic if it is missing.
func (b *Broker) ensure(ctx context.Context, topic string) error {
	if !valid(topic) {
		return fmt.Errorf("%q: %w", topic, kerr.InvalidTopicException)
	}
	b.mu.Lock()
	known := b.topics[topic]
	b.mu.Unlock()
	if known {
		return nil
	}
	if err := b.create(ctx, topic); err != nil {
		return fmt.Errorf("make topic: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.topics[topic] = true
	return nil
}

// valid tells whether Kafka takes the name. Clients would ask again and again
// for one that it does not take.
func valid(topic string) bool {
	const longest = 249
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
	return topic != "" && len(topic) <= longest && topic != "." && topic != ".." && strings.Trim(topic, letters) == ""
}

// create looks first: a user who may not create topics may use those that are
// there.
func (b *Broker) create(ctx context.Context, topic string) error {
	admin := kadm.NewClient(b.client)
	details, err := admin.ListTopics(ctx, topic)
	if err != nil {
		return err
	}
	err = details[topic].Err
	if err == nil && details.Has(topic) {
		return nil
	}
	if err != nil && !errors.Is(err, kerr.UnknownTopicOrPartition) {
		return err
	}
	_, err = admin.CreateTopic(ctx, int32(cmp.Or(b.cfg.Partitions, -1)), int16(cmp.Or(b.cfg.Replicas, -1)), nil, topic)
	if errors.Is(err, kerr.TopicAlreadyExists) {
		return nil
	}
	return err
}

// forget makes ensure look again.
func (b *Broker) forget(topic string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.topics, topic)
}
