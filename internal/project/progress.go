package project

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/talix-dev/talix/store"
)

// progress is how far a runner is, for those outside of it.
type progress struct {
	seen   atomic.Int64 // as stored, or with what changes no row
	folded atomic.Int64 // seen, or what is in memory

	parked atomic.Int64 // entities

	mu      sync.Mutex
	fault   error
	since   time.Time
	poison  *Poison
	waiters []*waiter
	wanted  chan struct{} // closed when there is a waiter; nil if no one looks on
}

// asked is nil if someone waits, or else closed once someone does.
func (p *progress) asked() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiters) > 0 {
		return nil
	}
	if p.wanted == nil {
		p.wanted = make(chan struct{})
	}
	return p.wanted
}

// waiter waits until a position is reached, or the runner is stopped. Its
// channel has room for the one answer.
type waiter struct {
	position store.Position
	answer   chan error
}

func (p *progress) status() Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Status{Mark: store.Position(p.seen.Load()), Fault: p.fault, Since: p.since, Stopped: p.poison != nil, Parked: int(p.parked.Load())}
}

// advance answers those who wait for a position up to the given one, which may
// lie before the last where the view was made anew.
func (p *progress) advance(to store.Position) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.move(to)
}

// atLeast is advance, unless it is there already.
func (p *progress) atLeast(to store.Position) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seen.Load() < int64(to) {
		p.move(to)
	}
}

func (p *progress) move(to store.Position) {
	p.seen.Store(int64(to))
	p.folded.Store(int64(to))
	if p.poison != nil && to < p.poison.Event.Position {
		return
	}
	p.fault, p.since, p.poison = nil, time.Time{}, nil
	left := p.waiters[:0]
	for _, w := range p.waiters {
		if w.position > to {
			left = append(left, w)
			continue
		}
		w.answer <- nil
	}
	clear(p.waiters[len(left):])
	p.waiters = left
}

// fail notes why the runner does not go on. Where an event is the cause, those
// who wait get it as their answer.
func (p *progress) fail(err error, poison *Poison, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fault == nil {
		p.since = now
	}
	p.fault, p.poison = err, poison
	if poison == nil {
		return
	}
	for _, w := range p.waiters {
		w.answer <- poison
	}
	clear(p.waiters)
	p.waiters = p.waiters[:0]
}

// wait returns a waiter for a position, or what there is to say at once.
func (p *progress) wait(position store.Position) (*waiter, error) {
	if p.seen.Load() >= int64(position) {
		return nil, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seen.Load() >= int64(position) {
		return nil, nil
	}
	if p.poison != nil {
		return nil, p.poison
	}
	w := &waiter{position, make(chan error, 1)}
	p.waiters = append(p.waiters, w)
	if p.wanted != nil {
		close(p.wanted)
		p.wanted = nil
	}
	return w, nil
}

// leave ends a wait that was not answered.
func (p *progress) leave(w *waiter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, other := range p.waiters {
		if other == w {
			last := len(p.waiters) - 1
			p.waiters[i], p.waiters[last] = p.waiters[last], nil
			p.waiters = p.waiters[:last]
			return
		}
	}
}
