package redis

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/talix-dev/talix/broker"
)

const (
	// What goes to the server in one transaction.
	maxBatch      = 256
	maxBatchBytes = 8 << 20
	// syncLimit is how long the server is asked to wait before it is asked again.
	syncLimit = 2 * time.Second
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
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	for _, m := range messages {
		if len(m.Data) >= b.cfg.MaxData {
			return fmt.Errorf("%w: message %s has %d bytes, the limit is %d", broker.ErrTooLarge, m.ID, len(m.Data), b.cfg.MaxData)
		}
	}
	for len(messages) > 0 {
		n := batch(messages)
		if err := b.persist(ctx, func() error { return b.add(ctx, topic, messages[:n]) }); err != nil {
			return explain(err)
		}
		messages = messages[n:]
	}
	return nil
}

// explain adds what to do, where that is known.
func explain(err error) error {
	if mend := hopeless(err); mend != nil {
		return mend
	}
	return err
}

// batch is how many messages go in one transaction.
func batch(messages []broker.Message) int {
	size := 0
	for n, m := range messages[:min(len(messages), maxBatch)] {
		if size += len(m.Data); n > 0 && size > maxBatchBytes {
			return n
		}
	}
	return min(len(messages), maxBatch)
}

// add adds entries to a stream, all or none: a gap would become a wrong order
// when they are published again.
func (b *Broker) add(ctx context.Context, stream string, messages []broker.Message) error {
	ask, err := b.durability(ctx)
	if err != nil {
		return err
	}
	var done, synced *redis.Cmd
	// One connection: what is waited for is what it has written.
	_, err = b.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.Do(ctx, "MULTI")
		for _, m := range messages {
			p.XAdd(ctx, &redis.XAddArgs{Stream: stream, Values: encode(m, time.Now())})
		}
		done = p.Do(ctx, "EXEC")
		synced = b.await(ctx, p, ask)
		return nil
	})
	if err == nil {
		err = inside(done)
	}
	if err != nil {
		return err
	}
	return b.enough(synced, ask)
}

// inside is the first error of what a transaction has run.
func inside(done *redis.Cmd) error {
	replies, err := done.Slice()
	if err != nil {
		return err
	}
	for _, r := range replies {
		if err, ok := r.(error); ok {
			return err
		}
	}
	return nil
}

// await asks the server to wait until what was written is safe.
func (b *Broker) await(ctx context.Context, p redis.Pipeliner, ask bool) *redis.Cmd {
	switch {
	case ask:
		return p.Do(ctx, "WAITAOF", 1, b.cfg.Replicas, syncLimit.Milliseconds())
	case b.cfg.Replicas > 0:
		return p.Do(ctx, "WAIT", b.cfg.Replicas, syncLimit.Milliseconds())
	}
	return nil
}

func (b *Broker) enough(synced *redis.Cmd, ask bool) error {
	if synced == nil {
		return nil
	}
	if !ask {
		if n, err := synced.Int(); err != nil || n < b.cfg.Replicas {
			return errors.Join(err, fmt.Errorf("%w: %d of %d", errReplicas, n, b.cfg.Replicas))
		}
		return nil
	}
	counts, err := synced.Int64Slice()
	if err != nil || len(counts) != 2 || counts[0] < 1 || counts[1] < int64(b.cfg.Replicas) {
		return errors.Join(err, fmt.Errorf("%w: synced here and at replicas: %v, wanted 1 and %d", errReplicas, counts, b.cfg.Replicas))
	}
	return nil
}
