package memory

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/talix-dev/talix/store"
)

// Results implements store.Lister.
func (s *Store) Results(ctx context.Context, after store.KeptResult, max int) ([]store.KeptResult, error) {
	var found []store.KeptResult
	for p := range s.partitions {
		part, err := s.beginPage(ctx, store.Partition(p), "Results", max)
		if err != nil {
			return nil, fmt.Errorf("list results: %w", err)
		}
		found = append(found, part.resultsAbove(after)...)
		s.calls.Done()
	}
	slices.SortFunc(found, compareResults)
	return found[:min(max, len(found))], nil
}

func compareResults(a, b store.KeptResult) int {
	return cmp.Or(bytes.Compare(a.Key[:], b.Key[:]), cmp.Compare(a.Partition, b.Partition))
}

func (p *partition) resultsAbove(after store.KeptResult) (found []store.KeptResult) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for key, r := range p.results.byKey {
		kept := store.KeptResult{Partition: p.number, Key: key, Result: bytes.Clone(r.value), Time: cut(r.time)}
		if after.Key.IsZero() || compareResults(kept, after) > 0 {
			found = append(found, kept)
		}
	}
	return found
}

// Marks implements store.Lister. The order is that of the names' bytes.
func (s *Store) Marks(ctx context.Context, p store.Partition, after string, max int) ([]store.KeptMark, error) {
	part, err := s.beginPage(ctx, p, "Marks", max)
	if err != nil {
		return nil, fmt.Errorf("list marks: %w", err)
	}
	defer s.calls.Done()
	part.mu.RLock()
	defer part.mu.RUnlock()
	var found []store.KeptMark
	for _, consumer := range slices.Sorted(maps.Keys(part.marks)) {
		if consumer > after && len(found) < max {
			found = append(found, store.KeptMark{Consumer: consumer, At: part.marks[consumer]})
		}
	}
	return found, nil
}

// Spaces implements store.Lister.
func (s *Store) Spaces(ctx context.Context, p store.Partition) ([]string, error) {
	part, err := s.beginRead(ctx, p, "Spaces")
	if err != nil {
		return nil, fmt.Errorf("list spaces: %w", err)
	}
	defer s.calls.Done()
	part.mu.RLock()
	defer part.mu.RUnlock()
	return slices.Sorted(maps.Keys(part.spaces)), nil
}
