package project_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/talix-dev/talix/internal/project"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/table"
)

// The rows of views of several shapes.
type (
	tagRow struct {
		Tag   string `db:"tag,key"`
		Uses  int
		First string // set when the row is made
	}
	dayRow struct {
		Day   int64  `db:"day,key"`
		Group string `db:"group_name,key"`
		Sum   int64
		Names []string
	}
	lineRow struct {
		Account string `db:"account,key"`
		Line    int64  `db:"line,key"`
		Amount  int64
	}
	headRow struct {
		ID    string
		Lines int
		Sum   int64
	}
)

// keyed has a projection change the rows that keys names.
func by[K, E any](t registry.Take, keys func(e E, at *store.Event) []K) registry.Take {
	t.Key = reflect.TypeFor[K]()
	t.Keys = func(event any, at *store.Event) (all []any) {
		for _, k := range keys(event.(E), at) {
			all = append(all, k)
		}
		return all
	}
	return t
}

func remove[R, E any](gone func(r *R, e E) bool) registry.Take {
	return registry.Take{Go: reflect.TypeFor[E](), Remove: func(row, event any, _ *store.Event) bool {
		return gone(row.(*R), event.(E))
	}}
}

// byTags: one event changes the rows of all its tags, and many entities those
// of one tag.
func byTags() *registry.View {
	return tableOf[tagRow]("tags", by(when(func(r *tagRow, _ renamed, _ *store.Event) { r.Uses++ }),
		func(e renamed, _ *store.Event) (rows []tagRow) {
			for _, t := range e.Tags {
				rows = append(rows, tagRow{Tag: "t" + t[len(t)-1:], First: "made"})
			}
			return rows
		}))
}

// byDay has a key of two columns, and rows that go.
func byDay() *registry.View {
	key := func(amount int64) dayRow { return dayRow{Day: amount % 3, Group: fmt.Sprint("g", amount%2)} }
	return tableOf[dayRow]("days",
		by(when(func(r *dayRow, e deposited, at *store.Event) {
			r.Sum += e.Amount
			if r.Names = append(r.Names, at.Stream.ID); len(r.Names) > 4 {
				r.Names = r.Names[2:]
			}
		}), func(e deposited, _ *store.Event) []dayRow { return []dayRow{key(e.Amount)} }),
		by(remove(func(r *dayRow, _ renamed) bool { r.Sum++; return r.Sum%2 == 0 }),
			func(e renamed, _ *store.Event) []dayRow { return []dayRow{key(int64(len(e.Name)))} }),
	)
}

// book fills two tables with code of its own.
func book() *registry.View {
	heads := &registry.Table{Name: "heads", Place: "bank/book.go:1", Row: reflect.TypeFor[headRow](), NewRow: func() any { return new(headRow) }}
	lines := &registry.Table{Name: "lines", Place: "bank/book.go:2", Row: reflect.TypeFor[lineRow](), NewRow: func() any { return new(lineRow) }}
	return viewOf("book", []*registry.Table{heads, lines},
		registry.Take{Go: reflect.TypeFor[deposited](), Project: func(tx registry.RowTx, event any, e *store.Event) error {
			head := headRow{ID: e.Stream.ID}
			if got, ok := tx.Get(heads, head); ok {
				head = got.(headRow)
			}
			head.Lines++
			head.Sum += event.(deposited).Amount
			tx.Put(heads, head)
			tx.Put(lines, lineRow{Account: e.Stream.ID, Line: int64(head.Lines), Amount: event.(deposited).Amount})
			return nil
		}},
		registry.Take{Go: reflect.TypeFor[renamed](), Project: func(tx registry.RowTx, event any, e *store.Event) error {
			for _, line := range tx.Under(lines, lineRow{Account: e.Stream.ID}) {
				if l := line.(lineRow); l.Line%3 == int64(len(event.(renamed).Name)%3) {
					tx.Delete(lines, l)
				}
			}
			if got, ok := tx.Get(heads, headRow{ID: e.Stream.ID}); ok && got.(headRow).Lines > 5 {
				tx.Delete(heads, got)
			}
			return nil
		}},
	)
}

