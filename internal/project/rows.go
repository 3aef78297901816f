package project

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/talix-dev/talix/table"
)

// rows are the rows of a view that a batch works on, and those that stay in
// memory for the batches that follow. What stays is as it is stored: the mark,
// which moves with the rows, tells if anyone else wrote.
type rows struct {
	view    *view
	byID    map[string]*row
	touched []*row // by this batch, in order of the first event
	free    []*row // to be used again
	bytes   int    // held by stored values, about
}

// row is one row, or the absence of it.
type row struct {
	id      string
	key     table.Value
	ptr     any           // *R
	val     reflect.Value // what ptr points to
	stored  []table.Value // as in the table; empty if it is not there
	now     []table.Value // as of the last event
	touched bool          // by this batch
	used    bool          // by the batch before, or this one
	stale   bool          // val has to be read from now
}

// keepBytes bounds the rows that a runner keeps between batches.
const keepBytes = 32 << 20

func (rs *rows) init(v *view) {
	rs.view, rs.byID = v, map[string]*row{}
}

// apply folds events into rows and writes those that changed.
func (rs *rows) apply(tx table.Tx, jobs []job) error {
	for i := range jobs {
		j := &jobs[i]
		r, err := rs.row(tx, j.event.Stream.ID)
		if err != nil {
			return err
		}
		if err := rs.change(r, j); err != nil {
			return &Poison{View: rs.view.schema.Name, Event: j.event, Err: err, job: i}
		}
	}
	for _, r := range rs.touched {
		if err := rs.put(tx, r); err != nil {
			return err
		}
	}
	return nil
}

// row finds the row of an entity, in memory or in the table.
func (rs *rows) row(tx table.Tx, id string) (*row, error) {
	r := rs.byID[id]
	if r == nil {
		r = rs.fresh(id)
		rs.byID[id] = r
		if err := rs.read(tx, r); err != nil {
			return nil, err
		}
	}
	if !r.touched {
		r.touched, r.used = true, true
		rs.touched = append(rs.touched, r)
	}
	return r, nil
}

func (rs *rows) fresh(id string) *row {
	if n := len(rs.free); n > 0 {
		r := rs.free[n-1]
		rs.free = rs.free[:n-1]
		r.id = id
		return r
	}
	ptr := rs.view.newRow()
	return &row{id: id, ptr: ptr, val: reflect.ValueOf(ptr).Elem()}
}

func (rs *rows) read(tx table.Tx, r *row) error {
	r.key = table.TextValue(r.id)
	values, err := tx.Get(rs.view.schema, r.key)
	if err != nil {
		return fmt.Errorf("read row %q: %w", r.id, err)
	}
	r.stored = append(r.stored[:0], values...)
	rs.bytes += size(r.stored)
	r.now = append(r.now[:0], values...)
	r.stale = len(values) > 0
	return nil
}

// change applies one event to a row, which then is as if it had been written
// and read: what an event does may not depend on where batches end.
func (rs *rows) change(r *row, j *job) error {
	plan := rs.view.plan
	if err := rs.refresh(r); err != nil {
		return err
	}
	if err := plan.SetKey(r.val, r.id); err != nil {
		return err
	}
	if err := j.apply(r.ptr); err != nil {
		return err
	}
	if err := plan.SetKey(r.val, r.id); err != nil {
		return err
	}
	if plan.Exact() {
		return plan.Settle(r.val)
	}
	r.stale = true
	return rs.encode(r)
}

func (rs *rows) refresh(r *row) error {
	if !r.stale {
		return nil
	}
	r.val.SetZero()
	r.stale = false
	if err := rs.view.plan.Scan(r.val, r.now); err != nil {
		return fmt.Errorf("read row %q: %w", r.id, err)
	}
	return nil
}

func (rs *rows) encode(r *row) (err error) {
	r.now, err = rs.view.plan.Values(r.now[:0], r.val)
	return err
}

// put writes a row, unless it is as before.
func (rs *rows) put(tx table.Tx, r *row) error {
	if rs.view.plan.Exact() {
		if err := rs.encode(r); err != nil {
			return err
		}
	}
	if slices.Equal(r.stored, r.now) {
		return nil
	}
	if err := tx.Put(rs.view.schema, r.now); err != nil {
		return fmt.Errorf("write row %q: %w", r.id, err)
	}
	return nil
}

// end follows a transaction. What failed leaves nothing in memory.
func (rs *rows) end(committed bool) {
	if !committed {
		rs.drop()
		return
	}
	for _, r := range rs.touched {
		rs.bytes += size(r.now) - size(r.stored)
		r.stored = append(r.stored[:0], r.now...)
		r.touched = false
	}
	clear(rs.touched)
	rs.touched = rs.touched[:0]
	if len(rs.byID) > rs.view.keep || rs.bytes > keepBytes {
		rs.shrink()
	}
}

// shrink forgets the rows that the last batches did not use, or else all.
func (rs *rows) shrink() {
	for _, r := range rs.byID {
		if !r.used {
			rs.forget(r)
		}
		r.used = false
	}
	if len(rs.byID) > rs.view.keep/2 || rs.bytes > keepBytes/2 {
		rs.drop()
	}
}

func (rs *rows) drop() {
	for _, r := range rs.byID {
		rs.forget(r)
	}
	clear(rs.touched)
	rs.touched = rs.touched[:0]
}

// maxFree bounds the rows that wait to be used again.
const maxFree = 4096

func (rs *rows) forget(r *row) {
	delete(rs.byID, r.id)
	rs.bytes -= size(r.stored)
	if len(rs.free) >= maxFree {
		return
	}
	r.val.SetZero()
	clear(r.stored)
	clear(r.now)
	*r = row{ptr: r.ptr, val: r.val, stored: r.stored[:0], now: r.now[:0]}
	rs.free = append(rs.free, r)
}

func size(values []table.Value) int {
	n := len(values) * 32
	for i := range values {
		n += len(values[i].Text())
	}
	return n
}
