package tabletest

import (
	"errors"
	"fmt"
	"sync"

	"github.com/talix-dev/talix/table"
)

func updateCases() []testCase {
	return []testCase{
		{"PutReplaces", putReplaces},
		{"PutOfKeyAlone", putOfKeyAlone},
		{"DeleteRemoves", deleteRemoves},
		{"TxReadsItsOwnWrites", txReadsItsOwnWrites},
		{"FailedUpdateLeavesNothing", failedUpdateLeavesNothing},
		{"SwallowedErrorLeavesNothing", swallowedErrorLeavesNothing},
		{"PanickingUpdateLeavesNothing", panickingUpdateLeavesNothing},
		{"UpdatesRunOneAfterAnother", updatesRunOneAfterAnother},
		{"UpdateOfManyRows", updateOfManyRows},
		{"UpdateOfMissingTable", updateOfMissingTable},
	}
}

func putReplaces(f *fixture) {
	s := f.made(people())
	f.put(s, person("1", "Ada", 36), person("2", "Bob", 40))
	f.put(s, person("1", "Ada Lovelace", 37))
	f.wantRow(s, table.TextValue("1"), person("1", "Ada Lovelace", 37))
	f.put(s, []table.Value{table.TextValue("1"), table.TextValue("Ada"), {}})
	f.wantRow(s, table.TextValue("1"), []table.Value{table.TextValue("1"), table.TextValue("Ada"), {}})
	f.wantCount(2, "people")
	f.wantRows([][]table.Value{{table.TextValue("1")}}, "SELECT id FROM people WHERE name = 'Ada'")
	f.wantRows(nil, "SELECT id FROM people WHERE name = 'Ada Lovelace'")
}

func putOfKeyAlone(f *fixture) {
	s := f.made(&table.Schema{Name: "seen", Fingerprint: "1", Columns: []table.Column{{Name: "id", Kind: table.Text, Key: true}}})
	row := []table.Value{table.TextValue("1")}
	f.put(s, row, row)
	f.put(s, row)
	f.wantRow(s, row[0], row)
	f.wantCount(1, "seen")
}

func deleteRemoves(f *fixture) {
	s := f.made(people())
	f.put(s, person("1", "Ada", 36), person("2", "Bob", 40))
	remove := func(tx table.Tx) error { return tx.Delete(s, textKey("1")) }
	f.update(remove)
	f.update(remove)
	f.wantRow(s, table.TextValue("1"), nil)
	f.wantCount(1, "people")
	f.put(s, person("1", "Ada", 36))
	f.wantCount(2, "people")
}

func txReadsItsOwnWrites(f *fixture) {
	s := f.made(people())
	f.update(func(tx table.Tx) error {
		for age := range int64(5) {
			if err := tx.Put(s, person("1", "Ada", age)); err != nil {
				return err
			}
			row, err := tx.Get(s, textKey("1"))
			if err != nil || row == nil || row[2] != table.IntValue(age) {
				return fmt.Errorf("got %v (%v), want the age %d", row, err, age)
			}
		}
		if err := tx.Delete(s, textKey("1")); err != nil {
			return err
		}
		row, err := tx.Get(s, textKey("1"))
		if err != nil || row != nil {
			return fmt.Errorf("got %v (%v) after Delete", row, err)
		}
		return nil
	})
}

// broken fills a transaction with changes.
func broken(s *table.Schema, tx table.Tx) error {
	return errors.Join(
		tx.Put(s, person("1", "Eve", 1)), tx.Put(s, person("3", "Eve", 1)),
		tx.Delete(s, textKey("2")), tx.Mark("people", 0, 5, 6), tx.Mark("people", 1, 0, 6))
}

func (f *fixture) two() *table.Schema {
	s := f.made(people())
	f.put(s, person("1", "Ada", 36), person("2", "Bob", 40))
	f.move("people", 0, 0, 5)
	return s
}

func (f *fixture) wantTwo(s *table.Schema) {
	f.Helper()
	f.wantRow(s, table.TextValue("1"), person("1", "Ada", 36))
	f.wantRow(s, table.TextValue("2"), person("2", "Bob", 40))
	f.wantCount(2, "people")
	f.wantMark(5, "people", 0)
	f.wantMark(0, "people", 1)
}

