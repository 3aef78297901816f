package kafka

import (
	"context"
	"errors"

	"github.com/talix-dev/talix/broker"
)

// call is a method that is under way.
type call struct{ cancel context.CancelCauseFunc }

// begin registers a call. Its ctx ends when the broker is closed; the caller
// calls end when it is done.
func (b *Broker) begin(ctx context.Context) (callCtx context.Context, end func(), err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, nil, broker.ErrClosed
	}
	ctx, cancel := context.WithCancelCause(ctx)
	c := &call{cancel}
	b.calls[c] = struct{}{}
	b.active.Add(1)
	return ctx, func() {
		b.mu.Lock()
		delete(b.calls, c)
		b.mu.Unlock()
		cancel(nil)
		b.active.Done()
	}, nil
}

// Close implements broker.Broker.
func (b *Broker) Close() error {
	b.mu.Lock()
	again := b.closed
	b.closed = true
	for c := range b.calls {
		c.cancel(broker.ErrClosed)
	}
	b.mu.Unlock()
	if !again {
		b.client.Close() // ends what is being published
	}
	b.active.Wait()
	return nil
}

// closing tells whether ctx ended because the broker was closed.
func closing(ctx context.Context) bool { return errors.Is(context.Cause(ctx), broker.ErrClosed) }
