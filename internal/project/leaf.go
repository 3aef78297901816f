package project

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/rowmap"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/table"
)

// leaf is the part of one table that is in memory.
type leaf struct {
	rs      *rows
	sheet   *sheet
	schema  *table.Schema
	history *table.Schema // nil: none is kept
	exact   bool          // rows are encoded when they are written, and not after each event
	rows    map[string]*row
	touched []*row // by this batch, in order of the first event
	past    [][]table.Value
	undo    []saved       // what the event under way has changed
	scratch reflect.Value // a row for keys
	free    []*row        // to be used again
}

// row is one row, or the absence of it.
type row struct {
	name    string // its key as text
	key     []table.Value
	ptr     any            // *R
	val     reflect.Value  // what ptr points to
	stored  []table.Value  // as in the table; empty if it is not there
	now     []table.Value  // as of the last event; if exact, as of the last writing
	exists  bool           // as of the last event
	stale   bool           // val has to be read from now
	touched bool           // by this batch
	used    bool           // by the batch before, or this one
	event   uint64         // the last one that changed it
	since   store.Position // valid_from
	kept    store.Position // since, as stored
}

// saved is a row as it was before an event.
type saved struct {
	row    *row
	val    reflect.Value
	now    []table.Value
	exists bool
	stale  bool
	since  store.Position
}

func newLeaf(rs *rows, s *sheet, schema, history *table.Schema) *leaf {
	return &leaf{
		rs: rs, sheet: s, schema: schema, history: history, exact: s.plan.Exact() && history == nil,
		rows: map[string]*row{}, scratch: reflect.New(s.def.Row).Elem(),
	}
}

// byID finds the row of an entity.
func (l *leaf) byID(id string) (*row, error) {
	if r := l.rows[id]; r != nil {
		return l.touch(r), nil
	}
	key, err := l.sheet.plan.KeyFromID(nil, l.scratch, id)
	if err != nil {
		return nil, err
	}
	return l.find(key)
}

// byKey finds the row that a value of the user's names. If it is not there and
// is to be made, it begins with what that value says.
func (l *leaf) byKey(k *rowmap.Keyer, value any, make bool) (*row, error) {
	l.scratch.SetZero()
	key, err := k.Key(nil, l.scratch, value)
	if err != nil {
		return nil, err
	}
	r, err := l.find(key)
	if err == nil && make && !r.exists {
		l.save(r)
		r.val.Set(l.scratch)
		r.stale = false
	}
	return r, err
}

// of finds the row with the key fields of another.
func (l *leaf) of(value any) (*row, error) {
	l.scratch.Set(reflect.ValueOf(value))
	key, err := l.sheet.plan.KeyOf(nil, l.scratch)
	if err != nil {
		return nil, err
	}
	return l.find(key)
}

// find finds a row in memory or in the table.
func (l *leaf) find(key []table.Value) (*row, error) {
	name := nameOf(key)
	if r := l.rows[name]; r != nil {
		return l.touch(r), nil
	}
	r := l.fresh()
	r.name, r.key = name, key
	if !l.rs.complete {
		if err := l.read(r); err != nil {
			return nil, l.rs.failWith(fmt.Errorf("read row %q: %w", name, err))
		}
	}
	l.rows[name] = r
	return l.touch(r), nil
}

func (l *leaf) touch(r *row) *row {
	if !r.touched {
		r.touched, r.used = true, true
		l.touched = append(l.touched, r)
	}
	return r
}

// nameOf is a key as text: that of one text is the text itself.
func nameOf(key []table.Value) string {
	if len(key) == 1 && key[0].Kind() == table.Text {
		return key[0].Text()
	}
	var b []byte
	for _, v := range key {
		switch v.Kind() {
		case table.Int:
			b = binary.BigEndian.AppendUint64(b, uint64(v.Int())^1<<63)
		case table.Float:
			b = binary.BigEndian.AppendUint64(b, math.Float64bits(v.Float()))
		default:
			b = binary.AppendUvarint(b, uint64(len(v.Text())))
			b = append(b, v.Text()...)
		}
	}
	return string(b)
}

func (l *leaf) fresh() *row {
	if n := len(l.free); n > 0 {
		r := l.free[n-1]
		l.free = l.free[:n-1]
		return r
	}
	ptr := l.sheet.def.NewRow()
	return &row{ptr: ptr, val: reflect.ValueOf(ptr).Elem()}
}

func (l *leaf) read(r *row) error {
	values, err := l.rs.tx.Get(l.schema, r.key)
	if err != nil {
		return err
	}
	l.hold(r, values)
	return l.readSince(l.rs.tx, r)
}

// readSince finds since when a row is as it is.
func (l *leaf) readSince(tx table.Tx, r *row) error {
	if l.history == nil || !r.exists {
		return nil
	}
	last, err := tx.Get(l.history, presentKey(r.key))
	if err == nil && last == nil {
		err = errors.New("its history has no present row: rebuild the view")
	}
	if err == nil {
		r.since = store.Position(last[len(last)-2].Int())
		r.kept = r.since
	}
	return err
}

// presentKey is the key of a row in its history.
func presentKey(key []table.Value) []table.Value {
	return append(slices.Clone(key), table.IntValue(present))
}

