package nats

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/talix-dev/talix/broker"
)

// headroom is what a message must leave of the server's limit, in bytes, for
// what its dead letter says besides.
const headroom = 4 << 10

// outgoing is a message to publish.
type outgoing struct {
	key string
	msg *nats.Msg
}

// Publish implements broker.Broker.
func (b *Broker) Publish(ctx context.Context, topic string, messages ...broker.Message) error {
	ctx, done, err := b.begin(ctx)
	if err != nil {
		return fmt.Errorf("publish to %q: %w", topic, err)
	}
	defer done()
	all, err := b.prepare(topic, messages)
	if err != nil {
		return fmt.Errorf("publish to %q: %w", topic, err)
	}
	if err := b.publish(ctx, topic, all); err != nil {
		return fmt.Errorf("publish to %q: %w", topic, err)
	}
	return nil
}

func (b *Broker) prepare(topic string, messages []broker.Message) ([]outgoing, error) {
	if err := checkTopic(topic); err != nil {
		return nil, err
	}
	if wildcard(topic) {
		return nil, errors.New("a topic with wildcards can only be received")
	}
	all := make([]outgoing, len(messages))
	for i, m := range messages {
		if err := m.Check(); err != nil {
			return nil, err
		}
		msg, err := encode(topic, m, m.ID)
		if err != nil {
			return nil, err
		}
		if err := b.checkSize(msg, headroom); err != nil {
			return nil, fmt.Errorf("message %s: %w", m.ID, err)
		}
		all[i] = outgoing{m.Key, msg}
	}
	return all, nil
}

func (b *Broker) checkSize(msg *nats.Msg, reserve int) error {
	size, most := msg.Size()-len(msg.Subject), b.conn.MaxPayload()-int64(reserve)
	if b.conn.MaxPayload() > 0 && int64(size) > most { // it is not known before the first connection
		return fmt.Errorf("%d bytes with headers, and the server takes %d (max_payload, less %d): %w", size, most, reserve, broker.ErrTooLarge)
	}
	return nil
}

// publish sends messages in batches, where the stream takes them and none of a
// batch is there already; else one by one.
func (b *Broker) publish(ctx context.Context, topic string, rest []outgoing) error {
	for len(rest) > 0 {
		var now []outgoing
		now, rest = cut(rest)
		if err := b.publishBatch(ctx, topic, now); err == nil {
			continue
		}
		if err := b.publishEach(ctx, topic, now); err != nil {
			return err
		}
	}
	return ended(ctx)
}

// publishEach sends one message of each key at a time, so that none is stored
// before one that it has to follow.
func (b *Broker) publishEach(ctx context.Context, topic string, rest []outgoing) error {
	for len(rest) > 0 {
		var now []outgoing
		now, rest = split(rest)
		for try := 0; len(now) > 0; try++ {
			if err := ended(ctx); err != nil {
				return err
			}
			if try > 0 {
				b.pause(ctx, try)
			}
			var err error
			if now, err = b.send(ctx, topic, now); err != nil {
				return err
			}
		}
	}
	return nil
}

// atOnce bounds the messages that are under way.
const atOnce = 256

// split takes the first message of each key, and all without.
func split(all []outgoing) (now, later []outgoing) {
	seen := map[string]bool{}
	for _, m := range all {
		if len(now) == atOnce || seen[m.key] {
			later = append(later, m)
		} else {
			now = append(now, m)
		}
		seen[m.key] = m.key != ""
	}
	return now, later
}

// send tries once, and returns those that are not known to be stored.
func (b *Broker) send(ctx context.Context, topic string, all []outgoing) (left []outgoing, err error) {
	if _, err := b.stream(ctx, topic); err != nil {
		return all, b.fatal(err)
	}
	futures := make([]jetstream.PubAckFuture, len(all))
	for i, m := range all {
		// An error here is that of a connection that is not there.
		futures[i], _ = b.js.PublishMsgAsync(m.msg, jetstream.WithRetryAttempts(0))
	}
	var faults []error
	for i, future := range futures {
		if err := b.stored(ctx, future); err != nil {
			left = append(left, all[i])
			faults = append(faults, b.refused(topic, err))
		}
	}
	return left, errors.Join(faults...)
}

// stored waits for the acknowledgement.
func (b *Broker) stored(ctx context.Context, future jetstream.PubAckFuture) error {
	if future == nil {
		return errLost
	}
	select {
	case <-future.Ok():
		return nil
	case err := <-future.Err():
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// tooLarge is the code for a message that exceeds the limit of its stream.
const tooLarge = 10054

// refused is the error of a message that will never be stored.
func (b *Broker) refused(topic string, err error) error {
	var api *jetstream.APIError
	switch {
	case errors.Is(err, nats.ErrMaxPayload), errors.As(err, &api) && api.ErrorCode == tooLarge:
		return fmt.Errorf("%w: %w", err, broker.ErrTooLarge)
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, jetstream.ErrNoStreamResponse):
		b.forget(topic) // the stream may be gone
		return nil
	}
	return b.hopeless(err)
}

// fatal is the error of a stream that can't be had.
func (b *Broker) fatal(err error) error {
	if errors.Is(err, errNoStream) {
		return err
	}
	return b.hopeless(err)
}
