package sqlite

import (
	"errors"

	"github.com/talix-dev/talix/store"
	"zombiezen.com/go/sqlite"
)

// stride is how many versions lie between two anchors of a stream.
const stride = 64

// head is the end of a stream's chain, as the group under way leaves it.
type head struct {
	name     store.Stream
	stream   int64 // zero until the stream has a number
	version  int64
	position int64
	anchor   int64
	base     int64 // the version that heads has in the database
	dirty    bool  // to be written before the commit
}

// headOf finds a stream's head. One that has no event has version zero. Where
// born, the stream is most likely new, and is given its row without looking
// for one before.
func (w *writer) headOf(s store.Stream, born bool) (*head, error) {
	if h, ok := w.heads.get(s); ok {
		return h, nil
	}
	h := &head{name: s}
	if born {
		if err := w.number(h); err != nil && !errors.Is(err, errStale) {
			return nil, err
		}
	}
	if h.stream == 0 {
		if err := w.readHead(h); err != nil {
			return nil, err
		}
	}
	w.heads.put(s, h)
	return h, nil
}

func (w *writer) readHead(h *head) error {
	find := w.stmt.findStream
	find.BindText(1, h.name.ID)
	find.BindText(2, h.name.Type)
	found, err := find.Step()
	if err != nil || !found {
		return firstOf(err, find.Reset())
	}
	h.stream = find.ColumnInt64(0)
	if err := find.Reset(); err != nil {
		return err
	}
	find = w.stmt.findHead
	find.BindInt64(1, h.stream)
	if found, err = find.Step(); err == nil && found {
		h.version, h.position, h.anchor = find.ColumnInt64(0), find.ColumnInt64(1), find.ColumnInt64(2)
		h.base = h.version
	}
	return firstOf(err, find.Reset())
}

// writeHeads moves the heads that the group has changed. It fails with
// errStale where the database has another version than the cache believed.
func (w *writer) writeHeads() error {
	for _, h := range w.group.dirty {
		if err := w.writeHead(h); err != nil {
			return err
		}
		h.base, h.dirty = h.version, false
	}
	w.group.dirty = w.group.dirty[:0]
	return nil
}

func (w *writer) writeHead(h *head) error {
	stmt := w.stmt.moveHead
	if h.base == 0 {
		stmt = w.stmt.addHead
	} else {
		stmt.BindInt64(5, h.base)
	}
	stmt.BindInt64(1, h.version)
	stmt.BindInt64(2, h.position)
	stmt.BindInt64(3, h.anchor)
	stmt.BindInt64(4, h.stream)
	if err := run(stmt); err != nil {
		return err
	}
	if w.conn.Changes() != 1 {
		return errStale
	}
	return nil
}

// number gives the stream its row, if it has none yet.
func (w *writer) number(h *head) error {
	if h.stream != 0 {
		return nil
	}
	add := w.stmt.addStream
	add.BindInt64(1, w.stream+1)
	add.BindText(2, h.name.Type)
	add.BindText(3, h.name.ID)
	if err := run(add); err != nil {
		return err
	}
	if w.conn.Changes() != 1 {
		return errStale
	}
	w.stream++
	h.stream = w.stream
	return nil
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// lookup runs a query with one bound parameter and tells whether there is a
// row, which read reads.
func lookup(stmt *sqlite.Stmt, read func(*sqlite.Stmt)) (bool, error) {
	found, err := stmt.Step()
	if err == nil && found {
		read(stmt)
	}
	return found && err == nil, firstOf(err, stmt.Reset())
}
