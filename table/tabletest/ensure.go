package tabletest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/talix-dev/talix/table"
)

func ensureCases() []testCase {
	return []testCase{
		{"EnsureMakesTables", ensureMakesTables},
		{"EnsureKeepsRows", ensureKeepsRows},
		{"EnsureRemakesChangedTable", ensureRemakesChangedTable},
		{"EnsureRemakesForAnotherLog", ensureRemakesForAnotherLog},
		{"EnsureForgetsUnnamedOfAnotherLog", ensureForgetsUnnamedOfAnotherLog},
		{"EnsureIsAllOrNothing", ensureIsAllOrNothing},
		{"EnsureRefusesBadSchemas", ensureRefusesBadSchemas},
		{"EnsureTakesWordsOfSQL", ensureTakesWordsOfSQL},
		{"EnsureMakesManyTables", ensureMakesManyTables},
		{"MakeEmptiesOneTable", makeEmptiesOneTable},
		{"MakeReplacesAView", makeReplacesAView},
		{"TablesOfOneView", tablesOfOneView},
		{"MadeTellsFingerprints", madeTellsFingerprints},
		{"DropRemoves", dropRemoves},
	}
}

func ensureMakesTables(f *fixture) {
	f.ensure(identity)
	s := f.made(people())
	f.wantCount(0, "people")
	f.wantRow(s, table.TextValue("none"), nil)
	f.wantMark(0, "people", 0)
}

func ensureKeepsRows(f *fixture) {
	s := f.made(people())
	f.put(s, person("1", "Ada", 36))
	f.move("people", 0, 0, 7)
	other := table.Schema{Name: "other", Fingerprint: "1", Columns: s.Columns}
	f.ensure(identity, *s, other)
	f.ensure(identity, other)
	f.ensure(identity)
	f.wantCount(1, "people")
	f.wantMark(7, "people", 0)
	f.wantRow(s, table.TextValue("1"), person("1", "Ada", 36))
}

func ensureRemakesChangedTable(f *fixture) {
	s, same := people(), people()
	same.Name = "same"
	f.ensure(identity, *s, *same)
	f.put(s, person("1", "Ada", 36))
	f.put(same, person("1", "Ada", 36))
	f.move("people", 0, 0, 7)
	f.move("people", 3, 0, 9)
	f.move("same", 0, 0, 8)
	changed := *s
	changed.Fingerprint = "2"
	changed.Columns = append(slices.Clone(s.Columns), table.Column{Name: "mail", Kind: table.Text, Null: true})
	f.ensure(identity, changed, *same)
	f.wantCount(0, "people")
	f.wantMark(0, "people", 0)
	f.wantMark(0, "people", 3)
	f.wantCount(1, "same")
	f.wantMark(8, "same", 0)
	row := append(person("2", "Bob", 40), table.TextValue("bob@example.org"))
	f.put(&changed, row)
	f.wantRow(&changed, table.TextValue("2"), row)
}

func ensureRemakesForAnotherLog(f *fixture) {
	s := f.made(people())
	f.put(s, person("1", "Ada", 36))
	f.move("people", 0, 0, 7)
	f.ensure("another log", *s)
	f.wantCount(0, "people")
	f.wantMark(0, "people", 0)
	f.put(s, person("2", "Bob", 40))
	f.ensure("another log", *s)
	f.wantCount(1, "people")
}

// ensureForgetsUnnamedOfAnotherLog: rows of another log must not be taken for
// this one's when their table is named again.
func ensureForgetsUnnamedOfAnotherLog(f *fixture) {
	s := f.made(people())
	f.put(s, person("1", "Ada", 36))
	f.move("people", 0, 0, 7)
	f.ensure("another log")
	f.ensure("another log", *s)
	f.wantCount(0, "people")
	f.wantMark(0, "people", 0)
}

func ensureIsAllOrNothing(f *fixture) {
	s := f.made(people())
	f.put(s, person("1", "Ada", 36))
	changed := *s
	changed.Fingerprint = "2"
	bad := table.Schema{Name: "bad", Fingerprint: "1"}
	if err := f.store.Ensure(f.Context(), identity, []table.Schema{changed, bad}); err == nil {
		f.Fatal("a table without columns was made")
	}
	f.wantCount(1, "people")
}

