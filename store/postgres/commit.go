package postgres

import (
	"context"
	"fmt"

	"github.com/talix-dev/talix/store"
)

// Commit implements store.Store. Calls for different partitions that come at
// the same time share a statement. Where the server said that it wrote nothing,
// batches are Failed; where it did not answer in time or the connection broke,
// they are Unknown. Once a call has been sent, ctx does not end it any more.
func (s *Store) Commit(ctx context.Context, p store.Partition, batches []store.Batch) []store.Outcome {
	outcomes := make([]store.Outcome, len(batches))
	if err := s.enter(ctx, p); err != nil {
		failAll(outcomes, err)
		return outcomes
	}
	defer s.gate.leave()
	if len(batches) == 0 {
		return outcomes
	}
	s.queue.run(ctx, &request{
		partition: p, batches: batches, outcomes: outcomes,
		lead: make(chan *writer, 1), done: make(chan struct{}),
	})
	return outcomes
}

func failAll(outcomes []store.Outcome, err error) {
	for i := range outcomes {
		outcomes[i] = store.Outcome{Status: store.Failed, Err: fmt.Errorf("commit: %w", err)}
	}
}

// fail ends a request of which nothing was written.
func (s *Store) fail(r *request, err error) { failAll(r.outcomes, err) }

// draft plans a request by what is remembered, or returns nil if it has to be
// looked into.
func (s *Store) draft(r *request) *draft {
	m := s.memories[r.partition]
	m.mu.Lock()
	defer m.mu.Unlock()
	d := s.judge(r, nil, m.recall)
	if d == nil {
		return nil
	}
	d.fence = fence{position: -1, epoch: s.epochOf(r)}
	for _, l := range d.plan.lines {
		if l.trusted {
			d.fence.position = m.position
			break
		}
	}
	return d
}

// decide plans a request by what was looked up.
func (s *Store) decide(r *request, w *world) (*draft, error) {
	epoch := s.epochOf(r)
	if epoch > 0 && w.epoch != epoch {
		return nil, fmt.Errorf("%w: partition %d is at epoch %d and not at %d, as when it was claimed", store.ErrFenced, r.partition, w.epoch, epoch)
	}
	d := s.judge(r, w, nil)
	d.fence = fence{position: -1, epoch: epoch}
	return d, nil
}

// epochOf is the epoch that a request is committed under; zero: any.
func (s *Store) epochOf(r *request) int64 {
	claimed := s.epochs[r.partition].Load()
	if r.part == nil {
		return claimed
	}
	return int64(r.part.Under(store.Epoch(claimed)))
}

func (s *Store) judge(r *request, w *world, known recall) *draft {
	j := newJudge(len(r.batches), w, known)
	for i := range r.batches {
		j.decide(i, &r.batches[i], s.refuse(r.partition, &r.batches[i]))
		if j.undecided {
			return nil
		}
	}
	return &draft{request: r, plan: &j.plan}
}

// settle ends a request whose plan was written above the position base.
func (s *Store) settle(d *draft, base store.Position) {
	if d.plan.writes() {
		s.learn(d, base)
	}
	for i, placed := range d.plan.events {
		placed.event.Partition, placed.event.Position = d.partition, base+store.Position(i)+1
	}
	for i, o := range d.plan.outcomes {
		if o.Position > 0 {
			o.Position += base
		}
		if o.Err != nil {
			o.Err = fmt.Errorf("commit batch %d: %w", i, o.Err)
		}
		d.outcomes[i] = o
	}
}

// learn takes in what was written.
func (s *Store) learn(d *draft, base store.Position) {
	for _, l := range d.plan.lines {
		if l.isNew() {
			l.number = (int64(base)+int64(l.first))*int64(s.partitions) + int64(d.partition)
		}
	}
	s.memories[d.partition].note(d.plan, base)
}

// doubt ends a request that could not be written, for certain or perhaps.
func (s *Store) doubt(d *draft, err error) {
	status := store.Unknown
	if wroteNothing(err) {
		status = store.Failed
	} else {
		s.memories[d.partition].forget()
	}
	err = explain("commit", err)
	for i, o := range d.plan.outcomes {
		if o.Status == store.Failed {
			d.outcomes[i] = o
			continue
		}
		d.outcomes[i] = store.Outcome{Status: status, Err: err}
	}
}