func failedUpdateLeavesNothing(f *fixture) {
	s, sorry := f.two(), errors.New("sorry")
	err := f.store.Update(f.Context(), func(tx table.Tx) error {
		if err := broken(s, tx); err != nil {
			return err
		}
		return sorry
	})
	if !errors.Is(err, sorry) {
		f.Errorf("Update says %v, want the error of fn", err)
	}
	f.wantTwo(s)
}

// swallowedErrorLeavesNothing: once a call failed, there is nothing to commit.
func swallowedErrorLeavesNothing(f *fixture) {
	s := f.two()
	err := f.store.Update(f.Context(), func(tx table.Tx) error {
		if err := broken(s, tx); err != nil {
			return err
		}
		_ = tx.Put(s, nil)
		return nil
	})
	if err == nil {
		f.Error("Update committed although Put had failed")
	}
	f.wantTwo(s)
}

func panickingUpdateLeavesNothing(f *fixture) {
	s := f.two()
	func() {
		defer func() {
			if recover() == nil {
				f.Error("the panic was swallowed")
			}
		}()
		_ = f.store.Update(f.Context(), func(tx table.Tx) error {
			if err := broken(s, tx); err != nil {
				return err
			}
			panic("sorry")
		})
	}()
	f.wantTwo(s)
	f.put(s, person("3", "Cid", 50))
}

func updatesRunOneAfterAnother(f *fixture) {
	s := f.made(people())
	f.put(s, person("1", "Ada", 0))
	var writers sync.WaitGroup
	for range 8 {
		writers.Go(func() {
			for range 25 {
				if err := f.store.Update(f.Context(), birthday(s)); err != nil {
					f.Errorf("Update: %v", err)
				}
			}
		})
	}
	writers.Wait()
	f.wantRow(s, table.TextValue("1"), person("1", "Ada", 200))
}

func birthday(s *table.Schema) func(table.Tx) error {
	return func(tx table.Tx) error {
		row, err := tx.Get(s, textKey("1"))
		if err != nil {
			return err
		}
		return tx.Put(s, person("1", "Ada", row[2].Int()+1))
	}
}

func updateOfManyRows(f *fixture) {
	const n = 10_000
	s := f.made(people())
	f.update(func(tx table.Tx) error {
		for i := range n {
			if err := tx.Put(s, person(fmt.Sprintf("%05d", i), fmt.Sprint("name ", i%100), int64(i))); err != nil {
				return err
			}
		}
		return tx.Mark("people", 0, 0, n)
	})
	f.wantCount(n, "people")
	f.wantMark(n, "people", 0)
	f.wantRows([][]table.Value{{table.IntValue(100), table.IntValue(9907)}}, "SELECT count(*), max(age) FROM people WHERE name = 'name 7'")
	i := int64(0)
	for row, err := range f.store.Query(f.Context(), "SELECT id, age FROM people ORDER BY id", nil) {
		if err != nil {
			f.Fatalf("Query: %v", err)
		}
		if row[0] != table.TextValue(fmt.Sprintf("%05d", i)) || row[1] != table.IntValue(i) {
			f.Fatalf("row %d is %v", i, row)
		}
		i++
	}
	if i != n {
		f.Errorf("Query ended after %d rows of %d", i, n)
	}
}

func updateOfMissingTable(f *fixture) {
	s := people()
	for name, fn := range map[string]func(table.Tx) error{
		"Get":    func(tx table.Tx) error { _, err := tx.Get(s, textKey("1")); return err },
		"Put":    func(tx table.Tx) error { return tx.Put(s, person("1", "Ada", 1)) },
		"Delete": func(tx table.Tx) error { return tx.Delete(s, textKey("1")) },
	} {
		if err := f.store.Update(f.Context(), fn); err == nil {
			f.Errorf("%s on a table that was not made says nothing", name)
		}
	}
	f.put(f.made(s), person("1", "Ada", 1))
}
