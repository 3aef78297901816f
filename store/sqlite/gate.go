package sqlite

import (
	"context"
	"sync"

	"github.com/talix-dev/talix/store"
)

// gate counts the calls under way, so that Close can wait for them, and lets
// one writer through at a time.
type gate struct {
	mu     sync.Mutex
	closed bool
	calls  sync.WaitGroup
	turn   chan struct{} // holds a token while nobody writes
}

func newGate() *gate {
	g := &gate{turn: make(chan struct{}, 1)}
	g.turn <- struct{}{}
	return g
}

func (g *gate) enter() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return store.ErrClosed
	}
	g.calls.Add(1)
	return nil
}

func (g *gate) leave() { g.calls.Done() }

// enterWriter waits for the writer's turn.
func (g *gate) enterWriter(ctx context.Context) error {
	if err := g.enter(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		g.leave()
		return err
	}
	select {
	case <-g.turn:
		return nil
	case <-ctx.Done():
		g.leave()
		return ctx.Err()
	}
}

func (g *gate) leaveWriter() {
	g.turn <- struct{}{}
	g.leave()
}

// close refuses new calls, waits for those under way and tells whether this
// was the first close.
func (g *gate) close() bool {
	g.mu.Lock()
	first := !g.closed
	g.closed = true
	g.mu.Unlock()
	g.calls.Wait()
	return first
}
