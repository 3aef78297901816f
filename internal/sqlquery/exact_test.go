package sqlquery_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/sqlquery"
	"github.com/talix-dev/talix/table"
)

// stores are the databases on which queries give the same rows.
func stores() map[string]func(testing.TB) table.Store {
	return map[string]func(testing.TB) table.Store{"sqlite": open, "postgres": openPostgres}
}

// onEach runs a test on every database, each time on a shop of its own.
func onEach(t *testing.T, test func(t *testing.T, tables table.Store)) {
	for name, open := range stores() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tables := open(t)
			fillShop(t, tables)
			test(t, tables)
		})
	}
}

var (
	people = table.Schema{Name: "people", Fingerprint: "1", Columns: []table.Column{
		{Name: "id", Kind: table.Text, Key: true}, {Name: "name", Kind: table.Text},
	}}
	orders = table.Schema{Name: "orders", Fingerprint: "1", Columns: []table.Column{
		{Name: "id", Kind: table.Text, Key: true}, {Name: "person_id", Kind: table.Text, Index: true},
		{Name: "thing_id", Kind: table.Text}, {Name: "pieces", Kind: table.Int},
	}}
	things = table.Schema{Name: "things", Fingerprint: "1", Columns: []table.Column{
		{Name: "id", Kind: table.Text, Key: true},
		{Name: "title", Kind: table.Text, Fulltext: true}, {Name: "story", Kind: table.Text, Fulltext: true},
		{Name: "price", Kind: table.Float, Null: true},
	}}
)

func fillShop(tb testing.TB, tables table.Store) {
	tb.Helper()
	if err := tables.Ensure(tb.Context(), "log", []table.Schema{people, orders, things}); err != nil {
		tb.Fatal(err)
	}
	put(tb, tables, people, []any{"p1", "Ada"}, []any{"p2", "Bob"}, []any{"p3", "Çelik"})
	put(tb, tables, things,
		[]any{"t1", "Blue kettle", "Boils water for tea. It's quick!", 20.5}, []any{"t2", "Café chair", "A chair for people who sit.", 80.0},
		[]any{"t3", "Kettle lid", "For the blue one", nil})
	put(tb, tables, orders, []any{"o1", "p1", "t1", 2}, []any{"o2", "p1", "t2", 1}, []any{"o3", "p2", "t1", 1}, []any{"o4", "p9", "t9", 7})
}

func wantRows[R any](tb testing.TB, q *sqlquery.Query, in any, want ...R) {
	tb.Helper()
	got := run[pageOf[R]](tb, q, in).Items
	if diff := cmp.Diff(want, got); diff != "" {
		tb.Errorf("(-want +got):\n%s", diff)
	}
	var each []R
	for row, err := range q.Each(tb.Context(), in) {
		if err != nil {
			tb.Fatal(err)
		}
		each = append(each, *row.(*R))
	}
	if diff := cmp.Diff(want, each); diff != "" {
		tb.Errorf("one by one (-want +got):\n%s", diff)
	}
}

func TestJoinsOfThreeTables(t *testing.T) {
	t.Parallel()
	type row struct{ Person, Title *string }
	of := func(person, title string) row {
		r := row{}
		if person != "" {
			r.Person = &person
		}
		if title != "" {
			r.Title = &title
		}
		return r
	}
	onEach(t, func(t *testing.T, tables table.Store) {
		for join, want := range map[string][]row{
			"JOIN":      {of("Ada", "Blue kettle"), of("Ada", "Café chair"), of("Bob", "Blue kettle")},
			"LEFT JOIN": {of("Ada", "Blue kettle"), of("Ada", "Café chair"), of("Bob", "Blue kettle"), of("Çelik", "")},
			"FULL JOIN": {of("Ada", "Blue kettle"), of("Ada", "Café chair"), of("Bob", "Blue kettle"), of("Çelik", ""), of("", ""), of("", "Kettle lid")},
		} {
			q := compile(t, tables, many[none, row](`
				SELECT p.name AS person, t.title FROM people p
				`+join+` orders o ON o.person_id = p.id
				`+join+` things t ON t.id = o.thing_id
				ORDER BY coalesce(p.id, '~'), coalesce(o.id, '~'), coalesce(t.title, '')`))
			wantRows(t, q, none{}, want...)
		}
	})
}

