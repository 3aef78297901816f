package project_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/talix-dev/talix/table"
)

// memTables is a table.Store in memory, without SQL.
type memTables struct {
	mu       sync.Mutex
	identity string
	schemas  map[string]table.Schema
	rows     map[string]map[string][]table.Value
	marks    map[string]map[int]int64
	updates  int
	puts     int
	gets     int
}

var _ table.Store = (*memTables)(nil)

func newTables() *memTables {
	return &memTables{schemas: map[string]table.Schema{}, rows: map[string]map[string][]table.Value{}, marks: map[string]map[int]int64{}}
}

func (m *memTables) Ensure(_ context.Context, identity string, schemas []table.Schema) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.identity != identity {
		clear(m.schemas)
		clear(m.rows)
		clear(m.marks)
	}
	m.identity = identity
	for _, s := range schemas {
		if old, ok := m.schemas[s.Name]; !ok || old.Fingerprint != s.Fingerprint || old.Writer() != s.Writer() {
			m.empty(s)
		}
	}
	return nil
}

func (m *memTables) empty(s table.Schema) {
	m.schemas[s.Name] = s
	m.rows[s.Name] = map[string][]table.Value{}
	delete(m.marks, s.Writer())
}

func (m *memTables) Made(context.Context) (map[string]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	made := map[string]string{}
	for name, s := range m.schemas {
		made[name] = s.Fingerprint
	}
	return made, nil
}

func (m *memTables) Make(ctx context.Context, made []table.Schema, fn func(table.Tx) error) error {
	m.mu.Lock()
	schemas, rows, marks := maps.Clone(m.schemas), maps.Clone(m.rows), maps.Clone(m.marks)
	for _, s := range made {
		for name, old := range schemas {
			if old.Writer() == s.Writer() {
				delete(m.schemas, name)
				delete(m.rows, name)
			}
		}
	}
	for _, s := range made {
		m.empty(s)
	}
	m.mu.Unlock()
	if fn == nil {
		return nil
	}
	err := m.Update(ctx, fn)
	if err != nil {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.schemas, m.rows, m.marks = schemas, rows, marks
	}
	return err
}

func (m *memTables) Drop(_ context.Context, tables, views []string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, name := range tables {
		delete(m.schemas, name)
		delete(m.rows, name)
	}
	for _, name := range views {
		delete(m.marks, name)
	}
	return nil
}

func (m *memTables) Replace(ctx context.Context, as, by []table.Schema, fn func(table.Tx) error) error {
	m.mu.Lock()
	schemas, rows, marks := maps.Clone(m.schemas), maps.Clone(m.rows), maps.Clone(m.marks)
	for name, s := range schemas {
		if s.Writer() == as[0].Writer() {
			delete(m.schemas, name)
			delete(m.rows, name)
		}
	}
	for i, s := range as {
		m.schemas[s.Name], m.rows[s.Name] = s, m.rows[by[i].Name]
		delete(m.schemas, by[i].Name)
		delete(m.rows, by[i].Name)
	}
	m.marks[as[0].Writer()] = m.marks[by[0].Writer()]
	delete(m.marks, by[0].Writer())
	m.mu.Unlock()
	err := m.Update(ctx, fn)
	if err != nil {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.schemas, m.rows, m.marks = schemas, rows, marks
	}
	return err
}

func (m *memTables) Mark(_ context.Context, view string, partition int) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.marks[view][partition], nil
}

func (m *memTables) Update(ctx context.Context, fn func(table.Tx) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	tx := &memTx{m: m}
	err := fn(tx)
	if err == nil {
		err = tx.failed
	}
	if err != nil {
		for _, undo := range slices.Backward(tx.undo) {
			undo()
		}
		return err
	}
	if tx.moved {
		m.updates++
	}
	return nil
}

func (m *memTables) Prepare(context.Context, string, []table.Schema) (table.Statement, error) {
	return table.Statement{}, errors.ErrUnsupported
}

func (m *memTables) Query(context.Context, string, []table.Arg) iter.Seq2[[]table.Value, error] {
	return func(yield func([]table.Value, error) bool) { yield(nil, errors.ErrUnsupported) }
}

func (m *memTables) Close() error { return nil }

// dump is a copy of a table's rows by the text of the first column.
func (m *memTables) dump(name string) map[string][]table.Value {
	m.mu.Lock()
	defer m.mu.Unlock()
	rows := map[string][]table.Value{}
	for _, row := range m.rows[name] {
		rows[row[0].Text()] = row
	}
	return rows
}

