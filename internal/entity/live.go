package entity

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/talix-dev/talix/internal/commit"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/snapshot"
	"github.com/talix-dev/talix/store"
)

// live is the one instance of an entity in memory.
type live struct {
	def       *registry.Entity
	plan      *snapshot.Plan
	stream    store.Stream
	partition store.Partition
	term      *atomic.Int64 // see Engine.Forget

	mu      sync.Mutex
	busy    bool      // someone has the turn
	waiting []*waiter // for the turn, in order of arrival

	// What follows is written by who has the turn, under mu; who has the turn
	// may read it without.
	state   any // nil: not loaded; for a flat state never changed in place
	version store.Version
	chain   *commit.Chain
	last    *commit.Pending // the newest append that may not be settled
	poison  error           // why it cannot be folded
	ended   bool            // by its last event
	grown   int             // bytes of events since the size was looked at
	pinned  store.Version   // of the last snapshot that was asked for
	guess   bool            // that it has no events was not looked up
	loaded  int64           // the term in which it was
	held    bool            // for an append that is in no group of this process

	// Owned by the shard.
	shard      *shard
	refs       int
	used       time.Time
	size       int
	prev, next *live // in the shard's list of the unused
}

type waiter struct {
	ready chan struct{} // closed when the turn is the waiter's
	since time.Time
}

// enter takes the turn, first come first served. Who gave up does not get it.
func (l *live) enter(ctx context.Context, maxQueue int, maxWait time.Duration, now func() time.Time) error {
	l.mu.Lock()
	if !l.busy {
		l.busy = true
		l.mu.Unlock()
		return nil
	}
	if len(l.waiting) >= maxQueue {
		l.mu.Unlock()
		return l.overloaded()
	}
	w := &waiter{ready: make(chan struct{}), since: now()}
	l.waiting = append(l.waiting, w)
	l.mu.Unlock()

	select {
	case <-w.ready:
	case <-ctx.Done():
		if !l.giveUp(w) {
			l.leave()
		}
		return notStarted(context.Cause(ctx))
	}
	if now().Sub(w.since) > maxWait {
		l.leave()
		return l.overloaded()
	}
	return nil
}

func (l *live) overloaded() error {
	return registry.Faultf(registry.Overloaded, "too many commands wait for %s %q; try again later", l.def.Type, l.stream.ID)
}

// giveUp takes a waiter out of the queue, unless the turn is its already.
func (l *live) giveUp(w *waiter) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, o := range l.waiting {
		if o == w {
			l.waiting = append(l.waiting[:i], l.waiting[i+1:]...)
			return true
		}
	}
	return false
}

// tryEnter takes the turn if it is free.
func (l *live) tryEnter() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.busy {
		return false
	}
	l.busy = true
	return true
}

// leave hands the turn to who waited longest.
func (l *live) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		l.busy = false
		l.waiting = nil
		return
	}
	w := l.waiting[0]
	l.waiting[0] = nil
	l.waiting = l.waiting[1:]
	close(w.ready)
}

// usable tells whether the state in memory is that of the chain of decisions,
// and no one else can have decided since it was loaded.
func (l *live) usable() bool {
	return l.state != nil && l.loaded == l.term.Load() && !l.chain.Broken()
}

// advance makes a turn's outcome the state that later turns decide on.
func (l *live) advance(state any, version store.Version, ended bool, p *commit.Pending) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state, l.version, l.ended, l.last = state, version, l.ended || ended, p
}

// set makes a state that was folded from the store the beginning of a chain. The
// term is that in which the folding began.
func (l *live) set(all sum, poison error, term int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.loaded = term
	l.state, l.version, l.ended, l.pinned = all.state, all.version, all.ended, all.pinned
	l.poison, l.guess = poison, false
	l.chain, l.last = &commit.Chain{}, nil
}

// assume begins a chain with an entity that has no events, without looking.
// Should that be wrong, the first append is a conflict.
func (l *live) assume(state any) {
	l.set(sum{state: state}, nil, l.term.Load())
	l.mu.Lock()
	defer l.mu.Unlock()
	l.guess = true
}

// guessed tells that the state rests on nothing but a guess: no reply, no
// rejection and no read may rest on it.
func (l *live) guessed() bool { return l.guess && l.version == 0 }

// drop forgets the state; what is under way stays under way.
func (l *live) drop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state = nil
}

// isOver tells whether the entity was deleted, or is about to be.
func (l *live) isOver() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ended
}

// unsettled is the append that a decision made now rests on, if any.
func (l *live) unsettled() *commit.Pending {
	if l.last != nil && l.last.Settled() && l.last.Outcome().Status == store.Durable {
		return nil
	}
	return l.last
}

// peek is the state as the last turn left it, if it may be shared: it is flat,
// and not changed after.
func (l *live) peek() (state any, version store.Version, rests *commit.Pending, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.def.Flat || l.held || !l.usable() || l.poison != nil || l.guessed() {
		return nil, 0, nil, false
	}
	return l.state, l.version, l.last, true
}
