package sqlite

import (
	"context"
	"iter"

	"github.com/talix-dev/talix/store"
	"zombiezen.com/go/sqlite"
)

// LoadBack implements store.Backward. It reads blocks of at most 64 events and
// holds no connection while the caller has one of them.
func (s *Store) LoadBack(ctx context.Context, name store.Stream, before store.Version) iter.Seq2[store.Event, error] {
	return func(yield func(store.Event, error) bool) {
		c := chain{store: s, name: name}
		var at link
		err := s.readAtOnce(ctx, func(r *reader) (err error) {
			at, err = c.end(r, int64(before))
			return err
		})
		for err == nil && at.version > 0 {
			err = s.readAtOnce(ctx, func(r *reader) (err error) {
				at, err = c.down(r, at)
				return err
			})
			for i := 0; err == nil && i < len(c.events); i++ {
				if !yield(c.events[i], nil) {
					return
				}
			}
		}
		if err != nil {
			yield(store.Event{}, explain("load "+name.String(), s.layout, err))
		}
	}
}

// end finds the last event of the stream below a version, or above all if that
// is zero; a zero link if there is none.
func (c *chain) end(r *reader, before int64) (at link, err error) {
	stmt, err := r.prepare("SELECT s.stream, h.version, h.position FROM streams s JOIN heads h ON h.stream = s.stream WHERE s.id = ? AND s.type = ?")
	if err != nil {
		return at, err
	}
	stmt.BindText(1, c.name.ID)
	stmt.BindText(2, c.name.Type)
	_, err = lookup(stmt, func(row *sqlite.Stmt) {
		c.stream, at.version, at.position = row.ColumnInt64(0), row.ColumnInt64(1), row.ColumnInt64(2)
	})
	d := row{names: c.store.names, reader: r}
	for err == nil && before > 0 && at.version >= before {
		if (at.version-1)/stride*stride >= before-1 {
			at, err = c.anchor(r, at)
			continue
		}
		var prev int64
		_, prev, err = c.read(r, &d, at)
		at = link{at.version - 1, prev}
	}
	return at, err
}

// down reads a block from an event on, and returns what is below it.
func (c *chain) down(r *reader, at link) (link, error) {
	c.events = c.events[:0]
	d := row{names: c.store.names, reader: r}
	for at.version > 0 && len(c.events) < stride {
		e, prev, err := c.read(r, &d, at)
		if err != nil {
			return link{}, err
		}
		c.events = append(c.events, e)
		at = link{at.version - 1, prev}
	}
	return at, nil
}
