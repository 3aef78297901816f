// Package tail hands committed events to their consumers in the order of the
// log: from memory to those who keep up, from the store to those who lag.
package tail

import (
	"context"
	"fmt"
	"sync"

	"github.com/talix-dev/talix/store"
)

// Log is what the tail reads of a store.
type Log interface {
	Log(ctx context.Context, p store.Partition, after store.Position, max int) ([]store.Event, error)
	Head(ctx context.Context, p store.Partition) (store.Position, error)
	Partitions() int
}

// Tail holds the newest events of every partition. Its methods may be called
// from many goroutines; events that it hands out must not be changed.
type Tail struct {
	log   Log
	rings []ring
}

// keep is how many events of a partition stay in memory: enough for consumers
// that are a few group commits behind.
const keep = 1 << 14

type ring struct {
	mu     sync.Mutex
	events []*store.Event // the last ones, oldest first, without a gap
	bytes  int
	head   store.Position // the highest position that is known to be durable
	news   chan struct{}  // closed when head moves; nil if no one waits
}

// keepBytes bounds the data that a partition's ring holds on to.
const keepBytes = 16 << 20

// Open makes a tail that begins at the present heads of the log.
func Open(ctx context.Context, log Log) (*Tail, error) {
	t := &Tail{log: log, rings: make([]ring, log.Partitions())}
	for p := range t.rings {
		head, err := log.Head(ctx, store.Partition(p))
		if err != nil {
			return nil, fmt.Errorf("read head of partition %d: %w", p, err)
		}
		t.rings[p].head = head
	}
	return t, nil
}

// Partitions is the number of partitions.
func (t *Tail) Partitions() int { return len(t.rings) }

// Head is the position of the last event of a partition that is known to be
// durable.
func (t *Tail) Head(p store.Partition) store.Position {
	r := &t.rings[p]
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.head
}

// Publish adds durable events of one partition, in order of position.
func (t *Tail) Publish(p store.Partition, events []*store.Event) {
	if len(events) == 0 {
		return
	}
	r := &t.rings[p]
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range events {
		r.add(e)
	}
	r.trim()
	r.signal()
}

// Refresh asks the log for its head: events may be there that were not
// published, because their commit's outcome was not known.
func (t *Tail) Refresh(ctx context.Context, p store.Partition) error {
	head, err := t.log.Head(ctx, p)
	if err != nil {
		return fmt.Errorf("read head of partition %d: %w", p, err)
	}
	r := &t.rings[p]
	r.mu.Lock()
	defer r.mu.Unlock()
	if head > r.head {
		r.clear()
		r.head = head
		r.signal()
	}
	return nil
}

func (r *ring) clear() {
	clear(r.events)
	r.events, r.bytes = r.events[:0], 0
}

func (r *ring) signal() {
	if r.news != nil {
		close(r.news)
		r.news = nil
	}
}

// add keeps the ring free of gaps: where positions skip, another writer may
// have committed, and what came before the gap is left to the log.
func (r *ring) add(e *store.Event) {
	if e.Position <= r.head {
		return
	}
	if e.Position != r.head+1 {
		r.clear()
	}
	r.events = append(r.events, e)
	r.bytes += len(e.Data)
	r.head = e.Position
}

func (r *ring) trim() {
	drop := max(0, len(r.events)-keep)
	for _, e := range r.events[:drop] {
		r.bytes -= len(e.Data)
	}
	for r.bytes > keepBytes && drop < len(r.events)-1 {
		r.bytes -= len(r.events[drop].Data)
		drop++
	}
	if drop == 0 {
		return
	}
	clear(r.events[:drop])
	r.events = r.events[drop:] // append moves the rest when it grows
}

// Read returns up to max events of a partition that follow the position after,
// in order. It waits until there is one, or ctx ends.
func (t *Tail) Read(ctx context.Context, p store.Partition, after store.Position, max int) ([]*store.Event, error) {
	r := &t.rings[p]
	for {
		events, lag, news := r.read(after, max)
		switch {
		case len(events) > 0:
			return events, nil
		case lag:
			return t.fromLog(ctx, p, after, max)
		}
		select {
		case <-news:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// read is what the ring holds after a position; lag tells that the log holds
// more, and news is closed when there is something to read.
func (r *ring) read(after store.Position, max int) (events []*store.Event, lag bool, news <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if after >= r.head {
		if r.news == nil {
			r.news = make(chan struct{})
		}
		return nil, false, r.news
	}
	if len(r.events) == 0 || after < r.events[0].Position-1 {
		return nil, true, nil
	}
	from := int(after - r.events[0].Position + 1)
	to := min(from+max, len(r.events))
	return append([]*store.Event(nil), r.events[from:to]...), false, nil
}

func (t *Tail) fromLog(ctx context.Context, p store.Partition, after store.Position, max int) ([]*store.Event, error) {
	found, err := t.log.Log(ctx, p, after, max)
	if err != nil {
		return nil, fmt.Errorf("read log of partition %d after %d: %w", p, after, err)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("read log of partition %d after %d: %w: its head is %d, but no event follows", p, after, store.ErrCorrupt, t.Head(p))
	}
	events := make([]*store.Event, len(found))
	for i := range found {
		events[i] = &found[i]
	}
	return events, nil
}
