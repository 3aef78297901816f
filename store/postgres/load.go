package postgres

import (
	"context"
	"fmt"
	"iter"

	"github.com/talix-dev/talix/store"
)

// loadPage is how many events Load reads at a time.
const loadPage = 256

// Load implements store.Store. It reads in pages and holds no connection while
// the loop's body runs, so it may see events that were committed meanwhile.
func (s *Store) Load(ctx context.Context, name store.Stream, after store.Version) iter.Seq2[store.Event, error] {
	return func(yield func(store.Event, error) bool) {
		at := max(after, 0)
		for more := true; more; {
			var events []store.Event
			err := s.read(ctx, store.PartitionOf(name, s.partitions), fmt.Sprintf("load %v", name), func() (err error) {
				events, more, err = s.loadPage(ctx, name, at)
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
		}
	}
}

// loadPage tells as well whether there may be more.
func (s *Store) loadPage(ctx context.Context, name store.Stream, after store.Version) ([]store.Event, bool, error) {
	number, err := s.number(ctx, name)
	if err != nil || number == 0 {
		return nil, false, err
	}
	p, partition := page{}, store.PartitionOf(name, s.partitions)
	more := false
	err = s.query(ctx, func(row [][]byte) (bool, error) {
		e, err := readEvent(row, partition, name)
		if err == nil && e.Version != after+store.Version(len(p.events))+1 {
			err = fmt.Errorf("%w: version %d of %v is missing; restore a backup", store.ErrCorrupt, after+store.Version(len(p.events))+1, name)
		}
		if err != nil {
			return false, err
		}
		room := p.add(e)
		more = !room || len(p.events) == loadPage
		return room, nil
	}, s.sql.load, number, int64(after), loadPage)
	return p.events, more, err
}

// number is that of a stream, or zero if there is none.
func (s *Store) number(ctx context.Context, name store.Stream) (number int64, err error) {
	m := s.memories[store.PartitionOf(name, s.partitions)]
	number, generation := m.number(name)
	if number != 0 {
		return number, nil
	}
	err = s.query(ctx, func(row [][]byte) (bool, error) {
		number = readInt(row[0])
		return false, nil
	}, s.sql.number, escape(name.ID), escape(name.Type))
	if err == nil && number != 0 {
		m.learn(name, number, generation)
	}
	return number, err
}

// Log implements store.Store. A page ends early when it has grown large.
func (s *Store) Log(ctx context.Context, p store.Partition, after store.Position, max int) ([]store.Event, error) {
	var page page
	err := s.read(ctx, p, "read log", func() error {
		if max < 1 {
			return fmt.Errorf("a page has at least one event, not %d", max)
		}
		return s.query(ctx, func(row [][]byte) (bool, error) {
			if row[12] == nil {
				return false, fmt.Errorf("%w: the stream of position %d in partition %d has no name; restore a backup", store.ErrCorrupt, readInt(row[0]), p)
			}
			e, err := readEvent(row, p, store.Stream{Type: unescape(string(row[12])), ID: unescape(string(row[13]))})
			return err == nil && page.add(e), err
		}, s.sql.log, int32(p), int64(after), max)
	})
	if err != nil {
		return nil, err
	}
	return page.events, nil
}
