package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/talix-dev/talix/broker"
)

// settler settles one delivery.
type settler struct {
	receiver *receiver
	flight   *flight
	message  *amqp.Delivery
	turn     chan struct{} // held by the call that is at work
	over     bool          // it is settled; guarded by turn
}

// Ack implements broker.Settler.
func (s *settler) Ack(ctx context.Context) error {
	return s.settle(ctx, "acknowledge", func(ctx context.Context) error { return s.receiver.settle(ctx, s.flight) })
}

// Dead implements broker.Settler.
func (s *settler) Dead(ctx context.Context, reason string) error {
	return s.settle(ctx, "dead-letter", func(ctx context.Context) error {
		r := s.receiver
		m := r.broker.decode(r.sub.Topic, s.flight.offset, s.message)
		maps.Copy(m.Attributes, map[string]string{
			broker.DeadReason: reason, broker.DeadTopic: r.sub.Topic, broker.DeadGroup: r.sub.Group,
		})
		if err := r.broker.publish(ctx, broker.DeadLetter(r.sub.Topic), []broker.Message{m}); err != nil {
			return err
		}
		return r.settle(ctx, s.flight)
	})
}

// Back implements broker.Settler.
func (s *settler) Back(ctx context.Context) error {
	return s.settle(ctx, "give back", func(context.Context) error {
		s.receiver.giveBack(s.flight)
		return nil
	})
}

// settle runs fn unless the delivery is settled already.
func (s *settler) settle(ctx context.Context, verb string, fn func(context.Context) error) error {
	ctx, end, err := s.receiver.broker.begin(ctx)
	if err != nil {
		return fmt.Errorf("%s offset %d: %w", verb, s.flight.offset, err)
	}
	defer end()
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return fmt.Errorf("%s offset %d: %w", verb, s.flight.offset, context.Cause(ctx))
	}
	if s.over {
		return nil
	}
	err = fn(ctx)
	if err == nil || errors.Is(err, errOrphan) { // then nothing can be done any more
		s.over = true
		s.receiver.settledOne()
	}
	if err != nil {
		return fmt.Errorf("%s offset %d: %w", verb, s.flight.offset, err)
	}
	return nil
}

// settle marks a message, and waits until the position that has passed it is
// stored. While an earlier message is not settled, there is nothing to wait
// for.
func (r *receiver) settle(ctx context.Context, f *flight) error {
	done, err := r.mark(f)
	if done == nil {
		return err
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (r *receiver) mark(f *flight) (done chan error, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.failure != nil:
		return nil, r.failure
	case f.window != r.window:
		return nil, errOrphan
	}
	f.state, f.message = settled, nil
	if r.window.position() <= f.offset || r.stored > f.offset {
		return nil, nil
	}
	w := waiter{f.window, f.offset + 1, make(chan error, 1)}
	r.waiters = append(r.waiters, w)
	wake(r.moved)
	return w.done, nil
}

func (r *receiver) giveBack(f *flight) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f.state == open {
		f.state = back
		f.window.backs++
	}
}

// settledOne counts a message that was settled.
func (r *receiver) settledOne() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unsettled--
	if r.stopping() && r.unsettled == 0 {
		r.over()
	}
	wake(r.changed)
}

// store notes a position that the server has confirmed.
func (r *receiver) store(position int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stored = max(r.stored, position)
	r.answer(func(w waiter) bool { return w.position <= position }, nil)
}

// fail answers all who wait, and those to come.
func (r *receiver) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failure = err
	r.answer(func(waiter) bool { return true }, err)
}

// answer answers some waiters; r.mu is held.
func (r *receiver) answer(which func(waiter) bool, err error) {
	r.waiters = slices.DeleteFunc(r.waiters, func(w waiter) bool {
		if which(w) {
			w.done <- err
			return true
		}
		return false
	})
}
