package memory

import (
	"context"
	"fmt"
	"slices"

	"github.com/talix-dev/talix/store"
)

var _ store.Spanner = (*Store)(nil)

// Span implements store.Spanner. Config.Fault is asked once, with the first
// partition and the batches of all parts.
func (s *Store) Span(ctx context.Context, parts []store.Part) []store.Outcome {
	outcomes := make([]store.Outcome, len(parts))
	if err := store.CheckParts(parts, len(s.partitions)); err != nil {
		return failed(outcomes, err)
	}
	if _, err := s.begin(ctx, parts[0].Partition); err != nil {
		return failed(outcomes, err)
	}
	defer s.calls.Done()
	fault := s.fault(parts[0].Partition, batchesOf(parts))
	if err := fault.wait(ctx); err != nil {
		return failed(outcomes, err)
	}
	for _, part := range parts {
		s.land(part.Partition)
	}
	epochs := s.epochsOf(parts)
	switch fault.Kind {
	case Fail:
		return fill(outcomes, store.Outcome{Status: store.Failed, Err: fault.Err})
	case UnknownWritten:
		s.span(cloneParts(parts), epochs)
	case UnknownLate:
		s.hold(lateSpan{cloneParts(parts), epochs})
	case UnknownLost:
	default:
		return s.span(parts, epochs)
	}
	return fill(outcomes, store.Outcome{Status: store.Unknown, Err: fault.Err})
}

// span judges and writes all parts as of one moment. Partitions are locked in
// ascending order, so that spans do not wait for each other in a circle.
func (s *Store) span(parts []store.Part, epochs []store.Epoch) []store.Outcome {
	for i := range parts {
		s.partitions[parts[i].Partition].mu.Lock()
	}
	outcomes := make([]store.Outcome, len(parts))
	for i := range parts {
		p := s.partitions[parts[i].Partition]
		p.catchUp()
		outcomes[i] = p.judge(&parts[i].Batch, nil)
		if err := p.fenced(epochs[i]); err != nil {
			outcomes[i] = store.Outcome{Status: store.Failed, Err: err}
		}
	}
	if store.Together(outcomes) {
		for i := range parts {
			outcomes[i].Position = s.partitions[parts[i].Partition].apply(&parts[i].Batch)
		}
	}
	for i := range parts {
		s.partitions[parts[i].Partition].mu.Unlock()
	}
	return outcomes
}

// lateSpan is a span that is held back, with the epochs that it was sent under.
type lateSpan struct {
	parts  []store.Part
	epochs []store.Epoch
}

func (s *Store) epochsOf(parts []store.Part) []store.Epoch {
	epochs := make([]store.Epoch, len(parts))
	for i := range parts {
		epochs[i] = parts[i].Under(store.Epoch(s.epochs[parts[i].Partition].Load()))
	}
	return epochs
}

// hold keeps a span back that lands later.
func (s *Store) hold(late lateSpan) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.late = append(s.late, late)
}

// land writes the spans that were held back and touch a partition.
func (s *Store) land(p store.Partition) {
	s.mu.Lock()
	var landing []lateSpan
	s.late = slices.DeleteFunc(s.late, func(late lateSpan) bool {
		touches := slices.ContainsFunc(late.parts, func(part store.Part) bool { return part.Partition == p })
		if touches {
			landing = append(landing, late)
		}
		return touches
	})
	s.mu.Unlock()
	for _, late := range landing {
		s.span(late.parts, late.epochs)
	}
}

func batchesOf(parts []store.Part) []store.Batch {
	batches := make([]store.Batch, len(parts))
	for i := range parts {
		batches[i] = parts[i].Batch
	}
	return batches
}

func cloneParts(parts []store.Part) []store.Part {
	batches := clone(batchesOf(parts))
	parts = slices.Clone(parts)
	for i := range parts {
		parts[i].Batch = batches[i]
	}
	return parts
}

func failed(outcomes []store.Outcome, err error) []store.Outcome {
	return fill(outcomes, store.Outcome{Status: store.Failed, Err: fmt.Errorf("commit span: %w", err)})
}

func fill(outcomes []store.Outcome, o store.Outcome) []store.Outcome {
	for i := range outcomes {
		outcomes[i] = o
	}
	return outcomes
}
