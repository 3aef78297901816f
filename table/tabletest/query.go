package tabletest

import (
	"fmt"
	"iter"

	"github.com/talix-dev/talix/table"
)

func queryCases() []testCase {
	return []testCase{
		{"QueryBindsByName", queryBindsByName},
		{"QueryJoinsAndAggregates", queryJoinsAndAggregates},
		{"QueryOfNoRows", queryOfNoRows},
		{"QueryAfterBreak", queryAfterBreak},
		{"QueryInsideQuery", queryInsideQuery},
		{"UpdateInsideQuery", updateInsideQuery},
		{"QueryAfterTableWasRemade", queryAfterTableWasRemade},
		{"QueryManyTexts", queryManyTexts},
		{"QueryFailsWhileItRuns", queryFailsWhileItRuns},
	}
}

func queryBindsByName(f *fixture) {
	f.two()
	const sql = "SELECT id FROM people WHERE (name = :name OR :name IS NULL) AND age >= :age ORDER BY id"
	one, two := []table.Value{table.TextValue("1")}, []table.Value{table.TextValue("2")}
	age, ada := arg("age", table.IntValue(30)), arg("name", table.TextValue("Ada"))
	f.wantRows([][]table.Value{one}, sql, ada, age)
	f.wantRows([][]table.Value{one}, sql, age, ada)
	f.wantRows([][]table.Value{one, two}, sql, age)
	f.wantRows(nil, sql, ada)
	f.wantRows(nil, sql)
	f.wantRows(nil, sql, arg("name", table.TextValue("' OR 1=1 --")), age)
	f.wantRows([][]table.Value{one, two}, sql, arg("name", table.Value{}), age)
	f.wantRows([][]table.Value{{table.FloatValue(1.5), table.BlobValue("\x00b"), {}}},
		"SELECT :f AS f, :b AS b, :n AS n", arg("b", table.BlobValue("\x00b")), arg("f", table.FloatValue(1.5)))
}

func queryJoinsAndAggregates(f *fixture) {
	f.two()
	pets := f.made(&table.Schema{Name: "pets", Fingerprint: "1", Columns: []table.Column{
		{Name: "id", Kind: table.Int, Key: true}, {Name: "owner", Kind: table.Text, Index: true}}})
	for i := range int64(5) {
		f.put(pets, []table.Value{table.IntValue(i), table.TextValue(fmt.Sprint(i%2 + 1))})
	}
	f.wantRows([][]table.Value{
		{table.TextValue("Ada"), table.IntValue(3), table.IntValue(6)},
		{table.TextValue("Bob"), table.IntValue(2), table.IntValue(4)},
	}, "SELECT p.name, count(*), sum(t.id) FROM people p JOIN pets t ON t.owner = p.id GROUP BY p.name ORDER BY p.name")
}

func queryOfNoRows(f *fixture) {
	f.made(people())
	f.wantRows(nil, "SELECT * FROM people")
	f.wantRows(nil, "SELECT * FROM people")
}

// queryAfterBreak: a loop that ends early leaves nothing behind.
func queryAfterBreak(f *fixture) {
	f.many(3000)
	for range 200 {
		for _, err := range f.store.Query(f.Context(), "SELECT * FROM people", nil) {
			if err != nil {
				f.Fatalf("Query: %v", err)
			}
			break
		}
	}
	f.wantCount(3000, "people")
}

func (f *fixture) many(n int) *table.Schema {
	s := f.made(people())
	f.update(func(tx table.Tx) error {
		for i := range n {
			if err := tx.Put(s, person(fmt.Sprintf("%05d", i), "name", int64(i))); err != nil {
				return err
			}
		}
		return nil
	})
	return s
}

// queryInsideQuery: a loop may ask again, however deep, and does not wait for
// itself.
func queryInsideQuery(f *fixture) {
	f.many(3000)
	const depth = 12
	var loops [depth]func() (row []table.Value, err error, ok bool)
	for i := range loops {
		next, stop := iter.Pull2(f.store.Query(f.Context(), "SELECT age FROM people ORDER BY age", nil))
		defer stop() //nolint:gocritic // all loops stay open until the case ends
		loops[i] = next
	}
	for n := range int64(3000) {
		for _, next := range loops {
			row, err, ok := next()
			if !ok || err != nil || row[0] != table.IntValue(n) {
				f.Fatalf("row %d of a loop is %v (%v)", n, row, err)
			}
		}
	}
}

// updateInsideQuery: a loop sees what was committed when it began.
func updateInsideQuery(f *fixture) {
	s := f.many(3000)
	n := int64(0)
	for row, err := range f.store.Query(f.Context(), "SELECT age FROM people ORDER BY age", nil) {
		if err != nil {
			f.Fatalf("Query: %v", err)
		}
		if row[0] != table.IntValue(n) {
			f.Fatalf("row %d is %v", n, row)
		}
		if n++; n%500 == 0 {
			f.put(s, person("new", "name", n*1000))
		}
	}
	f.wantCount(3001, "people")
}

func queryAfterTableWasRemade(f *fixture) {
	s := f.made(people())
	f.put(s, person("1", "Ada", 36))
	f.wantRows([][]table.Value{person("1", "Ada", 36)}, "SELECT * FROM people")
	changed := f.made(&table.Schema{Name: "people", Fingerprint: "2", Columns: []table.Column{
		{Name: "nick", Kind: table.Text}, {Name: "id", Kind: table.Int, Key: true}}})
	row := []table.Value{table.TextValue("ada"), table.IntValue(1)}
	f.put(changed, row)
	f.wantRows([][]table.Value{row}, "SELECT * FROM people")
	if _, err := collect(f.Context(), f.store, "SELECT age FROM people"); err == nil {
		f.Error("Query found a column that is gone")
	}
}

// queryManyTexts: more than a store will hold prepared.
func queryManyTexts(f *fixture) {
	f.two()
	for i := range int64(500) {
		f.wantRows([][]table.Value{{table.IntValue(i)}}, fmt.Sprintf("SELECT %d FROM people WHERE id = '1'", i))
	}
}

func queryFailsWhileItRuns(f *fixture) {
	s := f.made(people())
	f.put(s, person("1", "Ada", math63), person("2", "Bob", math63))
	for range 3 {
		if rows, err := collect(f.Context(), f.store, "SELECT abs(age - 1 - :max - 1) FROM people", arg("max", table.IntValue(math63))); err == nil && len(rows) != 2 {
			f.Errorf("Query ended after %v without an error", rows)
		}
	}
	f.wantCount(2, "people")
}

const math63 = 1<<63 - 1
