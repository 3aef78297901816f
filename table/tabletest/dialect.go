package tabletest

import (
	"strings"

	"github.com/talix-dev/talix/table"
)

func dialectCases() []testCase {
	return []testCase{
		{"DialectElements", dialectElements},
		{"DialectTerms", dialectTerms},
		{"DialectAsOf", dialectAsOf},
		{"LetterCase", letterCase},
		{"PrepareOverSchemas", prepareOverSchemas},
	}
}

func (f *fixture) dialect() table.Dialect {
	d, ok := f.store.(table.Dialect)
	if !ok {
		f.Skip("the store does not implement table.Dialect")
	}
	if d.Dialect() == "" {
		f.Error("the dialect has no name")
	}
	return d
}

// dialectElements: the elements of a JSON array are a set, of which each has
// the kind that was asked for.
func dialectElements(f *fixture) {
	d := f.dialect()
	f.two()
	one, two := []table.Value{table.TextValue("1")}, []table.Value{table.TextValue("2")}
	for _, c := range []struct {
		column string
		kind   table.Kind
		set    table.Value
		want   [][]table.Value
	}{
		{"name", table.Text, table.TextValue(`["Ada","Eve"]`), [][]table.Value{one}},
		{"name", table.Text, table.TextValue(`["Bob","Bob","Ada","it's \"x\" \u00e9"]`), [][]table.Value{one, two}},
		{"name", table.Text, table.TextValue(`[]`), nil},
		{"name", table.Text, table.Value{}, nil},
		{"age", table.Int, table.TextValue(`[36,9223372036854775807,-9223372036854775808]`), [][]table.Value{one}},
		{"age + 0.5", table.Float, table.TextValue(`[3.65e+01,1e+300]`), [][]table.Value{one}},
	} {
		sql := "SELECT id FROM people WHERE " + c.column + " IN (" + d.Elements("set", c.kind) + ") ORDER BY id"
		f.wantRows(c.want, sql, arg("set", c.set))
	}
	f.wantRows([][]table.Value{one, two}, "SELECT id FROM people WHERE name NOT IN ("+d.Elements("set", table.Text)+") ORDER BY id", arg("set", table.TextValue("[]")))
}

// dialectTerms: whatever a person types is taken.
func dialectTerms(f *fixture) {
	d := f.dialect()
	s := f.made(notes(table.Text))
	f.put(s, note(table.TextValue("1"), "Green tea", "A cup, please"))
	sql := "SELECT id FROM notes WHERE id IN (" + d.Search("notes", "q") + ")"
	for _, text := range []string{"", " ", `"`, "'", "*", "-", "(", "tea)", `tea" OR "x`, "NOT", "tea AND", "title:", "\x00", "\xff", "^", "&", "!", "|", "<->", ":*", "\\", strings.Repeat("a ", 5000)} {
		if _, err := collect(f.Context(), f.store, sql, arg("q", d.Terms(text))); err != nil {
			f.Errorf("searching for %.20q: %v", text, err)
		}
	}
	for text, found := range map[string]bool{"tea": true, "cup te": true, "te ": false, "tea milk": false, "TEA": true, "": false, "?": false} {
		rows, err := collect(f.Context(), f.store, sql, arg("q", d.Terms(text)))
		if err != nil || len(rows) == 1 != found {
			f.Errorf("searching for %q: %v, %v", text, rows, err)
		}
	}
}

func dialectAsOf(f *fixture) {
	d := f.dialect()
	s := f.made(&table.Schema{Name: "prices_history", Fingerprint: "1", Columns: []table.Column{
		{Name: "id", Kind: table.Text, Key: true}, {Name: "price", Kind: table.Int},
		{Name: "partition", Kind: table.Int}, {Name: "valid_from", Kind: table.Int}, {Name: "valid_to", Kind: table.Int, Key: true},
	}})
	row := func(id string, price, partition, from, to int64) []table.Value {
		return []table.Value{table.TextValue(id), table.IntValue(price), table.IntValue(partition), table.IntValue(from), table.IntValue(to)}
	}
	f.put(s, row("a", 1, 0, 3, 5), row("a", 2, 0, 5, math63), row("b", 7, 2, 4, 9), row("b", 8, 2, 9, math63), row("c", 9, 2, 2, 6))
	for at, want := range map[string][]int64{
		`{"0":2,"2":1}`: nil, `{"0":3,"2":2}`: {1, 9}, `{"0":4,"2":5}`: {1, 7, 9}, `{"0":5,"2":6}`: {2, 7}, `{"0":9,"2":9}`: {2, 8},
		`{"0":4}`: {1, 8}, `{"2":4}`: {2, 7, 9}, `{}`: {2, 8}, "": {2, 8}, `{"1":1}`: {2, 8},
	} {
		position := table.TextValue(at)
		if at == "" {
			position = table.Value{}
		}
		var rows [][]table.Value
		for _, price := range want {
			rows = append(rows, []table.Value{table.IntValue(price)})
		}
		f.wantRows(rows, "SELECT p.price FROM ("+d.AsOf("prices_history", "at")+") p ORDER BY p.id, p.price", arg("at", position))
	}
}

// letterCase: = and LIKE tell upper from lower case, and the functions that
// change it know all letters.
func letterCase(f *fixture) {
	s := f.made(people())
	f.put(s, person("1", "Ada", 1), person("2", "ÉMILE", 2), person("3", "émile", 3))
	for where, ids := range map[string]string{
		"name LIKE 'a%'": "", "name LIKE 'A_a'": "1", "name = 'ADA'": "", "name LIKE '%mile'": "3", "name NOT LIKE 'é%'": "12",
		"lower(name) = 'émile'": "23", "upper(name) = 'ÉMILE'": "23", "lower(name) LIKE lower('É%')": "23", "upper(name) LIKE '%D%'": "1",
		"lower(NULL) IS NULL AND id = '1'": "1",
	} {
		var want [][]table.Value
		for _, id := range strings.Split(ids, "") {
			want = append(want, []table.Value{table.TextValue(id)})
		}
		f.wantRows(want, "SELECT id FROM people WHERE "+where+" ORDER BY id")
	}
}

// prepareOverSchemas: a query is compiled over tables as they are to be,
// whatever is there.
func prepareOverSchemas(f *fixture) {
	f.made(people())
	newer := []table.Schema{
		{Name: "people", Fingerprint: "2", Columns: []table.Column{{Name: "id", Kind: table.Text, Key: true}, {Name: "nick", Kind: table.Text}}},
		*notes(table.Text),
	}
	for range 2 {
		for sql, good := range map[string]bool{"SELECT nick FROM people": true, "SELECT age FROM people": false, "SELECT title FROM notes": true, "DELETE FROM notes RETURNING id": false} {
			_, err := f.store.Prepare(f.Context(), sql, newer)
			if good != (err == nil) {
				f.Errorf("%s over other schemas: %v", sql, err)
			}
		}
		if _, err := f.store.Prepare(f.Context(), "SELECT age FROM people", nil); err != nil {
			f.Errorf("over what is there: %v", err)
		}
		newer = append(newer[:1:1], *notes(table.Int))
	}
	f.wantRows(nil, "SELECT age FROM people")
}
