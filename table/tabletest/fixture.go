package tabletest

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/talix-dev/talix/table"
)

// fixture is one case's store.
type fixture struct {
	*testing.T
	store  table.Store
	closed bool
}

func (f *fixture) close() {
	f.Helper()
	if f.closed {
		return
	}
	f.closed = true
	if err := f.store.Close(); err != nil {
		f.Errorf("close store: %v", err)
	}
}

const identity = "01890a5d-ac96-774b-bcce-b302099a8057"

// people is the table that most cases use.
func people() *table.Schema {
	return &table.Schema{Name: "people", Fingerprint: "1", Columns: []table.Column{
		{Name: "id", Kind: table.Text, Key: true},
		{Name: "name", Kind: table.Text, Index: true},
		{Name: "age", Kind: table.Int, Null: true},
	}}
}

func person(id, name string, age int64) []table.Value {
	return []table.Value{table.TextValue(id), table.TextValue(name), table.IntValue(age)}
}

// made is a table that Ensure has made.
func (f *fixture) made(s *table.Schema) *table.Schema {
	f.Helper()
	f.ensure(identity, *s)
	return s
}

func (f *fixture) ensure(identity string, schemas ...table.Schema) {
	f.Helper()
	if err := f.store.Ensure(f.Context(), identity, schemas); err != nil {
		f.Fatalf("Ensure: %v", err)
	}
}

func (f *fixture) update(fn func(tx table.Tx) error) {
	f.Helper()
	if err := f.store.Update(f.Context(), fn); err != nil {
		f.Fatalf("Update: %v", err)
	}
}

func (f *fixture) put(s *table.Schema, rows ...[]table.Value) {
	f.Helper()
	f.update(func(tx table.Tx) error {
		for _, row := range rows {
			if err := tx.Put(s, row); err != nil {
				return err
			}
		}
		return nil
	})
}

// get reads a row in a transaction of its own.
func (f *fixture) get(s *table.Schema, key table.Value) (row []table.Value) {
	f.Helper()
	f.update(func(tx table.Tx) (err error) {
		row, err = tx.Get(s, []table.Value{key})
		return err
	})
	return row
}

func (f *fixture) wantRow(s *table.Schema, key table.Value, want []table.Value) {
	f.Helper()
	if got := f.get(s, key); !slices.Equal(got, want) || (got == nil) != (want == nil) {
		f.Errorf("Get(%v) is %v, want %v", key, got, want)
	}
}

// query collects all rows.
func (f *fixture) query(sql string, args ...table.Arg) [][]table.Value {
	f.Helper()
	rows, err := collect(f.Context(), f.store, sql, args...)
	if err != nil {
		f.Fatalf("Query %s: %v", sql, err)
	}
	return rows
}

func collect(ctx context.Context, s table.Store, sql string, args ...table.Arg) ([][]table.Value, error) {
	var rows [][]table.Value
	for row, err := range s.Query(ctx, sql, args) {
		if err != nil {
			if row != nil {
				err = errors.Join(err, errors.New("the error came with a row"))
			}
			return rows, err
		}
		rows = append(rows, slices.Clone(row))
	}
	return rows, nil
}

func (f *fixture) wantRows(want [][]table.Value, sql string, args ...table.Arg) {
	f.Helper()
	if got := f.query(sql, args...); !slices.EqualFunc(got, want, slices.Equal) {
		f.Errorf("Query %s is %v, want %v", sql, got, want)
	}
}

func (f *fixture) wantCount(want int64, name string) {
	f.Helper()
	f.wantRows([][]table.Value{{table.IntValue(want)}}, "SELECT count(*) FROM "+name)
}

func (f *fixture) wantMark(want int64, view string, partition int) {
	f.Helper()
	got, err := f.store.Mark(f.Context(), view, partition)
	if err != nil || got != want {
		f.Errorf("Mark(%s, %d) is %d (%v), want %d", view, partition, got, err, want)
	}
}

func (f *fixture) move(view string, partition int, from, to int64) {
	f.Helper()
	f.update(func(tx table.Tx) error { return tx.Mark(view, partition, from, to) })
}

// textKey is the key of a row in people.
func textKey(id string) []table.Value { return []table.Value{table.TextValue(id)} }

func arg(name string, v table.Value) table.Arg { return table.Arg{Name: name, Value: v} }