// histories keeps every row.
func histories() *registry.View {
	v := tableOf[nestedRow]("states", nested().Takes...)
	v.Takes = append(v.Takes, remove(func(r *nestedRow, e noted) bool { return r.Sum > 20 }))
	v.Tables[0].History = true
	return v
}

func shapes() []*registry.View {
	return []*registry.View{byTags(), byDay(), book(), histories(), accounts()}
}

// tablesOfShapes are the names of the tables, with what is not the same in
// every partition left out.
func tablesOfShapes() []string {
	return []string{"tags", "days", "heads", "lines", "states", "states_history", "accounts"}
}

// dumpAll is a table by key.
func (m *memTables) dumpAll(name string) map[string][]table.Value {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.rows[name]
}

// TestCrashesOfEveryShape ends the projector at random points over a store that
// fails at random points; in the end the rows are as if each event had been
// taken alone.
func TestCrashesOfEveryShape(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := rand.New(rand.NewPCG(seed, 1))
				l, tables := newLog(t, 1), newTables()
				flaky := &faulty{Store: tables, chance: rand.New(rand.NewPCG(seed, 2)).IntN}
				for range 12 {
					l.reopen(t)
					p := start(t, project.Config{Tables: flaky, Tail: l.tail, Load: l.Load, Registry: bank(shapes()...), Batch: 1 + r.IntN(40), Ignored: 8, Cache: []int{-1, 10, 1000}[r.IntN(3)]})
					l.add(someFacts(r, r.IntN(150), 12)...)
					time.Sleep(time.Duration(r.IntN(400)) * time.Millisecond)
					p.stop()
				}
				flaky.heal()
				p := start(t, project.Config{Tables: flaky, Tail: l.tail, Load: l.Load, Registry: bank(shapes()...)})
				p.caughtUp(t, l)
				p.stop()
				want := alone(t, l, shapes()...)
				for _, name := range tablesOfShapes() {
					if diff := cmp.Diff(want.dumpAll(name), tables.dumpAll(name), sameValues); diff != "" {
						t.Errorf("table %s (-one by one +after crashes):\n%s", name, diff)
					}
				}
				if n := len(tables.dumpAll("tags")); n < 5 {
					t.Errorf("%d tags: the test shows nothing", n)
				}
			})
		})
	}
}

// alone takes each event in a transaction of its own, without a cache.
func alone(tb testing.TB, l *memLog, views ...*registry.View) *memTables {
	tb.Helper()
	tables := newTables()
	p := start(tb, project.Config{Tables: tables, Tail: l.tail, Load: l.Load, Registry: bank(views...), Batch: 1, Cache: -1})
	p.caughtUp(tb, l)
	p.stop()
	return tables
}

// TestCatchUp takes a long log in memory, from its beginning and from its
// middle, and gives the same rows.
func TestCatchUp(t *testing.T) {
	t.Parallel()
	facts := someFacts(rand.New(rand.NewPCG(9, 9)), 4000, 100)
	views := func() *registry.Registry { return bank(byTags(), byDay(), histories(), accounts()) }
	first, second := longLog(t, facts), newTables()
	p := start(t, project.Config{Tables: second, Tail: first.tail, Load: first.Load, Registry: views(), Batch: 1, Cache: -1})
	p.caughtUp(t, first)
	p.stop()
	for name, held := range map[string]int{"all in memory": 0, "some of it": 100} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, tables := longLog(t, facts[:len(facts)/2]), newTables()
			cfg := project.Config{Tables: tables, Load: l.Load, Registry: views(), Held: held, Batch: 100}
			for _, rest := range [][]fact{nil, facts[len(facts)/2:]} {
				for _, f := range rest {
					l.append(f)
				}
				l.reopen(t)
				cfg.Tail = l.tail
				p := start(t, cfg)
				p.caughtUp(t, l)
				p.stop()
			}
			for _, name := range []string{"tags", "days", "states", "states_history", "accounts"} {
				if diff := cmp.Diff(second.dumpAll(name), tables.dumpAll(name), sameValues); diff != "" {
					t.Fatalf("table %s (-one by one +in chunks):\n%s", name, diff)
				}
			}
			if updates, _, _ := tables.counts(); held == 0 && updates > 40 {
				t.Errorf("it took %d transactions", updates)
			}
		})
	}
}

