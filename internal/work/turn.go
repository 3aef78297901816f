package work

import (
	"context"
	"sync"

	"github.com/talix-dev/talix/store"
)

// name is what names an item.
type name struct {
	partition store.Partition
	id        string
}

// turns lets the writes of each item be made one after another, so that who
// does not know whether a write of his was stored finds it, or does not, before
// anyone else here has written the item again.
type turns struct {
	mu    sync.Mutex
	items map[name]*turn
}

type turn struct {
	free  chan struct{} // holds one while the turn is taken
	wants int           // how many have it or wait for it
}

// take waits for the item's turn; the error is ctx's. done ends it.
func (t *turns) take(ctx context.Context, n name) (done func(), err error) {
	item := t.enter(n)
	select {
	case item.free <- struct{}{}:
		return func() { <-item.free; t.leave(n, item) }, nil
	case <-ctx.Done():
		t.leave(n, item)
		return nil, context.Cause(ctx)
	}
}

func (t *turns) enter(n name) *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	item := t.items[n]
	if item == nil {
		item = &turn{free: make(chan struct{}, 1)}
		t.items[n] = item
	}
	item.wants++
	return item
}

func (t *turns) leave(n name, item *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	item.wants--
	if item.wants == 0 {
		delete(t.items, n)
	}
}
