package project_test

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"sync"

	"github.com/talix-dev/talix/table"
)

// memTables is a table.Store in memory, without SQL.
type memTables struct {
	mu       sync.Mutex
	identity string
	prints   map[string]string
	rows     map[string]map[table.Value][]table.Value
	marks    map[string]map[int]int64
	updates  int
	puts     int
	gets     int
}

var _ table.Store = (*memTables)(nil)

func newTables() *memTables {
	return &memTables{prints: map[string]string{}, rows: map[string]map[table.Value][]table.Value{}, marks: map[string]map[int]int64{}}
}

func (m *memTables) Ensure(_ context.Context, identity string, schemas []table.Schema) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range schemas {
		if m.prints[s.Name] != s.Fingerprint || m.identity != identity {
			m.empty(s)
		}
	}
	m.identity = identity
	return nil
}

func (m *memTables) empty(s table.Schema) {
	m.prints[s.Name] = s.Fingerprint
	m.rows[s.Name] = map[table.Value][]table.Value{}
	m.marks[s.Name] = map[int]int64{}
}

func (m *memTables) Reset(_ context.Context, s table.Schema) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.empty(s)
	return nil
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
	if err := fn(tx); err != nil {
		for _, undo := range slices.Backward(tx.undo) {
			undo()
		}
		return err
	}
	m.updates++
	return nil
}

func (m *memTables) Prepare(context.Context, string) (table.Statement, error) {
	return table.Statement{}, errors.ErrUnsupported
}

func (m *memTables) Query(context.Context, string, []table.Arg) iter.Seq2[[]table.Value, error] {
	return func(yield func([]table.Value, error) bool) { yield(nil, errors.ErrUnsupported) }
}

func (m *memTables) Close() error { return nil }

// dump is a copy of a table's rows by key.
func (m *memTables) dump(name string) map[string][]table.Value {
	m.mu.Lock()
	defer m.mu.Unlock()
	rows := map[string][]table.Value{}
	for k, row := range maps.All(m.rows[name]) {
		rows[k.Text()] = row
	}
	return rows
}

func (m *memTables) counts() (updates, puts, gets int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.updates, m.puts, m.gets
}

type memTx struct {
	m    *memTables
	undo []func()
}

func (t *memTx) Get(s *table.Schema, key table.Value) ([]table.Value, error) {
	t.m.gets++
	return slices.Clone(t.m.rows[s.Name][key]), nil
}

func (t *memTx) Put(s *table.Schema, row []table.Value) error {
	t.m.puts++
	rows, key := t.m.rows[s.Name], row[s.Key()]
	t.restore(rows, key)
	rows[key] = slices.Clone(row)
	return nil
}

func (t *memTx) Delete(s *table.Schema, key table.Value) error {
	rows := t.m.rows[s.Name]
	t.restore(rows, key)
	delete(rows, key)
	return nil
}

func (t *memTx) restore(rows map[table.Value][]table.Value, key table.Value) {
	old, ok := rows[key]
	t.undo = append(t.undo, func() {
		if delete(rows, key); ok {
			rows[key] = old
		}
	})
}

func (t *memTx) Mark(view string, partition int, from, to int64) error {
	marks := t.m.marks[view]
	old := marks[partition]
	if old != from {
		return table.ErrMark
	}
	t.undo = append(t.undo, func() { marks[partition] = old })
	marks[partition] = to
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