func longLog(tb testing.TB, facts []fact) *memLog {
	tb.Helper()
	l := newLog(tb, 1)
	for _, f := range facts {
		l.append(f)
	}
	l.reopen(tb)
	return l
}

// TestHistory compares as-of with the rows that there were.
func TestHistory(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 3))
	l, tables := newLog(t, 1), newTables()
	var asOf []map[string][]table.Value
	p := start(t, project.Config{Tables: tables, Tail: l.tail, Load: l.Load, Registry: bank(histories()), Batch: 7})
	for range 300 {
		l.add(someFacts(r, 1, 4)...)
		p.caughtUp(t, l)
		asOf = append(asOf, tables.dump("states"))
	}
	p.stop()
	history := tables.dumpAll("states_history")
	for i, want := range asOf {
		at, got := int64(i+1), map[string][]table.Value{}
		for _, row := range history {
			n := len(row)
			if row[n-2].Int() <= at && row[n-1].Int() > at {
				got[row[0].Text()] = row[:n-3]
			}
		}
		if diff := cmp.Diff(want, got, sameValues); diff != "" {
			t.Fatalf("as of %d (-then +now):\n%s", at, diff)
		}
	}
	if len(history) < 100 {
		t.Errorf("%d rows: the test shows nothing", len(history))
	}
}

func TestFaultsOfShapes(t *testing.T) {
	t.Parallel()
	type twoKeys struct {
		A string `db:"a,key"`
		B int    `db:"b,key"`
	}
	wrong := by(when(func(*twoKeys, deposited, *storeEvent) {}), func(deposited, *storeEvent) []string { return nil })
	other := by(when(func(*tagRow, deposited, *storeEvent) {}), func(deposited, *storeEvent) []int { return nil })
	kept := byTags()
	kept.Name, kept.Tables[0].Name, kept.Tables[0].History = "kept", "kept", true
	beside := accounts()
	beside.Name, beside.Tables[0].Name, beside.Tables[0].History = "rows", "rows", true
	double := tableOf[accountRow]("rows_history", accounts().Takes...)
	mixed := book()
	mixed.Takes = append(mixed.Takes, when(func(*headRow, noted, *storeEvent) {}))
	_, err := project.New(project.Config{Tail: newLog(t, 1).tail, Registry: bank(
		tableOf[twoKeys]("a", when(func(*twoKeys, deposited, *storeEvent) {})), tableOf[twoKeys]("b", wrong), tableOf[tagRow]("c", other),
		kept, beside, double, mixed, tableOf[accountRow]("a_very_long_name_that_no_other_database_takes", accounts().Takes...),
		tableOf[accountRow]("x_talix_text", accounts().Takes...),
	)})
	if err == nil {
		t.Fatal("New took views that can't be")
	}
	for _, part := range []string{
		`view "a": row type project_test.twoKeys has a key of 2 fields, of which an entity's id is none: say with By`,
		`view "b": the rows that By or ByEach name for DEPOSITED: its keys are of type string, but the key of the rows has 2 fields: return a project_test.twoKeys`,
		`view "c": the rows that By or ByEach name for DEPOSITED: its keys are of type int, but the key of the rows is the field Tag of type string: return that`,
		`table "kept": a history is kept of rows by the id of entities of one type`,
		`table "rows_history": SQL takes it for the table "rows_history"`,
		`view "book": its projection of NOTED is about rows of one table, but it fills 2: use Project`,
		`its name is longer than 40 letters`,
		`table "x_talix_text": names that begin with talix_ or sqlite, or have _talix in them`,
	} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in the faults:\n%v", part, err)
		}
	}
}

