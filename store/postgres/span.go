package postgres

import (
	"context"
	"fmt"
	"sort"

	"github.com/talix-dev/talix/store"
)

var _ store.Spanner = (*Store)(nil)

// Span implements store.Spanner: one call of commit_group for all parts, in one
// transaction, which is rolled back if a partition is refused. It ends as Commit
// does where the server says that it wrote nothing, or does not answer.
func (s *Store) Span(ctx context.Context, parts []store.Part) []store.Outcome {
	outcomes := make([]store.Outcome, len(parts))
	if err := store.CheckParts(parts, s.partitions); err != nil {
		failAll(outcomes, err)
		return outcomes
	}
	if err := s.enter(ctx, parts[0].Partition); err != nil {
		failAll(outcomes, err)
		return outcomes
	}
	defer s.gate.leave()
	r := &request{outcomes: outcomes, lead: make(chan *writer, 1), done: make(chan struct{})}
	for i := range parts {
		r.parts = append(r.parts, &request{
			partition: parts[i].Partition, batches: []store.Batch{parts[i].Batch}, outcomes: outcomes[i : i+1], part: &parts[i],
		})
	}
	s.queue.run(ctx, r)
	return outcomes
}

// commitSpan ends a request with parts.
func (w *writer) commitSpan(r *request) {
	if err := w.connect(); err != nil {
		w.store.fail(r, err)
		return
	}
	w.resolve(r.parts)
	if w.writeSpan(r, w.store.draftSpan(r)) {
		return
	}
	for range attempts {
		drafts, err := w.judgeSpan(r)
		if err != nil {
			w.store.fail(r, err)
			return
		}
		if w.writeSpan(r, drafts) {
			return
		}
	}
	w.store.fail(r, errBusy)
}

// draftSpan plans all parts by what is remembered; nil if they have to be
// looked into.
func (s *Store) draftSpan(r *request) (drafts []*draft) {
	for _, part := range r.parts {
		d := s.draft(part)
		if d == nil || d.plan.outcomes[0].Status != store.Durable {
			return nil
		}
		drafts = append(drafts, d)
	}
	return drafts
}

// judgeSpan plans all parts by what is looked up. Parts with a key come last:
// if a part conflicts with the very span that it is of, which another one has
// committed between two looks, then a later look finds its key.
func (w *writer) judgeSpan(r *request) ([]*draft, error) {
	parts := append([]*request(nil), r.parts...)
	sort.SliceStable(parts, func(i, k int) bool { return parts[i].batches[0].Key.IsZero() && !parts[k].batches[0].Key.IsZero() })
	byPartition := map[store.Partition]*draft{}
	for _, part := range parts {
		world, err := w.look(part)
		if err != nil {
			return nil, err
		}
		if byPartition[part.partition], err = w.store.decide(part, world); err != nil {
			return nil, err
		}
	}
	drafts := make([]*draft, len(r.parts))
	for i, part := range r.parts {
		drafts[i] = byPartition[part.partition]
	}
	return drafts, nil
}

// writeSpan ends the request by the plans of its parts, if these hold; false: it
// has to be judged again.
func (w *writer) writeSpan(r *request, drafts []*draft) bool {
	if drafts == nil {
		return false
	}
	outcomes := make([]store.Outcome, len(drafts))
	for i, d := range drafts {
		outcomes[i] = d.plan.outcomes[0]
	}
	if !store.Together(outcomes) {
		for i, o := range outcomes {
			if r.outcomes[i] = o; o.Err != nil {
				r.outcomes[i].Err = fmt.Errorf("commit span: %w", o.Err)
			}
		}
		return true
	}
	v, err := w.writeWhole(drafts)
	switch {
	case isCode(err, codeRefused):
		return false
	case err != nil:
		for _, d := range drafts {
			w.store.doubt(d, err)
		}
	default:
		for i, d := range drafts {
			w.store.settle(d, store.Position(v.bases[i]))
		}
	}
	return true
}

// codeRefused is that of the error by which wholeText ends: a division by zero.
const codeRefused = "22012"

// wholeText is a call of commit_group that fails, and so is rolled back, if any
// partition was refused.
func wholeText(schema string) string {
	return "SELECT bases, refused, 1 / (cardinality(refused) = 0)::int4 FROM (" + callText(schema) + ") AS called"
}
