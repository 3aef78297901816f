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
	row := &w.row
	row.int(1, position)
	row.int(2, h.stream)
	row.int(3, int64(e.Version))
	row.int(4, h.position)
	row.int(5, h.anchor)
	row.int(6, typ)
	row.int(7, int64(e.Schema))
	row.int(8, e.Time.UnixMicro())
	row.int(9, int64(checksum(w.scratch)))
	row.id(10, &e.ID)
	row.id(11, &e.Command)
	row.cause(12, &e.Correlation, &e.Command)
	row.cause(13, &e.Causation, &e.Command)
	row.text(14, e.Metadata)
	row.text(15, e.Data)
	if err := run(row.stmt); err != nil {
		return err
	}
	w.group.position, h.position = position, position
	if e.Version%stride == 0 {
		h.anchor = position
	}
	return nil
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
