package rabbitmq

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/talix-dev/talix/broker"
)

const (
	// maxPublishing bounds the calls of Publish that are at work, each on a
	// channel of its own.
	maxPublishing = 128
	// maxBatch bounds the messages of a call that wait for their confirmation.
	maxBatch = 256
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
	out := make([]amqp.Publishing, len(messages))
	for i, m := range messages {
		var err error
		if out[i], err = encode(m, time.Now()); err != nil {
			return err
		}
	}
	select {
	case b.publishing <- struct{}{}:
		defer func() { <-b.publishing }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	for len(out) > 0 {
		n := min(len(out), maxBatch)
		if err := b.persist(ctx, topic, out[:n]); err != nil {
			return err
		}
		out = out[n:]
	}
	return nil
}

// persist publishes until all is confirmed, going on is hopeless, or ctx ends.
func (b *Broker) persist(ctx context.Context, topic string, out []amqp.Publishing) error {
	for n := 0; ; n++ {
		err := b.attempt(ctx, topic, out)
		if err == nil {
			return nil
		}
		if mend := hopeless(err); mend != nil {
			return mend
		}
		if n == 0 && ctx.Err() == nil {
			b.cfg.Log.LogAttrs(ctx, slog.LevelWarn, "rabbitmq did not take messages, trying again",
				slog.String("topic", topic), slog.Any("error", err))
		}
		if pause(ctx, n) != nil {
			return fmt.Errorf("%w (the last attempt: %w)", context.Cause(ctx), err)
		}
	}
}

func (b *Broker) attempt(ctx context.Context, topic string, out []amqp.Publishing) error {
	l, err := b.connected(ctx)
	if err != nil {
		return err
	}
	c, confirmations, err := b.send(ctx, l, topic, out)
	if c != nil {
		defer l.put(c)
	}
	if err == nil {
		err = c.confirmed(ctx, confirmations)
	}
	if err != nil {
		l.forget(topic)
	}
	if err != nil && c != nil {
		return c.reason(err)
	}
	return err
}

// send publishes. A server that takes nothing may keep it waiting: then only
// cutting the connection ends it.
func (b *Broker) send(ctx context.Context, l *link, topic string, out []amqp.Publishing) (*channel, []*amqp.DeferredConfirmation, error) {
	defer context.AfterFunc(ctx, l.cut)()
	if err := b.declareOnce(l, topic); err != nil {
		return nil, nil, err
	}
	c, err := l.take()
	if err != nil {
		return nil, nil, err
	}
	confirmations := make([]*amqp.DeferredConfirmation, 0, len(out))
	for _, p := range out {
		confirmation, err := c.ch.PublishWithDeferredConfirm(topic, "", true, false, p)
		if err != nil {
			return c, nil, err
		}
		confirmations = append(confirmations, confirmation)
	}
	return c, confirmations, nil
}

// connected is the connection for publishing, made if there is none.
func (b *Broker) connected(ctx context.Context) (*link, error) {
	select {
	case b.dialing <- struct{}{}:
		defer func() { <-b.dialing }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	b.mu.Lock()
	l := b.link
	b.mu.Unlock()
	if l != nil && l.alive() {
		return l, nil
	}
	// It outlives this call: other calls and later ones share it.
	next, err := b.dial(ctx, context.WithoutCancel(ctx))
	if err != nil {
		return nil, err
	}
	if l != nil {
		l.close()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.link = next
	return next, nil
}

// channel is one for publishing, with one call at a time: what the server
// refuses, it refuses to that call.
type channel struct {
	ch       *amqp.Channel
	returned chan amqp.Return
	ended    chan *amqp.Error
}

// take takes an idle channel, or opens one.
func (l *link) take() (*channel, error) {
	l.mu.Lock()
	if n := len(l.idle); n > 0 {
		c := l.idle[n-1]
		l.idle = l.idle[:n-1]
		l.mu.Unlock()
		for len(c.returned) > 0 {
			<-c.returned // of an earlier call
		}
		return c, nil
	}
	l.mu.Unlock()
	ch, err := l.conn.Channel()
	if err != nil {
		return nil, fmt.Errorf("open channel: %w", err)
	}
	c := &channel{
		ch:       ch,
		returned: ch.NotifyReturn(make(chan amqp.Return, maxBatch)),
		ended:    ch.NotifyClose(make(chan *amqp.Error, 1)),
	}
	if err := ch.Confirm(false); err != nil {
		return nil, fmt.Errorf("ask for confirmations: %w", err)
	}
	return c, nil
}

// put makes a channel available to others, unless it has ended.
func (l *link) put(c *channel) {
	if c.ch.IsClosed() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.idle = append(l.idle, c)
}

// confirmed waits until the server has everything.
func (c *channel) confirmed(ctx context.Context, confirmations []*amqp.DeferredConfirmation) error {
	for _, confirmation := range confirmations {
		acked, err := confirmation.WaitContext(ctx)
		if err != nil {
			return err
		}
		if !acked {
			return errRefused
		}
	}
	if len(c.returned) > 0 {
		return errReturned // the server tells that before it confirms
	}
	return nil
}

// reason is why the server closed the channel, if it did.
func (c *channel) reason(err error) error {
	if !c.ch.IsClosed() {
		return err
	}
	if answer := <-c.ended; answer != nil {
		return fmt.Errorf("%w: %w", err, answer)
	}
	return err
}
