package runtime

import (
	"context"
	"sync"
	"time"

	"github.com/talix-dev/talix/internal/cluster"
	"github.com/talix-dev/talix/internal/entity"
	"github.com/talix-dev/talix/store"
)

// lent are the turns, and with them the epochs, that this node has lent to the
// groups of other nodes.
type lent struct {
	node *cluster.Node

	mu     sync.Mutex
	all    map[store.ID]*lending
	closed bool
}

// lending is one turn; without held, it was given back before it came.
type lending struct {
	held  *entity.Held
	node  string    // that has it
	until time.Time // it is kept
}

// add notes a turn; false: it is not to be lent any more.
func (l *lent) add(id store.ID, one *lending) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, over := l.all[id]; over || l.closed {
		return false
	}
	l.all[id] = one
	return true
}

// end gives a turn back. One that is not there yet will not be lent.
func (l *lent) end(id store.ID, f entity.Fate) {
	l.mu.Lock()
	one := l.all[id]
	if delete(l.all, id); one == nil && !l.closed {
		l.all[id] = &lending{until: time.Now().Add(patience)}
	}
	l.mu.Unlock()
	if one != nil && one.held != nil {
		one.held.End(f)
	}
}

// run takes back what will not be given back, until ctx ends; then everything.
func (l *lent) run(ctx context.Context) {
	for ctx.Err() == nil {
		changed := l.node.Changed()
		l.takeBack(l.isOver)
		timer := time.NewTimer(time.Second)
		select {
		case <-changed:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.takeBack(func(*lending) bool { return true })
}

// isOver tells whether a turn will not be given back, or need not be.
func (l *lent) isOver(one *lending) bool {
	if time.Now().After(one.until) || one.held == nil {
		return time.Now().After(one.until)
	}
	epoch, ok := l.node.Epoch(one.held.Partition)
	return !ok || epoch != one.held.Epoch || !l.node.Lives(one.node)
}

// takeBack ends what is over without its outcome being known: who has it may
// still commit, until the partition has another epoch.
func (l *lent) takeBack(isOver func(*lending) bool) {
	var over []*entity.Held
	l.mu.Lock()
	for id, one := range l.all {
		if !isOver(one) {
			continue
		}
		delete(l.all, id)
		if one.held != nil {
			over = append(over, one.held)
		}
	}
	l.mu.Unlock()
	for _, held := range over {
		held.End(entity.Fate{Status: store.Unknown})
	}
}
