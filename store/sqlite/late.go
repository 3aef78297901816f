package sqlite

import (
	"cmp"
	"fmt"
	"slices"
	"sync"

	"github.com/talix-dev/talix/store"
	"zombiezen.com/go/sqlite"
)

// late holds the heads that are ahead of the table heads. They are written
// some time after the events, each once for many events, in the order of the
// table. What they are follows from the events above a position that the
// database knows as well, so they need not be durable: after a crash, recall
// reads them there.
//
// Only the writer changes it. Readers look a stream up here before they look
// into the database, and what is taken from here stood in the table before.
type late struct {
	mu    sync.RWMutex // guards heads, and now and before of those in it
	heads map[store.Stream]*head

	flushed int64   // the table has all heads of the events up to here
	sweep   []*head // still to be written, until the table has all up to target
	target  int64
	written []*head // by the transaction under way
}

// A group writes sweepEach heads and sweepPer for each of its events, so that
// none takes long and a sweep ends before the next one is due.
const (
	sweepEach = 16
	sweepPer  = 2
)

// publish shows readers where the group's streams will end. It comes before
// the commit: a reader that does not find the event goes by what was before.
func (l *late) publish(changed []*head) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, h := range changed {
		h.dirty = false
		h.before, h.now = h.now, link{h.version, h.position}
		l.heads[h.name] = h
	}
}

// forget takes out what the committed transaction wrote.
func (l *late) forget() {
	if len(l.written) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, h := range l.written {
		delete(l.heads, h.name)
	}
	l.written = l.written[:0]
}

// lookup is where a stream ends, and where it ended before the last group that
// changed it, which may be under way.
func (l *late) lookup(name store.Stream) (stream int64, ends [2]link) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if h := l.heads[name]; h != nil {
		return h.stream, [2]link{h.now, h.before}
	}
	return 0, ends
}

// sweepHeads writes some heads if it is time, or all.
func (w *writer) sweepHeads(all bool) error {
	l := &w.late
	if len(l.sweep) == 0 {
		behind := w.group.position - l.flushed
		if behind == 0 || behind < w.recall && !all {
			return nil
		}
		l.begin(w.group.position, w.group.dirty)
	}
	n := len(l.sweep)
	if !all {
		n = min(n, sweepEach+sweepPer*int(w.group.position-w.position))
	}
	for _, h := range l.sweep[:n] {
		if err := w.writeHead(h); err != nil {
			return err
		}
	}
	if l.sweep = l.sweep[n:]; len(l.sweep) > 0 {
		return nil
	}
	l.flushed = l.target
	w.stmt.putFlushed.BindInt64(1, l.flushed)
	return run(w.stmt.putFlushed)
}

// flush writes all heads, so that the tables say all that the log does. Where
// it can't, the next Open reads it from the log.
func (w *writer) flush() error {
	if w.late.flushed == w.position {
		return nil
	}
	w.group.reset(w.position)
	if err := run(w.stmt.begin); err != nil {
		return err
	}
	for w.late.flushed < w.position {
		if err := w.sweepHeads(true); err != nil {
			return firstOf(run(w.stmt.rollback), err)
		}
	}
	return run(w.stmt.commit)
}

// begin starts a sweep of all heads in the order in which the table has them.
func (l *late) begin(position int64, changed []*head) {
	l.sweep, l.target = l.sweep[:0], position
	for _, h := range l.heads {
		l.sweep = append(l.sweep, h)
	}
	for _, h := range changed {
		if l.heads[h.name] == nil {
			l.sweep = append(l.sweep, h)
		}
	}
	slices.SortFunc(l.sweep, func(a, b *head) int { return cmp.Compare(a.stream, b.stream) })
}

// writeHead moves a head in the table. Where that is not what the writer has
// left there, someone else has written.
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
		return fmt.Errorf("%w: another program has changed where %s ends; restore a backup", store.ErrCorrupt, h.name)
	}
	h.base = h.version
	w.late.written = append(w.late.written, h)
	return nil
}

// recallHeads reads from the database what the heads are, and forgets what was
// held in memory.
func (w *writer) recallHeads() error {
	w.heads.clear()
	flushed, err := w.flushedHeads()
	if err != nil {
		return err
	}
	byName := make(map[store.Stream]*head)
	if err := w.readAbove(flushed, byName); err != nil {
		return err
	}
	l := &w.late
	l.mu.Lock()
	defer l.mu.Unlock()
	l.heads, l.flushed, l.sweep, l.written = byName, flushed, nil, nil
	return nil
}

func (w *writer) flushedHeads() (flushed int64, err error) {
	find, err := w.conn.Prepare("SELECT value FROM meta WHERE name = 'heads'")
	if err != nil {
		return 0, err
	}
	found, err := lookup(find, func(row *sqlite.Stmt) { flushed = row.ColumnInt64(0) })
	if err == nil && !found {
		err = fmt.Errorf("%w: %w", sqlite.ResultCorrupt.ToError(), errNoRow)
	}
	return flushed, err
}

// readAbove follows the chains through the events above a position.
func (w *writer) readAbove(position int64, byName map[store.Stream]*head) error {
	find, err := w.conn.Prepare("SELECT e.stream, e.version, e.position, e.prev, e.anchor, s.type, s.id" +
		" FROM events e JOIN streams s ON s.stream = e.stream WHERE e.position > ? ORDER BY e.position")
	if err != nil {
		return err
	}
	defer find.Reset()
	find.BindInt64(1, position)
	byNumber := make(map[int64]*head)
	for {
		more, err := find.Step()
		if err != nil || !more {
			return err
		}
		h := byNumber[find.ColumnInt64(0)]
		if h == nil {
			h = &head{name: store.Stream{Type: find.ColumnText(5), ID: find.ColumnText(6)}, stream: find.ColumnInt64(0)}
			if err := w.readEnd(h); err != nil {
				return err
			}
			byNumber[h.stream], byName[h.name] = h, h
		}
		if err := h.follow(find); err != nil {
			return err
		}
	}
}

// follow goes on to the event that the row is of. One that the table's head
// has already stands before it.
func (h *head) follow(row *sqlite.Stmt) error {
	version, position := row.ColumnInt64(1), row.ColumnInt64(2)
	if position <= h.position {
		return nil
	}
	if version != h.version+1 || row.ColumnInt64(3) != h.position {
		return fmt.Errorf("%w: event %d of %s at position %d does not follow event %d at %d", sqlite.ResultCorrupt.ToError(), version, h.name, position, h.version, h.position)
	}
	h.version, h.position, h.anchor = version, position, row.ColumnInt64(4)
	if version%stride == 0 {
		h.anchor = position
	}
	h.now = link{version, position}
	return nil
}
