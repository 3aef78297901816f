package postgres

import (
	"context"
	"slices"
	"sync"

	"github.com/talix-dev/talix/store"
)

// request is one call of Commit, or of Span: then it has parts, each of them
// with one batch.
type request struct {
	partition store.Partition
	batches   []store.Batch
	outcomes  []store.Outcome
	parts     []*request
	part      *store.Part   // of which it is the request, if of any
	lead      chan *writer  // gives whoever waits a writer, to commit what waits
	done      chan struct{} // closed when the outcomes are there
}

// queue gathers calls of Commit for different partitions into groups: while all
// writers are busy, calls wait, and the next writer takes all of them along.
// Who calls leads: there are no goroutines but the callers'.
type queue struct {
	mu      sync.Mutex
	free    []*writer
	waiting []*request
}

// Bounds of a group; a single request may exceed them.
const (
	maxGroupBatches = 4096
	maxGroupBytes   = 16 << 20
)

// run commits a request, alone or with others.
func (q *queue) run(ctx context.Context, r *request) {
	w := q.join(r)
	if w == nil {
		if w = q.wait(ctx, r); w == nil {
			return
		}
	}
	group := q.take(r)
	w.commit(group)
	for _, other := range group {
		if other != r {
			close(other.done)
		}
	}
	q.hand(w)
}

// join takes a free writer, or queues the request.
func (q *queue) join(r *request) *writer {
	q.mu.Lock()
	defer q.mu.Unlock()
	if n := len(q.free); n > 0 {
		w := q.free[n-1]
		q.free = q.free[:n-1]
		return w
	}
	q.waiting = append(q.waiting, r)
	return nil
}

// wait until someone else has committed the request, which returns nil, or
// until it has a writer.
func (q *queue) wait(ctx context.Context, r *request) *writer {
	select {
	case <-r.done:
		return nil
	case w := <-r.lead:
		return w
	case <-ctx.Done():
	}
	if q.leave(r) {
		failAll(r.outcomes, ctx.Err())
		return nil
	}
	select { // a writer has it already, or it has one
	case <-r.done:
		return nil
	case w := <-r.lead:
		return w
	}
}

// leave takes a request back that nobody has taken.
func (q *queue) leave(r *request) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.waiting, r)
	if i < 0 {
		return false
	}
	q.waiting = slices.Delete(q.waiting, i, i+1)
	return true
}

// take is the group that a leader commits: its own request and those that wait,
// one for each partition. A Span is committed alone.
func (q *queue) take(leader *request) []*request {
	group := []*request{leader}
	if leader.parts != nil {
		return group
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	taken := map[store.Partition]bool{leader.partition: true}
	batches, bytes := len(leader.batches), leader.bytes()
	q.waiting = slices.DeleteFunc(q.waiting, func(r *request) bool {
		if r.parts != nil {
			return false
		}
		batches, bytes = batches+len(r.batches), bytes+r.bytes()
		if taken[r.partition] || batches > maxGroupBatches || bytes > maxGroupBytes {
			return false
		}
		taken[r.partition] = true
		group = append(group, r)
		return true
	})
	return group
}

func (r *request) bytes() (n int) {
	for i := range r.batches {
		b := &r.batches[i]
		n += len(b.Result)
		for k := range b.Appends {
			for e := range b.Appends[k].Events {
				n += len(b.Appends[k].Events[e].Data)
			}
		}
		for k := range b.Records {
			n += len(b.Records[k].Data)
		}
	}
	return n
}

// hand gives the writer to who waits longest, or lays it aside.
func (q *queue) hand(w *writer) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		q.free = append(q.free, w)
		return
	}
	next := q.waiting[0]
	q.waiting = slices.Delete(q.waiting, 0, 1)
	next.lead <- w
}