func TestGroupsWindowsAndCommonTables(t *testing.T) {
	t.Parallel()
	type sum struct {
		Name   string
		Orders int
		Pieces int64
		Spent  float64
	}
	type rank struct {
		ID    string
		Place int
		Sofar int64
	}
	type number struct{ N int }
	type upTo struct {
		Last int `query:"last"`
	}
	onEach(t, func(t *testing.T, tables table.Store) {
		wantRows(t, compile(t, tables, many[none, sum](`
			SELECT p.name, count(o.id) AS orders, coalesce(sum(o.pieces), 0) AS pieces, coalesce(sum(o.pieces * t.price), 0) AS spent
			FROM people p LEFT JOIN orders o ON o.person_id = p.id LEFT JOIN things t ON t.id = o.thing_id
			GROUP BY p.id, p.name HAVING count(o.id) < 9 ORDER BY p.id`)), none{},
			sum{"Ada", 2, 3, 121}, sum{"Bob", 1, 1, 20.5}, sum{"Çelik", 0, 0, 0})
		wantRows(t, compile(t, tables, many[none, rank](`
			SELECT id, row_number() OVER (ORDER BY pieces DESC, id) AS place, sum(pieces) OVER (ORDER BY id) AS sofar FROM orders ORDER BY id`)), none{},
			rank{"o1", 2, 2}, rank{"o2", 3, 3}, rank{"o3", 4, 4}, rank{"o4", 1, 11})
		wantRows(t, compile(t, tables, many[upTo, number](`
			WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < :last) SELECT n FROM n ORDER BY n`)), upTo{3},
			number{1}, number{2}, number{3})
	})
}

type found struct{ ID string }

func ids(all ...string) []found {
	var rows []found
	for _, id := range all {
		rows = append(rows, found{id})
	}
	return rows
}

func TestLetterCase(t *testing.T) {
	t.Parallel()
	type like struct {
		Like string `query:"like"`
	}
	onEach(t, func(t *testing.T, tables table.Store) {
		exact := compile(t, tables, many[like, found](`SELECT id FROM things WHERE title LIKE :like ORDER BY id`))
		wantRows(t, exact, like{"%kettle%"}, ids("t1")...)
		wantRows(t, exact, like{"Kettle%"}, ids("t3")...)
		wantRows(t, exact, like{"K_ttle lid"}, ids("t3")...)
		any := compile(t, tables, many[like, found](`SELECT id FROM things WHERE lower(title) LIKE lower(:like) ORDER BY id`))
		wantRows(t, any, like{"%KETTLE%"}, ids("t1", "t3")...)
		wantRows(t, any, like{"CAFÉ%"}, ids("t2")...)
		wantRows(t, compile(t, tables, many[none, found](`SELECT id FROM people WHERE upper(name) = 'ÇELIK'`)), none{}, ids("p3")...)
		wantRows(t, compile(t, tables, many[none, found](`SELECT id FROM things WHERE lower(CAST(price AS TEXT)) IS NULL AND id LIKE 't%'`)), none{}, ids("t3")...)
	})
}

func TestFiltersThatMayBeLeftOut(t *testing.T) {
	t.Parallel()
	type filter struct {
		Person *string  `query:"person"`
		Least  *int     `query:"least"`
		Things []string `query:"things"`
	}
	onEach(t, func(t *testing.T, tables table.Store) {
		q := compile(t, tables, many[filter, found](`
			SELECT id FROM orders WHERE (:person IS NULL OR person_id = :person) AND (:least IS NULL OR pieces >= :least)
				AND (:things IS NULL OR thing_id IN (:things)) ORDER BY id`))
		wantRows(t, q, filter{}, ids("o1", "o2", "o3", "o4")...)
		wantRows(t, q, filter{Person: ptr("p1")}, ids("o1", "o2")...)
		wantRows(t, q, filter{Least: ptr(0)}, ids("o1", "o2", "o3", "o4")...)
		wantRows(t, q, filter{Person: ptr("p1"), Least: ptr(2)}, ids("o1")...)
		wantRows(t, q, filter{Person: ptr("")}, ids()...)
		wantRows(t, q, filter{Things: []string{"t1"}}, ids("o1", "o3")...)
		wantRows(t, q, filter{Things: []string{}}, ids()...)
	})
}

