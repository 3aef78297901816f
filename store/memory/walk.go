package memory

import (
	"context"
	"fmt"
	"iter"
	"sort"

	"github.com/talix-dev/talix/store"
)

// LoadBack implements store.Backward. The events are those of the moment at
// which the iteration started.
func (s *Store) LoadBack(ctx context.Context, name store.Stream, before store.Version) iter.Seq2[store.Event, error] {
	return func(yield func(store.Event, error) bool) {
		part, err := s.beginRead(ctx, store.PartitionOf(name, len(s.partitions)), "LoadBack")
		if err != nil {
			yield(store.Event{}, fmt.Errorf("load %v: %w", name, err))
			return
		}
		log, index := part.stream(name, 0)
		s.calls.Done()
		if before > 0 {
			index = index[:min(int(before)-1, len(index))]
		}
		for i := len(index) - 1; i >= 0; i-- {
			if !yield(log[index[i]], nil) {
				return
			}
		}
	}
}

// Walk implements store.Walker.
func (s *Store) Walk(ctx context.Context, p store.Partition, w store.Walk) (store.Walked, error) {
	part, err := s.beginPage(ctx, p, "Walk", min(w.Max, w.Scan))
	if err != nil {
		return store.Walked{}, fmt.Errorf("walk the log: %w", err)
	}
	defer s.calls.Done()
	part.mu.RLock()
	defer part.mu.RUnlock()
	return part.walk(w), nil
}

func (p *partition) walk(w store.Walk) store.Walked {
	step, i := 1, sort.Search(len(p.log), func(i int) bool { return p.log[i].Position > w.From })
	if w.Back {
		step, i = -1, len(p.log)-1
		if w.From > 0 {
			i = sort.Search(len(p.log), func(i int) bool { return p.log[i].Position >= w.From }) - 1
		}
	}
	walked := store.Walked{At: w.From}
	for scanned := 0; i >= 0 && i < len(p.log); i += step {
		if scanned == w.Scan || len(walked.Found) == w.Max {
			return walked
		}
		scanned++
		e := &p.log[i]
		walked.At = e.Position
		if index := p.streams[e.Stream]; e.Stream.Type == w.Type || w.Type == "" {
			if !w.Ends && e.Version == 1 || w.Ends && int(e.Version) == len(index) {
				walked.Found = append(walked.Found, store.Found{
					Stream: e.Stream, Version: store.Version(len(index)), Position: e.Position, Time: e.Time,
				})
			}
		}
	}
	walked.Done = true
	return walked
}
