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

// queue gathers calls of Commit for different partitions into groups: while
// writers are busy, calls wait, and the next writer takes all of them along.
// Who calls leads: there are no goroutines but the callers'.
type queue struct {
	mu       sync.Mutex
	free     []*writer
	busy     int // writers
	flying   int // batches that they have
	waiting  []*request
	gathered int // batches that wait
}

// enough is how many batches are worth a statement of their own whatever else is
// under way.
const enough = 128

// worthwhile tells whether to begin a statement with what has gathered and so
// many batches more. While another one is under way, less than that one has may
// rather wait: a statement and its sync cost as much as dozens of events, and
// those who wait go with the next one at the latest when this one ends.
func (q *queue) worthwhile(more int) bool {
	return q.busy == 0 || (q.gathered+more)*q.busy >= min(q.flying, enough*q.busy)
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
	group := q.take(w, r)
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
	if n := len(q.free); n > 0 && q.worthwhile(r.size()) {
		w := q.free[n-1]
		q.free = q.free[:n-1]
		q.begin(w, r)
		return w
	}
	q.waiting = append(q.waiting, r)
	q.gathered += r.size()
	return nil
}

// begin gives the writer to a request that does not wait any more.
func (q *queue) begin(w *writer, r *request) {
	w.batches = r.size()
	q.busy++
	q.flying += w.batches
}

// size is the number of batches.
func (r *request) size() int { return max(len(r.batches), len(r.parts)) }

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
	q.gathered -= r.size()
	return true
}

// take is the group that a leader commits: its own request and those that wait,
// one for each partition. A Span is committed alone.
func (q *queue) take(w *writer, leader *request) []*request {
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
		q.gathered -= r.size()
		q.flying += r.size()
		w.batches += r.size()
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
	q.busy--
	q.flying -= w.batches
	if len(q.waiting) == 0 || !q.worthwhile(0) {
		q.free = append(q.free, w)
		return
	}
	next := q.waiting[0]
	q.waiting = slices.Delete(q.waiting, 0, 1)
	q.gathered -= next.size()
	q.begin(w, next)
	next.lead <- w
}