// level writes itself as text.
type level int

func (l level) MarshalText() ([]byte, error) { return []byte(fmt.Sprint("p", int(l))), nil }

func (l *level) UnmarshalText(text []byte) error {
	_, err := fmt.Sscanf(string(text), "p%d", (*int)(l))
	return err
}

func TestSets(t *testing.T) {
	t.Parallel()
	type sets struct {
		IDs    []string    `query:"ids"`
		Pieces []int       `query:"pieces"`
		Prices []float64   `query:"prices"`
		People []level     `query:"people"`
		Days   []time.Time `query:"days"`
		Flags  []bool      `query:"flags"`
	}
	day := time.Date(2025, 3, 14, 9, 0, 0, 0, time.FixedZone("", 3600))
	onEach(t, func(t *testing.T, tables table.Store) {
		for _, c := range []struct {
			where string
			in    sets
			want  []found
		}{
			{"id IN (:ids)", sets{IDs: []string{"o3", "o1", "o3", "none", "o1' OR 1=1 --", `"`, "é\n"}}, ids("o1", "o3")},
			{"id IN (:ids)", sets{IDs: []string{}}, ids()},
			{"id IN (:ids)", sets{}, ids()},
			{"id NOT IN ( :ids )", sets{IDs: []string{"o1"}}, ids("o2", "o3", "o4")},
			{"id not in(:ids)", sets{}, ids("o1", "o2", "o3", "o4")},
			{"pieces IN (:pieces)", sets{Pieces: []int{7, 1, -1 << 63, 1<<63 - 1}}, ids("o2", "o3", "o4")},
			{"person_id IN (:people)", sets{People: []level{2, 9}}, ids("o3", "o4")},
			{"thing_id IN (SELECT id FROM things WHERE price IN (:prices))", sets{Prices: []float64{80, 1e300}}, ids("o2")},
			{"'2025-03-14T08:00:00.000000000Z' IN (:days) AND id = 'o1'", sets{Days: []time.Time{day}}, ids("o1")},
			{"pieces - 1 IN (:flags)", sets{Flags: []bool{true}}, ids("o1")},
			{"id IN (:ids) AND ':ids' <> 'x' -- IN :ids\n AND pieces IN (:pieces)", sets{IDs: []string{"o1", "o2"}, Pieces: []int{1}}, ids("o2")},
		} {
			q := compile(t, tables, many[sets, found]("SELECT id FROM orders WHERE "+c.where+" ORDER BY id"))
			wantRows(t, q, c.in, c.want...)
		}
		q := compile(t, tables, many[sets, found]("SELECT id FROM orders WHERE id IN (:ids) ORDER BY id"))
		large := sets{IDs: make([]string, 10_000)}
		large.IDs[9999] = "o2"
		wantRows(t, q, large, ids("o2")...)
		large.IDs = append(large.IDs, "o3")
		f := fault(t.Context(), t, q, large)
		if f.Code != registry.Invalid || !strings.Contains(f.Fields[0].Message, "10001 elements, which is more than 10000") {
			t.Errorf("a set that is too large: %v", f)
		}
	})
}

func TestSetsInTheWrongPlace(t *testing.T) {
	t.Parallel()
	type input struct {
		IDs   []string  `query:"ids"`
		Blobs [][]byte  `query:"blobs"`
		Ptrs  []*string `query:"ptrs"`
		N     int       `query:"n"`
	}
	onEach(t, func(t *testing.T, tables table.Store) {
		for where, want := range map[string]string{
			"id = :ids":                   "write IN (:ids)",
			"id IN (:ids, 'x')":           "write IN (:ids)",
			"id IN :ids":                  "write IN (:ids)",
			"(:ids) = 'x'":                "write IN (:ids)",
			"id IN (:blobs)":              "can't be the elements of a set",
			"id IN (:ptrs)":               "can't be the elements of a set",
			"id IN search(:ids, things)":  "write search(table, :parameter)",
			"id IN search(things, 'tea')": "write search(table, :parameter)",
			"id IN search(things, :n)":    "make the parameter's field a string",
			"id IN search(things, :ids)":  "make the parameter's field a string",
			"id IN search(things, :q)":    "parameter :q is no field",
			"id IN search(people, :q)":    "does not take its text",
			"id IN search(nothing, :q)":   "does not take its text",
			"id IN as_of(things)":         "write as_of(table, :parameter)",
			"id IN as_of(things, :ids)":   "make the parameter's field a string",
			"id IN as_of(things, :at)":    "does not take its text",
		} {
			_, faults := sqlquery.Compile(t.Context(), sqlquery.Config{Tables: tables}, many[input, found]("SELECT id FROM orders WHERE "+where))
			if len(faults) == 0 || !strings.Contains(faults[0].Error(), want) {
				t.Errorf("%s: %v, want %q", where, faults, want)
			}
		}
	})
}

