package nats

import (
	"context"
	"sync"
)

// bell calls functions when something happens.
type bell struct {
	once bool // it rings once, and whoever comes later is called at once

	mu    sync.Mutex
	rung  bool
	calls map[*func()]struct{}
}

// on has f called, once, at the next ring, unless off is called before.
func (b *bell) on(f func()) (off func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.once && b.rung {
		go f()
		return func() {}
	}
	if b.calls == nil {
		b.calls = map[*func()]struct{}{}
	}
	b.calls[&f] = struct{}{}
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.calls, &f)
	}
}

func (b *bell) ring() {
	b.mu.Lock()
	calls := b.calls
	b.calls, b.rung = nil, true
	b.mu.Unlock()
	for f := range calls {
		(*f)()
	}
}

// bind is ctx until the bell rings, which gives it the cause.
func (b *bell) bind(ctx context.Context, cause error) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	off := b.on(func() { cancel(cause) })
	return ctx, func() {
		off()
		cancel(nil)
	}
}