// counts are the transactions that moved marks, and the rows of views that were put and read.
func (m *memTables) counts() (updates, puts, gets int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.updates, m.puts, m.gets
}

type memTx struct {
	m      *memTables
	undo   []func()
	failed error
	moved  bool // a mark
}

func keyed(values []table.Value) string {
	var b []byte
	for _, v := range values {
		b = append(b, byte('0'+v.Kind()))
		b = append(fmt.Appendf(b, "%016x ", uint64(v.Int())), v.Text()...)
		b = append(b, 0)
	}
	return string(b)
}

func keyOf(s *table.Schema, row []table.Value) (key []table.Value) {
	for _, i := range s.Key() {
		key = append(key, row[i])
	}
	return key
}

func own(s *table.Schema) int {
	if strings.HasPrefix(s.Name, "talix_") {
		return 0
	}
	return 1
}

func (t *memTx) Get(s *table.Schema, key []table.Value) ([]table.Value, error) {
	t.m.gets += own(s)
	return slices.Clone(t.m.rows[s.Name][keyed(key)]), nil
}

func (t *memTx) Scan(s *table.Schema, prefix []table.Value) iter.Seq2[[]table.Value, error] {
	return func(yield func([]table.Value, error) bool) {
		rows := t.m.rows[s.Name]
		for _, k := range slices.Sorted(maps.Keys(rows)) {
			if key := keyOf(s, rows[k]); slices.Equal(key[:len(prefix)], prefix) && !yield(slices.Clone(rows[k]), nil) {
				return
			}
		}
	}
}

func (t *memTx) Put(s *table.Schema, row []table.Value) error {
	t.m.puts += own(s)
	rows, key := t.m.rows[s.Name], keyed(keyOf(s, row))
	for _, x := range s.Indexes {
		for other, values := range rows {
			if x.Unique && other != key && same(s, x, values, row) {
				t.failed = table.ErrConstraint
				return t.failed
			}
		}
	}
	t.restore(rows, key)
	rows[key] = slices.Clone(row)
	return nil
}

// same tells whether two rows have the same values in an index.
func same(s *table.Schema, x table.Index, a, b []table.Value) bool {
	for i, c := range s.Columns {
		if slices.Contains(x.Columns, c.Name) && (a[i] != b[i] || a[i].Kind() == table.Null) {
			return false
		}
	}
	return true
}

func (t *memTx) Delete(s *table.Schema, key []table.Value) error {
	rows := t.m.rows[s.Name]
	t.restore(rows, keyed(key))
	delete(rows, keyed(key))
	return nil
}

func (t *memTx) restore(rows map[string][]table.Value, key string) {
	old, ok := rows[key]
	t.undo = append(t.undo, func() {
		if delete(rows, key); ok {
			rows[key] = old
		}
	})
}

func (t *memTx) Mark(view string, partition int, from, to int64) error {
	if t.m.marks[view] == nil {
		t.m.marks[view] = map[int]int64{}
	}
	marks := t.m.marks[view]
	old := marks[partition]
	if old != from {
		t.failed = table.ErrMark
		return t.failed
	}
	t.undo = append(t.undo, func() { marks[partition] = old })
	marks[partition] = to
	t.moved = t.moved || from != to
	return nil
}

var errInjected = errors.New("injected failure")

// faulty fails some of the calls to a store: before, in mid-transaction, or
// after the commit, so that the reply is lost.
type faulty struct {
	table.Store
	mu     sync.Mutex
	chance func(n int) int // a number below n
	off    bool
}

func (f *faulty) draw() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.off {
		return -1
	}
	return f.chance(6)
}

func (f *faulty) heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.off = true
}

func (f *faulty) Update(ctx context.Context, fn func(table.Tx) error) error {
	switch f.draw() {
	case 0:
		return errInjected
	case 1:
		return f.Store.Update(ctx, func(tx table.Tx) error { return errors.Join(fn(tx), errInjected) })
	case 2:
		return errors.Join(f.Store.Update(ctx, fn), errInjected)
	}
	return f.Store.Update(ctx, fn)
}

func (f *faulty) Mark(ctx context.Context, view string, partition int) (int64, error) {
	if f.draw() == 0 {
		return 0, errInjected
	}
	return f.Store.Mark(ctx, view, partition)
}