func TestFullText(t *testing.T) {
	t.Parallel()
	type words struct {
		Q *string `query:"q"`
	}
	onEach(t, func(t *testing.T, tables table.Store) {
		q := compile(t, tables, many[words, found](`SELECT id FROM things WHERE (:q IS NULL OR id IN search(things, :q)) ORDER BY id`))
		if got := q.Tables(); got != nil && !slices.Contains(got, "things") {
			t.Errorf("it reads %v", got)
		}
		for text, want := range map[string][]found{
			"kettle": ids("t1", "t3"), "KETTLE": ids("t1", "t3"), "kett": ids("t1", "t3"), "kettle ": ids("t1", "t3"), "kett ": ids(),
			"blue kettle": ids("t1", "t3"), "kettle blue": ids("t1", "t3"), "kettle, tea!": ids("t1"), "chair kettle": ids(), "kettle wat kettle": ids(), "kettle water kettle": ids("t1"), "ettle": ids(),
			"cafe": ids("t2"), "CAFÉ": ids("t2"), "it's": ids("t1"),
			"": ids(), " ": ids(), "?!": ids(), `"`: ids(), "*": ids(), "kettle*": ids("t1", "t3"),
			"kettle OR chair": ids(), "NOT kettle": ids(), "title:kettle": ids(), `"blue kettle`: ids("t1", "t3"),
			"kettle) OR (1": ids(), "NEAR(blue kettle)": ids(), "^blue": ids("t1", "t3"), "blue-kettle": ids("t1", "t3"),
			"'; DROP TABLE things; --": ids(), strings.Repeat("kettle ", 2000): ids("t1", "t3"),
		} {
			t.Run(text[:min(30, len(text))], func(t *testing.T) { wantRows(t, q, words{&text}, want...) })
		}
		for _, text := range []string{"\x00", "a\x00b", "\xff"} {
			if f := fault(t.Context(), t, q, words{&text}); f.Code != registry.Invalid {
				t.Errorf("%q: %v", text, f)
			}
		}
		wantRows(t, q, words{}, ids("t1", "t2", "t3")...)
		put(t, tables, things, []any{"t1", "Red pot", "Gone cold", 1.0})
		wantRows(t, q, words{ptr("kettle")}, ids("t3")...)
		wantRows(t, q, words{ptr("pot")}, ids("t1")...)
	})
}

func TestTextOfADialect(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, tables table.Store) {
		def := many[none, found](`SELECT this is for no one`)
		def.SQL.Dialects = map[string]string{
			"sqlite": `SELECT id FROM things WHERE title GLOB 'Caf*'`, "postgres": `SELECT id FROM things WHERE title ~ '^Caf'`,
		}
		wantRows(t, compile(t, tables, def), none{}, ids("t2")...)
		delete(def.SQL.Dialects, tables.(table.Dialect).Dialect())
		if _, faults := sqlquery.Compile(t.Context(), sqlquery.Config{Tables: tables}, def); len(faults) == 0 {
			t.Error("the text of another dialect was taken")
		}
	})
}

// sized is the smaller size with -short.
func sized(n, short int) int {
	if testing.Short() {
		return short
	}
	return n
}

