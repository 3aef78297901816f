package sqlite

import (
	"unsafe"

	"github.com/talix-dev/talix/store"
	"zombiezen.com/go/sqlite"
)

// append writes a batch that fits.
func (w *writer) append(b *store.Batch) (store.Outcome, error) {
	out := store.Outcome{Status: store.Durable}
	for i := range b.Appends {
		events := b.Appends[i].Events
		if len(events) == 0 {
			continue
		}
		if err := w.appendTo(w.group.taken[i].head, events); err != nil {
			return store.Outcome{}, err
		}
		out.Position = store.Position(w.group.position)
	}
	if err := w.putMarks(b.Marks); err != nil {
		return store.Outcome{}, err
	}
	return out, w.changeRecords(b.Records)
}

func (w *writer) appendTo(h *head, events []store.Event) error {
	if err := w.number(h); err != nil {
		return err
	}
	if !h.dirty {
		h.dirty = true
		w.group.dirty = append(w.group.dirty, h)
	}
	for i := range events {
		if err := w.addEvent(h, &events[i]); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) addEvent(h *head, e *store.Event) error {
	typ, err := w.typeOf(e.Type)
	if err != nil {
		return err
	}
	position := w.group.position + 1
	w.scratch = canonical(w.scratch[:0], e, position)
	stmt := w.stmt.addEvent
	stmt.BindInt64(1, position)
	stmt.BindInt64(2, h.stream)
	stmt.BindInt64(3, int64(e.Version))
	stmt.BindInt64(4, h.position)
	stmt.BindInt64(5, h.anchor)
	stmt.BindInt64(6, typ)
	stmt.BindInt64(7, int64(e.Schema))
	stmt.BindInt64(8, e.Time.UnixMicro())
	stmt.BindInt64(9, int64(checksum(w.scratch)))
	bindIDs(stmt, e)
	bindText(stmt, 14, e.Metadata)
	bindText(stmt, 15, e.Data)
	if err := run(stmt); err != nil {
		return err
	}
	w.group.position, h.position = position, position
	if e.Version%stride == 0 {
		h.anchor = position
	}
	return nil
}

func bindIDs(stmt *sqlite.Stmt, e *store.Event) {
	bindID(stmt, 10, &e.ID)
	bindID(stmt, 11, &e.Command)
	bindCause(stmt, 12, &e.Correlation, &e.Command)
	bindCause(stmt, 13, &e.Causation, &e.Command)
}

func bindID(stmt *sqlite.Stmt, param int, id *store.ID) {
	if id.IsZero() {
		stmt.BindNull(param)
		return
	}
	stmt.BindBytes(param, id[:])
}

// bindCause saves the bytes of an id that is the command's.
func bindCause(stmt *sqlite.Stmt, param int, id, command *store.ID) {
	switch {
	case *id == *command:
		stmt.BindNull(param)
	case id.IsZero():
		stmt.BindBytes(param, nil)
	default:
		stmt.BindBytes(param, id[:])
	}
}

// bindText binds bytes as text; the binding copies them, so they are not
// copied before.
func bindText(stmt *sqlite.Stmt, param int, b []byte) {
	if b == nil {
		stmt.BindNull(param)
		return
	}
	stmt.BindText(param, unsafe.String(unsafe.SliceData(b), len(b)))
}

// typeOf is the number of an event type name, which it may have to give it.
func (w *writer) typeOf(name string) (typ int64, err error) {
	if typ, ok := w.types[name]; ok {
		return typ, nil
	}
	w.stmt.findType.BindText(1, name)
	found, err := lookup(w.stmt.findType, func(row *sqlite.Stmt) { typ = row.ColumnInt64(0) })
	if err == nil && !found {
		w.stmt.addType.BindText(1, name)
		err = run(w.stmt.addType)
		typ = w.conn.LastInsertRowID()
	}
	if err == nil {
		w.types[name] = typ
	}
	return typ, err
}
