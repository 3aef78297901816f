package sqlite

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/talix-dev/talix/store"
	"zombiezen.com/go/sqlite"
)

// Load implements store.Store. It reads blocks of at most 64 events and holds
// no connection while the caller has one of them.
func (s *Store) Load(ctx context.Context, name store.Stream, after store.Version) iter.Seq2[store.Event, error] {
	return func(yield func(store.Event, error) bool) {
		c := chain{store: s, name: name, after: max(int64(after), 0)}
		if err := s.readAtOnce(ctx, c.find); err != nil {
			yield(store.Event{}, explain("load "+name.String(), s.layout, err))
			return
		}
		for len(c.tops) > 0 {
			if err := s.readAtOnce(ctx, c.block); err != nil {
				yield(store.Event{}, explain("load "+name.String(), s.layout, err))
				return
			}
			for _, e := range c.events {
				if !yield(e, nil) {
					return
				}
			}
		}
	}
}

// chain walks a stream's events.
type chain struct {
	store  *Store
	name   store.Stream
	after  int64
	stream int64
	tops   []link // the last events of the blocks to read, the lowest one last
	events []store.Event
}

// link is one event of a chain, by where it stands.
type link struct{ version, position int64 }

// find looks up the end of the chain and the ends of the blocks below it.
func (c *chain) find(r *reader) error {
	stmt, err := r.prepare("SELECT s.stream, h.version, h.position FROM streams s JOIN heads h ON h.stream = s.stream WHERE s.id = ? AND s.type = ?")
	if err != nil {
		return err
	}
	var at link
	stmt.BindText(1, c.name.ID)
	stmt.BindText(2, c.name.Type)
	found, err := lookup(stmt, func(row *sqlite.Stmt) {
		c.stream, at.version, at.position = row.ColumnInt64(0), row.ColumnInt64(1), row.ColumnInt64(2)
	})
	for err == nil && found && at.version > c.after {
		c.tops = append(c.tops, at)
		if at.version <= stride {
			break
		}
		at, err = c.anchor(r, at)
	}
	return err
}

// anchor is the end of the block below the one that at is in.
func (c *chain) anchor(r *reader, at link) (link, error) {
	stmt, err := r.prepare("SELECT anchor FROM events WHERE position = ? AND stream = ? AND version = ?")
	if err != nil {
		return link{}, err
	}
	c.bind(stmt, at)
	below := link{version: (at.version - 1) / stride * stride}
	found, err := lookup(stmt, func(row *sqlite.Stmt) { below.position = row.ColumnInt64(0) })
	if err == nil && !found {
		err = c.broken(at)
	}
	return below, err
}

func (c *chain) bind(stmt *sqlite.Stmt, at link) {
	stmt.BindInt64(1, at.position)
	stmt.BindInt64(2, c.stream)
	stmt.BindInt64(3, at.version)
}

func (c *chain) broken(at link) error {
	return fmt.Errorf("%w: version %d is not at position %d; restore a backup", store.ErrCorrupt, at.version, at.position)
}

// block reads the lowest block, from its end to its start.
func (c *chain) block(r *reader) error {
	at := c.tops[len(c.tops)-1]
	c.tops = c.tops[:len(c.tops)-1]
	c.events = c.events[:0]
	start := max(c.after, (at.version-1)/stride*stride)
	d := row{names: c.store.names, reader: r}
	for at.version > start {
		e, prev, err := c.read(r, &d, at)
		if err != nil {
			return err
		}
		c.events = append(c.events, e)
		at = link{at.version - 1, prev}
	}
	slices.Reverse(c.events)
	return nil
}

func (c *chain) read(r *reader, d *row, at link) (e store.Event, prev int64, err error) {
	stmt, err := r.prepare("SELECT " + eventColumns + " FROM events WHERE position = ? AND stream = ? AND version = ?")
	if err != nil {
		return e, 0, err
	}
	c.bind(stmt, at)
	var decodeErr error
	found, err := lookup(stmt, func(row *sqlite.Stmt) {
		prev = row.ColumnInt64(3)
		e, decodeErr = d.event(row)
	})
	if err == nil && !found {
		err = c.broken(at)
	}
	return e, prev, firstOf(err, decodeErr)
}