func ensureRefusesBadSchemas(f *fixture) {
	key := table.Column{Name: "id", Kind: table.Text, Key: true}
	extra := func(c table.Column) []table.Column { return []table.Column{key, c} }
	schemas := map[string]table.Schema{
		"no name":            {Columns: extra(table.Column{Name: "a", Kind: table.Int})},
		"injection":          {Name: `x"; DROP TABLE people; --`, Columns: []table.Column{key}},
		"a point":            {Name: "a.b", Columns: []table.Column{key}},
		"no columns":         {Name: "x"},
		"no key":             {Name: "x", Columns: []table.Column{{Name: "id", Kind: table.Text}}},
		"number as text":     {Name: "x", Columns: extra(table.Column{Name: "b", Kind: table.Int, Fulltext: true})},
		"text of two keys":   {Name: "x", Columns: extra(table.Column{Name: "b", Kind: table.Text, Key: true, Fulltext: true})},
		"index of nothing":   {Name: "x", Columns: []table.Column{key}, Indexes: []table.Index{{}}},
		"index of no column": {Name: "x", Columns: []table.Column{key}, Indexes: []table.Index{{Columns: []string{"b"}}}},
		"column twice in it": {Name: "x", Columns: []table.Column{key}, Indexes: []table.Index{{Columns: []string{"id", "ID"}}}},
		"key may be NULL":    {Name: "x", Columns: []table.Column{{Name: "id", Kind: table.Text, Key: true, Null: true}}},
		"column of no kind":  {Name: "x", Columns: extra(table.Column{Name: "a"})},
		"column of bad kind": {Name: "x", Columns: extra(table.Column{Name: "a", Kind: table.Blob + 1})},
		"column injection":   {Name: "x", Columns: extra(table.Column{Name: `a" INTEGER, "b`, Kind: table.Int})},
		"column twice":       {Name: "x", Columns: extra(table.Column{Name: "ID", Kind: table.Text})},
		"column no name":     {Name: "x", Columns: extra(table.Column{Kind: table.Text})},
	}
	for fault, s := range schemas {
		f.Run(fault, func(t *testing.T) {
			s.Fingerprint = "1"
			if err := f.store.Ensure(t.Context(), identity, []table.Schema{s}); err == nil {
				t.Errorf("Ensure took %+v", s)
			}
		})
	}
	twice := []table.Schema{*people(), *people()}
	twice[1].Name = "People"
	if err := f.store.Ensure(f.Context(), identity, twice); err == nil {
		f.Error("Ensure took two tables whose names differ in case alone")
	}
}

func ensureTakesWordsOfSQL(f *fixture) {
	s := f.made(&table.Schema{Name: "select", Fingerprint: "1", Columns: []table.Column{
		{Name: "order", Kind: table.Int, Key: true},
		{Name: "group", Kind: table.Text, Index: true},
	}})
	row := []table.Value{table.IntValue(1), table.TextValue("by")}
	f.put(s, row)
	f.wantRow(s, row[0], row)
	f.wantRows([][]table.Value{row}, `SELECT "order", "group" FROM "select"`)
}

// ensureMakesManyTables, with columns whose indexes are easily mixed up.
func ensureMakesManyTables(f *fixture) {
	var schemas []table.Schema
	for i := range 40 {
		schemas = append(schemas, table.Schema{Name: fmt.Sprint("t", i), Fingerprint: "1", Columns: []table.Column{
			{Name: "id", Kind: table.Int, Key: true, Index: true}, {Name: "b_c", Kind: table.Int, Index: true}}})
	}
	schemas = append(schemas,
		table.Schema{Name: "t1_b", Fingerprint: "1", Columns: []table.Column{{Name: "id", Kind: table.Int, Key: true}, {Name: "c", Kind: table.Int, Index: true}}})
	f.ensure(identity, schemas...)
	f.update(func(tx table.Tx) error {
		for i := range schemas {
			if err := tx.Put(&schemas[i], []table.Value{table.IntValue(1), table.IntValue(int64(i))}); err != nil {
				return err
			}
		}
		return nil
	})
	f.wantRows([][]table.Value{{table.IntValue(17)}}, "SELECT b_c FROM t17")
	f.wantRows([][]table.Value{{table.IntValue(40)}}, "SELECT c FROM t1_b")
}

func makeEmptiesOneTable(f *fixture) {
	s, other := people(), people()
	other.Name = "other"
	f.ensure(identity, *s, *other)
	for _, t := range []*table.Schema{s, other} {
		f.put(t, person("1", "Ada", 36))
		f.move(t.Name, 0, 0, 7)
		f.move(t.Name, 1, 0, 8)
	}
	if err := f.store.Make(f.Context(), []table.Schema{*s}, nil); err != nil {
		f.Fatalf("Make: %v", err)
	}
	f.wantCount(0, "people")
	f.wantMark(0, "people", 0)
	f.wantMark(0, "people", 1)
	f.wantCount(1, "other")
	f.wantMark(8, "other", 1)
	f.put(s, person("2", "Bob", 40))
	f.ensure(identity, *s, *other)
	f.wantCount(1, "people")
}

