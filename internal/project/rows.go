package project

import (
	"fmt"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/table"
)

// rows are the rows that a runner works on, and those that stay in memory for
// the batches that follow. What stays is as it is stored: the mark, which moves
// with the rows, tells if anyone else wrote.
type rows struct {
	view      *view
	partition store.Partition
	leaves    []*leaf // by sheet
	tx        table.Tx
	failed    error  // of the store
	events    uint64 // counts them, to tell which rows one has changed
	// complete: what is not in memory is not there, so that events can be taken
	// without asking the table.
	complete bool
	keep     int // rows that stay between batches
	bytes    int // held by stored values, about
}

// keepBytes bounds the rows that a runner keeps between batches.
const keepBytes = 64 << 20

func newRows(b *build, p store.Partition) *rows {
	rs := &rows{view: b.view, partition: p, keep: b.view.keep}
	for i, s := range b.view.sheets {
		rs.leaves = append(rs.leaves, newLeaf(rs, s, b.rows[i], b.histories[i]))
	}
	return rs
}

// job applies one event. If it can't be, all rows are as they were before; an
// error of the store is in failed, too.
func (rs *rows) job(j *job) (err error) {
	rs.events++
	for i := 0; i < j.facts.Len() && err == nil; i++ {
		err = rs.fact(j, j.facts.At(i))
	}
	if err == nil && rs.view.ends[j.event.Stream.Type] != nil && registry.Ends(j.event) {
		err = rs.bury(j.event.Stream.ID)
	}
	for _, l := range rs.leaves {
		if err != nil {
			l.restore()
		} else {
			l.remember(rs.partition, j.event.Position)
		}
	}
	if err == nil && rs.view.strict {
		err = rs.writeChanged()
	}
	for _, l := range rs.leaves {
		l.undo = l.undo[:0]
	}
	return err
}

// fact applies one of the events that a stored one is.
func (rs *rows) fact(j *job, f registry.Fact) error {
	t := j.take
	if t.event != f.Event {
		if t = rs.view.events[f.Event]; t == nil {
			return nil
		}
	}
	for i := range t.ops {
		if err := rs.op(&t.ops[i], &f); err != nil {
			return err
		}
	}
	return nil
}

// bury removes the row of an entity that was deleted.
func (rs *rows) bury(id string) error {
	l := rs.leaves[0]
	r, err := l.byID(id)
	if err != nil || !r.exists {
		return err
	}
	l.save(r)
	l.remove(r)
	return nil
}

// writeChanged stores what an event has changed at once, so that a unique index
// refuses the same events however they are put into batches.
func (rs *rows) writeChanged() error {
	for _, l := range rs.leaves {
		for i := range l.undo {
			if err := l.put(rs.tx, l.undo[i].row); err != nil {
				return rs.failWith(fmt.Errorf("write row %q: %w", l.undo[i].row.name, err))
			}
		}
	}
	return nil
}

func (rs *rows) op(o *op, f *registry.Fact) error {
	if o.Project != nil {
		return rs.project(o, f)
	}
	l := rs.leaves[0]
	if o.Keys == nil {
		r, err := l.byID(f.As.Stream.ID)
		if err != nil {
			return err
		}
		return l.change(r, o, f)
	}
	keys, err := keysOf(o, f)
	for _, k := range keys {
		var r *row
		if r, err = l.byKey(o.keyer, k, o.Apply != nil); err == nil {
			err = l.change(r, o, f)
		}
		if err != nil {
			return err
		}
	}
	return err
}

// failWith notes an error of the store.
func (rs *rows) failWith(err error) error {
	rs.failed = err
	return err
}

// begin and end surround what is done in a transaction; without one, all rows
// have to be in memory.
func (rs *rows) begin(tx table.Tx) { rs.tx, rs.failed = tx, nil }

// write stores what changed.
func (rs *rows) write(tx table.Tx) error {
	rs.tx = tx
	for _, l := range rs.leaves {
		if err := l.write(tx); err != nil {
			return err
		}
	}
	return nil
}

// end follows a transaction. What failed leaves nothing in memory.
func (rs *rows) end(committed bool) {
	rs.tx = nil
	if !committed {
		rs.drop()
		return
	}
	for _, l := range rs.leaves {
		l.settle()
	}
	if n := rs.count(); n > rs.keep || rs.bytes > keepBytes {
		rs.shrink()
	}
}

func (rs *rows) count() (n int) {
	for _, l := range rs.leaves {
		n += len(l.rows)
	}
	return n
}

// dirty is how many rows wait to be written.
func (rs *rows) dirty() (n int) {
	for _, l := range rs.leaves {
		n += len(l.touched) + len(l.past)
	}
	return n
}

// shrink forgets the rows that the last batches did not use, or else all.
func (rs *rows) shrink() {
	rs.complete = false
	for _, l := range rs.leaves {
		for _, r := range l.rows {
			if !r.used {
				l.forget(r)
			}
			r.used = false
		}
	}
	if rs.count() > rs.keep/2 || rs.bytes > keepBytes/2 {
		rs.drop()
	}
}

func (rs *rows) drop() {
	rs.complete = false
	for _, l := range rs.leaves {
		l.drop()
	}
}

// preload brings all rows into memory, if they are not too many, so that the
// rest of the log can be taken without asking for them one by one.
func (rs *rows) preload(tx table.Tx, most int) error {
	rs.begin(tx)
	defer func() { rs.tx = nil }()
	for _, l := range rs.leaves {
		for values, err := range tx.Scan(l.schema, nil) {
			if err != nil {
				return fmt.Errorf("read rows: %w", err)
			}
			if rs.count() >= most || rs.bytes > keepBytes/2 {
				rs.drop()
				return nil
			}
			l.adopt(values)
		}
		if err := l.adoptHistory(tx); err != nil {
			return err
		}
	}
	rs.complete = true
	return nil
}
