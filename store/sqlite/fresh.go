package sqlite

import (
	"github.com/talix-dev/talix/store"
	"zombiezen.com/go/sqlite"
)

// isFresh tells that a repeat of the batch is known by its first event, so
// that its result needs no row of its own.
func isFresh(b *store.Batch) bool {
	return b.Fresh && !b.Key.IsZero() && len(b.Appends) > 0 && len(b.Appends[0].Events) > 0
}

// isStored tells whether the place of a fresh batch's first event is taken by
// an event of the same command.
func (w *writer) isStored(b *store.Batch) (bool, error) {
	h, err := w.headOf(b.Appends[0].Stream, false)
	if err != nil {
		return false, err
	}
	place := int64(b.Appends[0].Expect) + 1
	at := link{h.version, h.position}
	for {
		if at.version < place {
			return false, nil
		}
		command, below, err := w.linkAt(h, at, place)
		if err != nil || at.version == place {
			return command == b.Key, err
		}
		at = below
	}
}

// linkAt reads one event of a chain, and finds the next one on the shortest
// way down to place.
func (w *writer) linkAt(h *head, at link, place int64) (command store.ID, below link, err error) {
	find := w.stmt.findLink
	find.BindInt64(1, at.position)
	find.BindInt64(2, h.stream)
	find.BindInt64(3, at.version)
	found, err := lookup(find, func(row *sqlite.Stmt) {
		row.ColumnBytes(2, command[:])
		below = link{at.version - 1, row.ColumnInt64(0)}
		if anchor := (at.version - 1) / stride * stride; anchor >= place {
			below = link{anchor, row.ColumnInt64(1)}
		}
	})
	if err == nil && !found {
		err = sqlite.ResultCorrupt.ToError()
	}
	return command, below, err
}