// A projection that fails leaves nothing of what it did before.
func TestFailingProjectionLeavesNothing(t *testing.T) {
	t.Parallel()
	v := book()
	for i := range v.Takes {
		inner := v.Takes[i].Project
		v.Takes[i].Project = func(tx registry.RowTx, event any, e *store.Event) error {
			if err := inner(tx, event, e); err != nil {
				return err
			}
			if e.Version%3 == 0 {
				return errors.New("sorry")
			}
			return nil
		}
	}
	l, tables, healthy := newLog(t, 1), newTables(), newTables()
	good := newLog(t, 1)
	r := rand.New(rand.NewPCG(4, 4))
	seen := map[string]int{}
	for _, f := range someFacts(r, 500, 60) {
		if f.typ == "NOTED" {
			continue
		}
		l.append(f)
		if seen[f.id]++; seen[f.id] < 3 {
			good.append(f)
		}
	}
	l.reopen(t)
	good.reopen(t)
	p := start(t, project.Config{Tables: tables, Tail: l.tail, Load: l.Load, Registry: bank(v)})
	p.caughtUp(t, l)
	p.stop()
	p = start(t, project.Config{Tables: healthy, Tail: good.tail, Load: good.Load, Registry: bank(book())})
	p.caughtUp(t, good)
	p.stop()
	for _, name := range []string{"heads", "lines"} {
		if diff := cmp.Diff(healthy.dumpAll(name), tables.dumpAll(name), sameValues); diff != "" {
			t.Errorf("table %s (-without the bad events +with):\n%s", name, diff)
		}
	}
}

// What By names is what a new row begins with; a row that is not there is not
// asked whether it goes.
func TestRowsThatAreNew(t *testing.T) {
	t.Parallel()
	l, tables := newLog(t, 1), newTables()
	v := byTags()
	v.Takes = append(v.Takes, by(remove(func(r *tagRow, e deposited) bool {
		if r.Uses == 0 {
			t.Errorf("the row %+v is not there", r)
		}
		return e.Amount == 1
	}), func(deposited, *store.Event) []string { return []string{"t1", "t2"} }))
	l.add(deposits("a", 1)...)
	l.add(fact{"account", "a", "RENAMED", renamed{Tags: []string{"1", "1", "3"}}}, fact{"account", "b", "RENAMED", renamed{Tags: []string{"3"}}})
	p := start(t, project.Config{Tables: tables, Tail: l.tail, Load: l.Load, Registry: bank(v)})
	p.caughtUp(t, l)
	want := map[string][]table.Value{
		"t1": {table.TextValue("t1"), table.IntValue(2), table.TextValue("made")},
		"t3": {table.TextValue("t3"), table.IntValue(2), table.TextValue("made")},
	}
	equal(t, tables.dump("tags"), want)
	l.add(deposits("a", 1)...)
	l.add(fact{"account", "a", "RENAMED", renamed{Tags: []string{"1"}}})
	p.caughtUp(t, l)
	want["t1"] = []table.Value{table.TextValue("t1"), table.IntValue(1), table.TextValue("made")}
	equal(t, tables.dump("tags"), want)
	p.stop()
}

// A projection may do what it likes with a row that it has got: only Put
// changes the table.
func TestRowsThatAreGotAreCopies(t *testing.T) {
	t.Parallel()
	of := &registry.Table{Name: "notes", Row: reflect.TypeFor[nestedRow](), NewRow: func() any { return new(nestedRow) }}
	v := viewOf("notes", []*registry.Table{of}, registry.Take{Go: reflect.TypeFor[renamed](), Project: func(tx registry.RowTx, event any, e *store.Event) error {
		key := nestedRow{ID: e.Stream.ID}
		if got, ok := tx.Get(of, key); ok {
			row := got.(nestedRow)
			row.Tags[0] = "spoilt"
			if again, _ := tx.Get(of, key); again.(nestedRow).Tags[0] != "kept" {
				t.Errorf("the row is %+v", again)
			}
			return nil
		}
		tx.Put(of, nestedRow{ID: e.Stream.ID, Tags: []string{"kept"}})
		return nil
	}})
	l, tables := newLog(t, 1), newTables()
	l.add(fact{"account", "a", "RENAMED", renamed{}}, fact{"account", "a", "RENAMED", renamed{}})
	p := start(t, project.Config{Tables: tables, Tail: l.tail, Load: l.Load, Registry: bank(v)})
	p.caughtUp(t, l)
	p.stop()
	if got := tables.dump("notes")["a"][1].Text(); got != `["kept"]` {
		t.Errorf("the row holds %s", got)
	}
}
