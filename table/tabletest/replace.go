package tabletest

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/talix-dev/talix/table"
)

func replaceCases() []testCase {
	return []testCase{
		{"ReplaceSwitches", replaceSwitches},
		{"ReplaceOfSeveralTables", replaceOfSeveralTables},
		{"ReplaceAgain", replaceAgain},
		{"FailedReplaceLeavesAll", failedReplaceLeavesAll},
		{"ReplaceIsSeenWhole", replaceIsSeenWhole},
	}
}

// next is a table that is to take the place of people, with other columns.
func next() (as, by *table.Schema) {
	as, by = people(), people()
	as.Columns = append(slices.Clone(as.Columns), table.Column{Name: "mail", Kind: table.Text, Index: true})
	as.Fingerprint = "2"
	*by = *as
	by.Name = "next_people"
	return as, by
}

func mailed(id, name, mail string) []table.Value {
	return append(person(id, name, 1), table.TextValue(mail))
}

func replaceSwitches(f *fixture) {
	f.two()
	as, by := next()
	f.ensure(identity, *by)
	f.put(by, mailed("1", "Eve", "eve@example.org"))
	f.move("next_people", 0, 0, 3)
	f.move("next_people", 4, 0, 9)
	err := f.store.Replace(f.Context(), []table.Schema{*as}, []table.Schema{*by}, func(tx table.Tx) error {
		return errors.Join(tx.Put(as, mailed("2", "Fay", "fay@example.org")), tx.Mark("people", 0, 3, 4))
	})
	if err != nil {
		f.Fatalf("Replace: %v", err)
	}
	f.wantRows([][]table.Value{mailed("1", "Eve", "eve@example.org"), mailed("2", "Fay", "fay@example.org")}, "SELECT * FROM people ORDER BY id")
	f.wantMark(4, "people", 0)
	f.wantMark(9, "people", 4)
	f.wantMark(0, "next_people", 0)
	f.wantMade(map[string]string{"people": "2"})
	if _, err := collect(f.Context(), f.store, "SELECT * FROM next_people"); err == nil {
		f.Error("Query found the table under its old name")
	}
	f.ensure(identity, *as)
	f.wantCount(2, "people")
	f.put(as, mailed("2", "Gil", "gil@example.org"))
	f.wantRow(as, table.TextValue("2"), mailed("2", "Gil", "gil@example.org"))
}

// replaceOfSeveralTables, of which some are new and some go.
func replaceOfSeveralTables(f *fixture) {
	view := func(view string, names ...string) (all []table.Schema) {
		for _, name := range names {
			s := *people()
			s.Name, s.View, s.Fingerprint = name, view, view
			all = append(all, s)
		}
		return all
	}
	old, by, as := view("book", "a", "b"), view("next", "na", "nc"), view("book", "a", "c")
	as[0].Fingerprint, as[1].Fingerprint = "next", "next"
	f.ensure(identity, append(old, by...)...)
	f.ensure(identity, *people())
	f.put(&by[0], person("1", "Ada", 1))
	f.put(&by[1], person("1", "Bob", 1))
	f.move("book", 0, 0, 7)
	f.move("book", 1, 0, 7)
	f.move("next", 0, 0, 5)
	if err := f.store.Replace(f.Context(), as, by, func(table.Tx) error { return nil }); err != nil {
		f.Fatalf("Replace: %v", err)
	}
	f.wantMade(map[string]string{"a": "next", "c": "next", "people": "1"})
	f.wantRow(&as[0], table.TextValue("1"), person("1", "Ada", 1))
	f.wantRow(&as[1], table.TextValue("1"), person("1", "Bob", 1))
	f.wantMark(5, "book", 0)
	f.wantMark(0, "book", 1)
}

// replaceAgain: nothing of the table that went is in the way of the next one.
func replaceAgain(f *fixture) {
	f.made(people())
	for i := range int64(3) {
		as, by := next()
		f.ensure(identity, *by)
		f.wantCount(0, "next_people")
		f.put(by, append(person("1", "Ada", i), table.TextValue("x")))
		if err := f.store.Replace(f.Context(), []table.Schema{*as}, []table.Schema{*by}, func(table.Tx) error { return nil }); err != nil {
			f.Fatalf("Replace: %v", err)
		}
		f.wantRows([][]table.Value{{table.IntValue(i)}}, "SELECT age FROM people")
	}
}

func failedReplaceLeavesAll(f *fixture) {
	s := f.two()
	as, by := next()
	f.ensure(identity, *by)
	f.put(by, mailed("1", "Eve", "eve@example.org"))
	f.move("next_people", 0, 0, 3)
	sorry := errors.New("sorry")
	err := f.store.Replace(f.Context(), []table.Schema{*as}, []table.Schema{*by}, func(tx table.Tx) error {
		return errors.Join(tx.Put(as, mailed("2", "Fay", "fay@example.org")), sorry)
	})
	if !errors.Is(err, sorry) {
		f.Errorf("Replace says %v, want the error of fn", err)
	}
	missing := *by
	missing.Name = "nowhere"
	if err := f.store.Replace(f.Context(), []table.Schema{*as}, []table.Schema{missing}, func(table.Tx) error { return nil }); err == nil {
		f.Error("Replace took a table that is not there")
	}
	f.wantTwo(s)
	f.wantCount(1, "next_people")
	f.wantMark(3, "next_people", 0)
	f.wantMade(map[string]string{"people": "1", "next_people": "2"})
}

// replaceIsSeenWhole: queries that run meanwhile see the old rows or the new
// ones.
func replaceIsSeenWhole(f *fixture) {
	f.two()
	var done atomic.Bool
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for !done.Load() {
				rows, err := collect(f.Context(), f.store, "SELECT name FROM people WHERE id = '1'")
				if err != nil || len(rows) != 1 {
					f.Errorf("Query is %v (%v), want one row", rows, err)
					return
				}
			}
		})
	}
	for range 10 {
		as, by := next()
		f.ensure(identity, *by)
		f.put(by, mailed("1", "Eve", "x"))
		if err := f.store.Replace(f.Context(), []table.Schema{*as}, []table.Schema{*by}, func(table.Tx) error { return nil }); err != nil {
			f.Errorf("Replace: %v", err)
		}
	}
	done.Store(true)
	readers.Wait()
}
