package postgres

import (
	"context"
	"fmt"
	"iter"
	"math"

	"github.com/talix-dev/talix/store"
)

// LoadBack implements store.Backward. It reads in pages and holds no connection
// while the loop's body runs.
func (s *Store) LoadBack(ctx context.Context, name store.Stream, before store.Version) iter.Seq2[store.Event, error] {
	return func(yield func(store.Event, error) bool) {
		at, last := before, before <= 0
		if last {
			at = math.MaxInt64
		}
		for at > 1 {
			var events []store.Event
			err := s.read(ctx, store.PartitionOf(name, s.partitions), fmt.Sprintf("load %v", name), func() (err error) {
				events, err = s.pageBack(ctx, name, at)
				return err
			})
			if err != nil {
				yield(store.Event{}, err)
				return
			}
			for _, e := range events {
				if !yield(e, nil) {
					return
				}
				at = e.Version
			}
			if len(events) == 0 {
				return
			}
		}
	}
}

func (s *Store) pageBack(ctx context.Context, name store.Stream, before store.Version) ([]store.Event, error) {
	number, err := s.number(ctx, name)
	if err != nil || number == 0 {
		return nil, err
	}
	p, partition, below := page{}, store.PartitionOf(name, s.partitions), before
	err = s.query(ctx, func(row [][]byte) (bool, error) {
		e, err := readEvent(row, partition, name)
		if err == nil && len(p.events) > 0 && e.Version != below-1 {
			err = fmt.Errorf("%w: version %d of %v is missing; restore a backup", store.ErrCorrupt, below-1, name)
		}
		if err != nil {
			return false, err
		}
		below = e.Version
		return p.add(e), nil
	}, s.sql.loadBack, number, int64(before), loadPage)
	return p.events, err
}
