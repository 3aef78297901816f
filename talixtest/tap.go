package talixtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"sync"

	"github.com/talix-dev/talix/broker"
	"github.com/talix-dev/talix/broker/memory"
)

// tap is a broker that keeps what the runtime publishes, and what it gives up.
type tap struct {
	*memory.Broker

	mu     sync.Mutex
	topics map[string][]broker.Message
}

func newTap() *tap {
	return &tap{Broker: memory.New(memory.Config{}), topics: map[string][]broker.Message{}}
}

func (b *tap) Publish(ctx context.Context, topic string, messages ...broker.Message) error {
	err := b.Broker.Publish(ctx, topic, messages...)
	if err == nil {
		b.keep(topic, messages...)
	}
	return err
}

func (b *tap) Receive(ctx context.Context, s broker.Subscription, deliver func(*broker.Delivery)) error {
	return b.Broker.Receive(ctx, s, func(d *broker.Delivery) {
		d.Settler = &grave{d.Settler, b, s, d.Message}
		deliver(d)
	})
}

func (b *tap) keep(topic string, messages ...broker.Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range messages {
		m.Data, m.Attributes = bytes.Clone(m.Data), maps.Clone(m.Attributes)
		b.topics[topic] = append(b.topics[topic], m)
	}
}

func (b *tap) published(topic string) []broker.Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.topics[topic]
}

// grave keeps the messages that are given up.
type grave struct {
	broker.Settler
	tap     *tap
	sub     broker.Subscription
	message broker.Message
}

func (g *grave) Dead(ctx context.Context, reason string) error {
	err := g.Settler.Dead(ctx, reason)
	if err == nil {
		m := g.message
		m.Attributes = maps.Clone(m.Attributes)
		if m.Attributes == nil {
			m.Attributes = map[string]string{}
		}
		m.Attributes[broker.DeadReason], m.Attributes[broker.DeadTopic], m.Attributes[broker.DeadGroup] = reason, g.sub.Topic, g.sub.Group
		g.tap.keep(broker.DeadLetter(g.sub.Topic), m)
	}
	return err
}

// Published are the messages that the runtime published to a topic, of whatever
// broker, in order; those of broker.DeadLetter(topic) are what was given up.
func (r *Runtime) Published(topic string) (all []broker.Message) {
	r.t.Helper()
	r.call(func() {
		for _, b := range r.taps {
			all = append(all, b.published(topic)...)
		}
	})
	return all
}

// Send hands messages to a topic, of every broker, for the actions that
// receive from it.
func (r *Runtime) Send(topic string, messages ...broker.Message) {
	r.t.Helper()
	if len(r.taps) == 0 {
		r.t.Fatalf("send to %q: no action receives messages", topic)
	}
	var err error
	r.call(func() {
		for _, b := range r.taps {
			if e := b.Broker.Publish(r.ctx, topic, messages...); e != nil {
				err = e
			}
		}
	})
	if err != nil {
		r.t.Fatalf("send to %q: %v", topic, err)
	}
}

// Message is a message with a value as JSON.
func Message(key string, value any) broker.Message {
	data, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("write message: %v", err))
	}
	return broker.Message{Key: key, Data: data}
}
