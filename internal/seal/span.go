package seal

import (
	"context"
	"fmt"

	"github.com/talix-dev/talix/store"
)

// spanning is a Store around one that is a store.Spanner.
type spanning struct {
	*Store
	inner store.Spanner
}

var _ store.Spanner = spanning{}

// Full is the sealed store, with what the one within can do more.
func (s *Store) Full() store.Store {
	if inner, ok := s.Store.(store.Spanner); ok {
		return spanning{s, inner}
	}
	return s
}

// Span implements store.Spanner.
func (s spanning) Span(ctx context.Context, parts []store.Part) []store.Outcome {
	batches := make([]store.Batch, len(parts))
	for i := range parts {
		batches[i] = parts[i].Batch
	}
	outcomes := make([]store.Outcome, len(parts))
	j := s.job(batches)
	sealed, places := j.seal(s.box.SealAll(ctx, j.docs), outcomes)
	if len(sealed) < len(parts) {
		for i := range outcomes { // what Conflict says here rests on what failed
			if outcomes[i].Status == store.Failed {
				return every(len(parts), outcomes[i])
			}
		}
		return every(len(parts), store.Outcome{Status: store.Failed, Err: fmt.Errorf("seal personal data of %d parts", len(parts))})
	}
	copied := make([]store.Part, len(parts))
	for i := range sealed {
		sealed[i].Records = s.hide(ctx, sealed[i].Records)
		copied[i] = store.Part{Partition: parts[places[i]].Partition, Epoch: parts[places[i]].Epoch, Batch: sealed[i]}
	}
	outcomes = s.inner.Span(ctx, copied)
	for i := range copied {
		placed(&parts[i].Batch, &copied[i].Batch)
	}
	return outcomes
}

func every(n int, o store.Outcome) []store.Outcome {
	all := make([]store.Outcome, n)
	for i := range all {
		all[i] = o
	}
	return all
}