// TestPagesBothWaysWhileRowsArrive reads 10,000 rows forth and back in pages,
// while others are inserted: those that were there are seen once in each
// direction, in order.
func TestPagesBothWaysWhileRowsArrive(t *testing.T) {
	t.Parallel()
	n := sized(10_000, 2000)
	onEach(t, func(t *testing.T, tables table.Store) {
		r := rand.New(rand.NewPCG(3, 4))
		var rows [][]any
		for i := range n {
			rows = append(rows, []any{fmt.Sprintf("a%07d", i*100), "p", "t", r.IntN(200)})
		}
		put(t, tables, orders, rows...)
		type pagedFilter struct {
			Before string `query:"before"`
			paging
		}
		type order struct {
			ID     string
			Pieces int
		}
		q := compile(t, tables, many[pagedFilter, order](`SELECT id, pieces FROM orders WHERE id < :before`, "pieces desc", "id"))
		first := map[string]bool{}
		for _, row := range rows {
			first[row[0].(string)] = true
		}
		stop, stopped := make(chan struct{}), sync.WaitGroup{}
		stopped.Go(func() {
			ticker := time.NewTicker(2 * time.Millisecond)
			defer ticker.Stop()
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				case <-ticker.C:
					put(t, tables, orders, []any{fmt.Sprintf("a%07d", r.IntN(n)*100+1+i%99), "p", "t", r.IntN(200)})
				}
			}
		})
		in := pagedFilter{Before: "b", paging: paging{Limit: 997}}
		read := func(cursor func(pageOf[order]) string) (seen []order) {
			t.Helper()
			for pages := 0; ; pages++ {
				p := run[pageOf[order]](t, q, in)
				if cursor(p) == p.Prev {
					slices.Reverse(p.Items)
				}
				seen = append(seen, slices.DeleteFunc(p.Items, func(o order) bool { return !first[o.ID] })...)
				if cursor(p) == "" || pages > n {
					return seen
				}
				in.Cursor = cursor(p)
			}
		}
		forth := read(func(p pageOf[order]) string { return p.Next })
		back := read(func(p pageOf[order]) string { return p.Prev }) // from the last page on
		close(stop)
		stopped.Wait()
		slices.Reverse(back)
		sorted := slices.IsSortedFunc(forth, func(a, b order) int {
			if a.Pieces != b.Pieces {
				return b.Pieces - a.Pieces
			}
			return strings.Compare(a.ID, b.ID)
		})
		if len(forth) != n || !sorted {
			t.Errorf("forth: %d rows of %d, sorted: %t", len(forth), n, sorted)
		}
		if !slices.Equal(forth, back) {
			t.Errorf("back: %d rows, not those of forth", len(back))
		}
	})
}

func TestPagesBack(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, tables table.Store) {
		type in struct{ paging }
		q := compile(t, tables, many[in, found](`SELECT id FROM orders`, "id"))
		page := func(cursor string) pageOf[found] { return run[pageOf[found]](t, q, in{paging{cursor, 2}}) }
		first := page("")
		second := page(first.Next)
		if first.Prev != "" || second.Prev == "" || second.Next != "" || !slices.Equal(second.Items, ids("o3", "o4")) {
			t.Fatalf("pages %+v, %+v", first, second)
		}
		again := page(second.Prev)
		if !slices.Equal(again.Items, ids("o1", "o2")) || again.Prev != "" || again.Next == "" {
			t.Errorf("back: %+v", again)
		}
		if p := page(again.Next); !slices.Equal(p.Items, ids("o3", "o4")) {
			t.Errorf("forth again: %+v", p)
		}
		put(t, tables, orders, []any{"o0", "p", "t", 1}, []any{"o00", "p", "t", 1}, []any{"o2a", "p", "t", 1})
		p := page(second.Prev)
		if !slices.Equal(p.Items, ids("o2", "o2a")) || p.Prev == "" {
			t.Errorf("back after rows arrived: %+v", p)
		}
		p = page(p.Prev)
		if !slices.Equal(p.Items, ids("o00", "o1")) || p.Prev == "" {
			t.Errorf("further back: %+v", p)
		}
		p = page(p.Prev)
		if !slices.Equal(p.Items, ids("o0")) || p.Prev != "" {
			t.Errorf("at the beginning: %+v", p)
		}
		remove(t, tables, orders, "o0", "o00", "o1", "o2", "o2a")
		if p := page(second.Prev); !slices.Equal(p.Items, ids("o3", "o4")) || p.Prev != "" || p.Next != "" {
			t.Errorf("back to rows that are gone: %+v", p)
		}
	})
}
