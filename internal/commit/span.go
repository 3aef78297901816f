package commit

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/talix-dev/talix/store"
)

// Part is what a batch that spans partitions does to one of them.
type Part struct {
	// Group is that of the partition. Nil: the part is in no one's way, so it
	// need not wait for others, and is committed under its own Epoch, in the
	// partition Apart.
	Group *Group
	Batch store.Batch
	Apart store.Partition
	Epoch store.Epoch
}

func (p *Part) partition() store.Partition {
	if p.Group == nil {
		return p.Apart
	}
	return p.Group.cfg.Partition
}

// span is what a Pending in several partitions has more than others.
//
// It waits in the queue of each of its groups. Who leads one of them and comes
// to it leaves the lead to the span, and the group stands; whoever leads the
// last one commits, and gives all leads back. All queues have their spans in the
// same order, so that spans do not wait for each other in a circle.
type span struct {
	parts    []Part
	groups   []*Group // of parts, in their order
	arrived  atomic.Int32
	outcomes []store.Outcome
	bytes    []int // by group
}

// Span adds a batch of several partitions to their groups, which are different
// ones, one at least; chains are the lines of decisions that it continues. It
// does not wait, and takes batches also when groups are Busy. The caller has to
// Wait. The store is a store.Spanner.
func Span(parts []Part, chains ...*Chain) *Pending {
	parts = slices.Clone(parts)
	slices.SortFunc(parts, func(a, b Part) int { return int(a.partition() - b.partition()) })
	s := &span{parts: parts}
	for i := range parts {
		if g := parts[i].Group; g != nil {
			s.groups, s.bytes = append(s.groups, g), append(s.bytes, sizeOf(&parts[i].Batch))
		}
	}
	p := &Pending{span: s, chains: chains, done: make(chan struct{})}
	p.rest()
	for _, g := range s.groups {
		g.mu.Lock() // in the order of partitions, and all of them at a time
	}
	p.enqueue()
	for _, g := range s.groups {
		g.mu.Unlock()
	}
	return p
}

// enqueue puts a span into the queues of its groups, which are locked.
func (p *Pending) enqueue() {
	s := p.span
	if slices.ContainsFunc(s.groups, func(g *Group) bool { return g.closed }) {
		s.outcomes = make([]store.Outcome, len(s.parts))
		p.settle(store.Outcome{Status: store.Failed, Err: ErrClosed})
		return
	}
	for i, g := range s.groups {
		g.waiting = append(g.waiting, p)
		g.bytes += s.bytes[i]
	}
}

// Place is the position of the last event in a partition that the batch appended
// to; only once it is settled, and durable.
func (p *Pending) Place(in store.Partition) store.Position {
	if p.span == nil {
		return p.outcome.Position
	}
	for i := range p.span.parts {
		if p.span.parts[i].partition() == in {
			return p.span.outcomes[i].Position
		}
	}
	return 0
}

// drive sees to it that what stands before the span is committed.
func (s *span) drive(p *Pending) {
	for _, g := range s.groups {
		g.lead(p)
	}
}

// arrive leaves the lead of one group to the span that it has come to. The last
// one commits and leads on, the others do not.
func (g *Group) arrive(p *Pending) (leads bool) {
	s := p.span
	if int(s.arrived.Add(1)) < len(s.groups) {
		for _, other := range s.groups {
			other.rouse() // who waits for the span may have come to another one
		}
		return false
	}
	s.commit(p)
	for _, other := range s.groups {
		if other != g {
			other.pass()
		}
	}
	return true
}

// rouse lets the goroutine lead what waits, if no one does.
func (g *Group) rouse() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.leading || len(g.waiting) == 0 {
		return
	}
	g.leading = true
	g.wake <- struct{}{} // has room: only who leads wakes
}

// pass takes the lead back from a span, and goes on.
func (g *Group) pass() {
	if g.ending.Load() {
		return // its goroutine waits for the span, and leads for good
	}
	if !g.resign() {
		g.wake <- struct{}{}
	}
}

func (s *span) commit(p *Pending) {
	if p.broken() {
		s.outcomes = make([]store.Outcome, len(s.parts))
		p.settle(store.Outcome{Status: store.Conflict})
		return
	}
	parts := make([]store.Part, len(s.parts))
	for i := range s.parts {
		part := &s.parts[i]
		parts[i] = store.Part{Partition: part.partition(), Batch: part.Batch, Epoch: part.Epoch}
	}
	s.outcomes = s.groups[0].cfg.Store.(store.Spanner).Span(context.Background(), parts)
	for i, part := range s.parts {
		if part.Group != nil {
			part.Group.publish(s.outcomes[i:i+1], []store.Batch{part.Batch})
		}
	}
	s.review()
	p.settle(s.outcome())
}

func (s *span) review() {
	if s.outcomes[0].Status == store.Durable {
		return
	}
	var all sync.WaitGroup
	for i, part := range s.parts {
		if part.Group != nil {
			all.Go(func() { part.Group.review(s.outcomes[i : i+1]) })
		}
	}
	all.Wait()
}

// outcome is the span's: all parts have one status, and one of them the result.
func (s *span) outcome() store.Outcome {
	for _, o := range s.outcomes {
		if len(o.Result) > 0 {
			return o
		}
	}
	return s.outcomes[0]
}