// makeReplacesAView: tables that had the view go, and what fn does is part of it
// all.
func makeReplacesAView(f *fixture) {
	one, two, three := people(), people(), people()
	two.Name, three.Name = "more", "most"
	one.View, two.View, three.View = "both", "both", "both"
	three.Fingerprint = "3"
	f.ensure(identity, *one, *two)
	f.put(one, person("1", "Ada", 36))
	f.move("both", 0, 0, 7)
	sorry := errors.New("sorry")
	fill := func(tx table.Tx) error {
		return errors.Join(tx.Put(three, person("1", "Eve", 36)), tx.Mark("both", 0, 0, 3), tx.Mark("both", 1, 0, 0))
	}
	err := f.store.Make(f.Context(), []table.Schema{*three}, func(tx table.Tx) error { return errors.Join(fill(tx), sorry) })
	if !errors.Is(err, sorry) {
		f.Errorf("Make says %v, want the error of fn", err)
	}
	f.wantMade(map[string]string{"people": "1", "more": "1"})
	f.wantCount(1, "people")
	f.wantMark(7, "both", 0)
	if err := f.store.Make(f.Context(), []table.Schema{*three}, fill); err != nil {
		f.Fatalf("Make: %v", err)
	}
	f.wantMade(map[string]string{"most": "3"})
	f.wantCount(1, "most")
	f.wantMark(3, "both", 0)
	if m, ok := f.store.(table.Marker); ok {
		if marks, err := m.Marks(f.Context(), "both"); err != nil || marks[0] != 3 || marks[1] != 0 || len(marks) > 2 {
			f.Errorf("marks are %v (%v)", marks, err)
		}
	}
}

// tablesOfOneView: they have one mark, which goes with any of them.
func tablesOfOneView(f *fixture) {
	one, two := people(), people()
	two.Name = "more"
	one.View, two.View = "both", "both"
	f.ensure(identity, *one, *two)
	f.put(one, person("1", "Ada", 36))
	f.put(two, person("1", "Ada", 36))
	f.move("both", 0, 0, 7)
	f.ensure(identity, *one, *two)
	f.wantMark(7, "both", 0)
	if err := f.store.Make(f.Context(), []table.Schema{*one, *two}, nil); err != nil {
		f.Fatalf("Make: %v", err)
	}
	f.wantCount(0, "people")
	f.wantCount(0, "more")
	f.wantMark(0, "both", 0)
	f.move("both", 0, 0, 7)
	two.Fingerprint = "2"
	f.ensure(identity, *one, *two)
	f.wantMark(0, "both", 0)
}

func madeTellsFingerprints(f *fixture) {
	f.wantMade(map[string]string{})
	s, other := people(), people()
	other.Name, other.Fingerprint = "other", ""
	f.ensure(identity, *s, *other)
	f.wantMade(map[string]string{"people": "1", "other": ""})
	s.Fingerprint = "2"
	f.ensure(identity, *s)
	f.wantMade(map[string]string{"people": "2", "other": ""})
	f.ensure("another log", *other)
	f.wantMade(map[string]string{"other": ""})
}

func (f *fixture) wantMade(want map[string]string) {
	f.Helper()
	if got, err := f.store.Made(f.Context()); err != nil || !maps.Equal(got, want) {
		f.Errorf("Made tells %v (%v), want %v", got, err, want)
	}
}

func dropRemoves(f *fixture) {
	s, other := people(), people()
	other.Name = "other"
	f.ensure(identity, *s, *other)
	f.move("people", 0, 0, 5)
	f.move("other", 0, 0, 6)
	for range 2 {
		if err := f.store.Drop(f.Context(), []string{"people", "nothing"}, []string{"people", "nothing"}); err != nil {
			f.Fatalf("Drop: %v", err)
		}
	}
	f.wantMark(0, "people", 0)
	f.wantMark(6, "other", 0)
	f.wantMade(map[string]string{"other": "1"})
	f.wantCount(0, "other")
	if _, err := collect(f.Context(), f.store, "SELECT * FROM people"); err == nil {
		f.Error("Query found a table that was dropped")
	}
	f.made(s)
	f.wantCount(0, "people")
}
