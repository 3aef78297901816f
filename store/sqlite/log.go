package sqlite

import (
	"context"
	"fmt"

	"github.com/talix-dev/talix/store"
)

// logPortion is how many events are read before ctx is looked at and the
// connection is offered to others.
const logPortion = 512

// Log implements store.Store.
func (s *Store) Log(ctx context.Context, p store.Partition, after store.Position, max int) ([]store.Event, error) {
	var events []store.Event
	for len(events) < max {
		want := min(max-len(events), logPortion)
		before := len(events)
		err := s.read(ctx, p, func(r *reader) (err error) {
			events, err = s.scan(r, events, after, want)
			return err
		})
		if err != nil {
			return nil, explain("read log", s.layout, err)
		}
		if len(events)-before < want {
			break
		}
		after = events[len(events)-1].Position
	}
	return events, nil
}

func (s *Store) scan(r *reader, events []store.Event, after store.Position, max int) ([]store.Event, error) {
	stmt, err := r.prepare("SELECT " + eventColumns + " FROM events WHERE position > ? ORDER BY position LIMIT ?")
	if err != nil {
		return events, err
	}
	defer stmt.Reset()
	stmt.BindInt64(1, int64(after))
	stmt.BindInt64(2, int64(max))
	d := row{names: s.names, reader: r}
	for {
		more, err := stmt.Step()
		if err != nil || !more {
			return events, err
		}
		e, err := d.event(stmt)
		if err != nil {
			return events, fmt.Errorf("read event %d: %w", stmt.ColumnInt64(0), err)
		}
		events = append(events, e)
	}
}