// hold takes a row as it is stored.
func (l *leaf) hold(r *row, values []table.Value) {
	r.stored = append(r.stored[:0], values...)
	r.now = append(r.now[:0], values...)
	l.rs.bytes += size(r.stored)
	r.exists = len(values) > 0
	r.stale = r.exists
}

// adopt brings a row of the table into memory.
func (l *leaf) adopt(values []table.Value) {
	var key []table.Value
	for _, i := range l.sheet.plan.Key() {
		key = append(key, values[i])
	}
	r := l.fresh()
	r.name, r.key = nameOf(key), key
	l.hold(r, values)
	l.rows[r.name] = r
}

// adoptHistory finds since when the rows in memory are as they are.
func (l *leaf) adoptHistory(tx table.Tx) error {
	for _, r := range l.rows {
		if err := l.readSince(tx, r); err != nil {
			return fmt.Errorf("read row %q: %w", r.name, err)
		}
	}
	return nil
}

// change applies a projection to a row, which then is as if it had been written
// and read: what an event does may not depend on where batches end.
func (l *leaf) change(r *row, o *op, f *registry.Fact) error {
	if o.Remove != nil && !r.exists {
		return nil
	}
	l.save(r)
	if err := l.refresh(r); err != nil {
		return err
	}
	if err := l.sheet.plan.SetKey(r.val, r.key); err != nil {
		return err
	}
	gone, err := o.run(r.ptr, f)
	if err != nil {
		return err
	}
	if gone {
		l.remove(r)
		return nil
	}
	return l.changed(r)
}

// changed takes what is in val for the row.
func (l *leaf) changed(r *row) error {
	if err := l.sheet.plan.SetKey(r.val, r.key); err != nil {
		return err
	}
	r.exists = true
	if l.sheet.plan.Exact() {
		if err := l.sheet.plan.Settle(r.val); err != nil {
			return err
		}
	}
	if l.exact {
		return nil
	}
	r.stale = !l.sheet.plan.Exact()
	return l.encode(r)
}

func (l *leaf) remove(r *row) {
	r.exists, r.stale = false, false
	r.now = r.now[:0]
	r.val.SetZero()
}

// refresh brings the row into val.
func (l *leaf) refresh(r *row) error {
	if !r.stale {
		return nil
	}
	r.val.SetZero()
	r.stale = false
	if err := l.sheet.plan.Scan(r.val, r.now); err != nil {
		return fmt.Errorf("read row %q: %w", r.name, err)
	}
	return nil
}

func (l *leaf) encode(r *row) (err error) {
	r.now, err = l.sheet.plan.Values(r.now[:0], r.val)
	return err
}

// write stores the rows that changed, in the order of their keys where they are
// many: that is how the table is laid out.
func (l *leaf) write(tx table.Tx) error {
	if len(l.touched) > 256 {
		slices.SortFunc(l.touched, func(a, b *row) int { return strings.Compare(a.name, b.name) })
	}
	for _, values := range l.past {
		if err := tx.Put(l.history, values); err != nil {
			return fmt.Errorf("write history: %w", err)
		}
	}
	clear(l.past)
	l.past = l.past[:0]
	for _, r := range l.touched {
		if err := l.put(tx, r); err != nil {
			return fmt.Errorf("write row %q: %w", r.name, err)
		}
	}
	return nil
}

// put writes a row, unless it is as before.
func (l *leaf) put(tx table.Tx, r *row) error {
	if l.exact && r.exists && !r.stale {
		if err := l.encode(r); err != nil {
			return err
		}
	}
	if !r.exists {
		r.now = r.now[:0]
	}
	if slices.Equal(r.stored, r.now) && r.since == r.kept {
		return nil
	}
	if err := l.store(tx, r); err != nil {
		return err
	}
	l.rs.bytes += size(r.now) - size(r.stored)
	r.stored, r.kept = append(r.stored[:0], r.now...), r.since
	return nil
}

func (l *leaf) store(tx table.Tx, r *row) error {
	if len(r.now) == 0 {
		if err := tx.Delete(l.schema, r.key); err != nil || l.history == nil {
			return err
		}
		return tx.Delete(l.history, presentKey(r.key))
	}
	if err := tx.Put(l.schema, r.now); err != nil || l.history == nil {
		return err
	}
	return tx.Put(l.history, past(r.now, l.rs.partition, r.since, present))
}

// settle follows a transaction that was committed.
func (l *leaf) settle() {
	for _, r := range l.touched {
		r.touched = false
	}
	clear(l.touched)
	l.touched = l.touched[:0]
}

func (l *leaf) drop() {
	for _, r := range l.rows {
		l.forget(r)
	}
	clear(l.touched)
	clear(l.past)
	l.touched, l.past, l.undo = l.touched[:0], l.past[:0], l.undo[:0]
}

// maxFree bounds the rows that wait to be used again.
const maxFree = 4096

func (l *leaf) forget(r *row) {
	delete(l.rows, r.name)
	l.rs.bytes -= size(r.stored)
	if len(l.free) >= maxFree {
		return
	}
	r.val.SetZero()
	clear(r.stored)
	clear(r.now)
	*r = row{ptr: r.ptr, val: r.val, stored: r.stored[:0], now: r.now[:0]}
	l.free = append(l.free, r)
}

func size(values []table.Value) int {
	n := len(values) * 32
	for i := range values {
		n += len(values[i].Text())
	}
	return n
}
