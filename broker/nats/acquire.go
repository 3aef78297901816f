package nats

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/talix-dev/talix/broker"
)

// acquire waits until the group is this receiver's, and returns its hold and
// until when it is valid. It returns nil when ctx ends.
func (b *Broker) acquire(ctx context.Context, s broker.Subscription) (*claim, time.Time, error) {
	w := &waiter{broker: b, sub: s, owner: rand.Text()}
	for fails := 0; ctx.Err() == nil; {
		c, until, err := w.try(ctx)
		switch {
		case c != nil:
			return c, until, nil
		case err != nil && ctx.Err() == nil:
			if err := b.fatal(err); err != nil {
				return nil, time.Time{}, err
			}
			b.pause(ctx, fails)
			fails++
		default:
			fails = 0
			b.rest(ctx, w.wait())
		}
	}
	return nil, time.Time{}, nil
}

// rest waits for a time.
func (b *Broker) rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// waiter watches a group that another receiver has.
type waiter struct {
	broker *Broker
	sub    broker.Subscription
	owner  string

	revision uint64    // that was last seen
	since    time.Time // when it was first seen
}

// wait is how long to wait between looks.
func (w *waiter) wait() time.Duration {
	return min(max(w.broker.config.Lease/40, 10*time.Millisecond), 250*time.Millisecond)
}

// try takes the group if it is free.
func (w *waiter) try(ctx context.Context) (*claim, time.Time, error) {
	info, err := w.broker.info(ctx, w.sub.Topic)
	if err != nil {
		w.since = time.Time{}
		return nil, time.Time{}, err
	}
	bucket, err := w.broker.bucket(ctx)
	if err != nil {
		return nil, time.Time{}, err
	}
	c := &claim{broker: w.broker, bucket: bucket, key: groupKey(w.sub.Topic, w.sub.Group), owner: w.owner}
	if err := c.read(ctx); err != nil {
		w.since = time.Time{} // silence counts only as long as one could hear
		return nil, time.Time{}, err
	}
	if !w.free(c) {
		return nil, time.Time{}, nil
	}
	until, err := c.write(ctx, w.next(c.record, info))
	if err != nil {
		return nil, time.Time{}, ignoreTaken(err)
	}
	return c, until, nil
}

func ignoreTaken(err error) error {
	if err == errTaken { //nolint:errorlint // it comes as it is
		return nil
	}
	return err
}

// free tells whether nobody has the group, or whoever has it was silent for
// its lease.
func (w *waiter) free(c *claim) bool {
	now := time.Now()
	if w.since.IsZero() || w.revision != c.revision {
		w.revision, w.since = c.revision, now
	}
	return c.revision == 0 || c.record.Owner == "" ||
		w.broker.config.Sole && c.record.Run != w.broker.run ||
		now.Sub(w.since) >= w.broker.config.Lease
}

// next is the record with this receiver as its owner. In a stream that was made
// anew it begins anew; in one that lost its end, at the end.
func (w *waiter) next(r record, info *jetstream.StreamInfo) record {
	if r.Stream != info.Config.Name || !r.Made.Equal(info.Created) {
		r.cursor = cursor{}
	}
	if last := info.State.LastSeq; r.Floor > last {
		r.cursor = cursor{Floor: last}
	}
	r.Owner, r.Run, r.Stream, r.Made = w.owner, w.broker.run, info.Config.Name, info.Created
	return r
}

// info is of the stream that keeps a topic.
func (b *Broker) info(ctx context.Context, topic string) (*jetstream.StreamInfo, error) {
	k, err := b.stream(ctx, topic)
	if err != nil {
		return nil, err
	}
	ctx, cancel := b.request(ctx)
	defer cancel()
	stream, err := b.js.Stream(ctx, k.stream)
	if err != nil {
		b.forget(topic)
		return nil, err
	}
	return stream.CachedInfo(), nil
}
