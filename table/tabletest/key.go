package tabletest

import (
	"errors"
	"iter"
	"slices"

	"github.com/talix-dev/talix/table"
)

func keyCases() []testCase {
	return []testCase{
		{"KeysOfSeveralColumns", keysOfSeveralColumns},
		{"ScanReadsUnderAPrefix", scanReadsUnderAPrefix},
		{"ScanSeesItsOwnWrites", scanSeesItsOwnWrites},
		{"WrongKeysAreRefused", wrongKeysAreRefused},
		{"IndexesOverSeveralColumns", indexesOverSeveralColumns},
		{"UniqueIndexes", uniqueIndexes},
	}
}

// lines has a key of two columns, which do not stand side by side.
func lines() *table.Schema {
	return &table.Schema{
		Name: "lines", Fingerprint: "1",
		Columns: []table.Column{
			{Name: "ordered", Kind: table.Text, Key: true},
			{Name: "item", Kind: table.Text},
			{Name: "line", Kind: table.Int, Key: true},
			{Name: "code", Kind: table.Text, Null: true},
		},
		Indexes: []table.Index{{Columns: []string{"item", "line"}}, {Columns: []string{"ordered", "code"}, Unique: true}},
	}
}

func line(ordered string, n int64, item string, code ...string) []table.Value {
	row := []table.Value{table.TextValue(ordered), table.TextValue(item), table.IntValue(n), {}}
	if len(code) > 0 {
		row[3] = table.TextValue(code[0])
	}
	return row
}

func lineKey(ordered string, n int64) []table.Value {
	return []table.Value{table.TextValue(ordered), table.IntValue(n)}
}

func keysOfSeveralColumns(f *fixture) {
	s := f.made(lines())
	f.put(s, line("a", 1, "pen"), line("a", 2, "ink"), line("b", 1, "cap"))
	f.put(s, line("a", 2, "inks"))
	f.update(func(tx table.Tx) error {
		row, err := tx.Get(s, lineKey("a", 2))
		if err == nil && !slices.Equal(row, line("a", 2, "inks")) {
			f.Errorf("Get is %v", row)
		}
		none, err2 := tx.Get(s, lineKey("b", 2))
		if none != nil {
			f.Errorf("Get of no row is %v", none)
		}
		return errors.Join(err, err2, tx.Delete(s, lineKey("a", 1)), tx.Delete(s, lineKey("b", 2)))
	})
	f.wantRows([][]table.Value{line("a", 2, "inks"), line("b", 1, "cap")}, "SELECT * FROM lines ORDER BY ordered, line")
}

func (f *fixture) scanned(all iter.Seq2[[]table.Value, error]) (rows [][]table.Value) {
	f.Helper()
	for row, err := range all {
		if err != nil {
			f.Fatalf("Scan: %v", err)
		}
		rows = append(rows, slices.Clone(row))
	}
	return rows
}

func scanReadsUnderAPrefix(f *fixture) {
	s := f.made(lines())
	a1, a2, a10, b1 := line("a", 1, "z"), line("a", 2, "y"), line("a", 10, "x"), line("b", 1, "w")
	f.put(s, a10, b1, a2, a1)
	f.update(func(tx table.Tx) error {
		for _, c := range []struct {
			prefix []table.Value
			want   [][]table.Value
		}{
			{nil, [][]table.Value{a1, a2, a10, b1}},
			{[]table.Value{table.TextValue("a")}, [][]table.Value{a1, a2, a10}},
			{lineKey("a", 10), [][]table.Value{a10}},
			{[]table.Value{table.TextValue("")}, nil},
			{[]table.Value{table.TextValue("A")}, nil},
		} {
			if got := f.scanned(tx.Scan(s, c.prefix)); !slices.EqualFunc(got, c.want, slices.Equal) {
				f.Errorf("Scan under %v is %v, want %v", c.prefix, got, c.want)
			}
		}
		for _, err := range tx.Scan(s, nil) {
			return errors.Join(err, tx.Put(s, b1)) // a loop that ends early harms nothing
		}
		return nil
	})
}

func scanSeesItsOwnWrites(f *fixture) {
	s := f.made(lines())
	f.put(s, line("a", 1, "pen"), line("a", 2, "ink"))
	f.update(func(tx table.Tx) error {
		err := errors.Join(tx.Delete(s, lineKey("a", 1)), tx.Put(s, line("a", 3, "cap")))
		want := [][]table.Value{line("a", 2, "ink"), line("a", 3, "cap")}
		if got := f.scanned(tx.Scan(s, []table.Value{table.TextValue("a")})); !slices.EqualFunc(got, want, slices.Equal) {
			f.Errorf("Scan is %v, want %v", got, want)
		}
		return err
	})
}

func wrongKeysAreRefused(f *fixture) {
	s := f.made(lines())
	long := append(lineKey("a", 1), table.IntValue(1))
	for _, key := range [][]table.Value{nil, lineKey("a", 1)[:1], long, {table.IntValue(1), table.IntValue(1)}, {{}, {}}} {
		for name, fn := range map[string]func(tx table.Tx) error{
			"Get":    func(tx table.Tx) error { _, err := tx.Get(s, key); return err },
			"Delete": func(tx table.Tx) error { return tx.Delete(s, key) },
		} {
			if err := f.store.Update(f.Context(), fn); err == nil {
				f.Errorf("%s took the key %v", name, key)
			}
		}
	}
	err := f.store.Update(f.Context(), func(tx table.Tx) error {
		for _, err := range tx.Scan(s, long) {
			return err
		}
		return nil
	})
	if err == nil {
		f.Errorf("Scan took the prefix %v", long)
	}
}

func indexesOverSeveralColumns(f *fixture) {
	s := f.made(lines())
	f.put(s, line("a", 2, "pen"), line("b", 1, "pen"))
	f.wantRows([][]table.Value{line("b", 1, "pen"), line("a", 2, "pen")}, "SELECT * FROM lines WHERE item = 'pen' ORDER BY line")
}

// uniqueIndexes: NULL differs from NULL.
func uniqueIndexes(f *fixture) {
	s := f.made(lines())
	f.put(s, line("a", 1, "x", "1"), line("a", 2, "x"), line("a", 3, "x"), line("b", 1, "x", "1"))
	for _, swallow := range []bool{false, true} {
		err := f.store.Update(f.Context(), func(tx table.Tx) error {
			err := tx.Put(s, line("a", 9, "x", "1"))
			if swallow {
				return nil
			}
			return err
		})
		if !errors.Is(err, table.ErrConstraint) {
			f.Errorf("Update says %v, want %v", err, table.ErrConstraint)
		}
	}
	f.wantCount(4, "lines")
	f.update(func(tx table.Tx) error {
		return errors.Join(tx.Put(s, line("a", 1, "x", "2")), tx.Put(s, line("a", 2, "x", "1")), tx.Put(s, line("a", 1, "x", "2")))
	})
	f.wantRows([][]table.Value{line("a", 2, "x", "1")}, "SELECT * FROM lines WHERE code = '1' AND ordered = 'a'")
}
