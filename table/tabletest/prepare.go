package tabletest

import (
	"slices"
	"strings"

	"github.com/talix-dev/talix/table"
)

func prepareCases() []testCase {
	return []testCase{
		{"PrepareTellsParamsAndColumns", prepareTellsParamsAndColumns},
		{"PrepareTellsWhatIsWrong", prepareTellsWhatIsWrong},
		{"QueriesOnlyRead", queriesOnlyRead},
	}
}

func prepareTellsParamsAndColumns(f *fixture) {
	f.made(people())
	for _, c := range []struct {
		sql             string
		params, columns []string
	}{
		{"SELECT id, name FROM people", nil, []string{"id", "name"}},
		{"SELECT * FROM people;", nil, []string{"id", "name", "age"}},
		{" -- people\nSELECT count(*) AS n FROM people WHERE age > :age ; -- all\n", []string{"age"}, []string{"n"}},
		{"SELECT :b || ':a' AS x, name FROM people WHERE name = :b AND id = :a OR id = :b", []string{"b", "a"}, []string{"x", "name"}},
		{"SELECT p.id, q.id FROM people p JOIN people q ON q.age = p.age", nil, []string{"id", "id"}},
		{"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :last) SELECT i FROM n", []string{"last"}, []string{"i"}},
	} {
		got, err := f.store.Prepare(f.Context(), c.sql, nil)
		if err != nil {
			f.Errorf("Prepare %s: %v", c.sql, err)
		} else if !slices.Equal(got.Params, c.params) || !slices.Equal(got.Columns, c.columns) {
			f.Errorf("Prepare %s tells %v, want %v and %v", c.sql, got, c.params, c.columns)
		}
		if strings.Contains(c.sql, "people") && got.Tables != nil && !slices.Contains(got.Tables, "people") {
			f.Errorf("Prepare %s tells the tables %v, people not among them", c.sql, got.Tables)
		}
	}
}

// prepareTellsWhatIsWrong by naming it.
func prepareTellsWhatIsWrong(f *fixture) {
	f.made(people())
	for sql, names := range map[string]string{
		"SELECT nope FROM people":     "nope",
		"SELECT * FROM nowhere":       "nowhere",
		"SELEKT 1":                    "SELEKT",
		"SELECT 1 FROM people WHERE":  "",
		"SELECT 'open":                "",
		"":                            "",
		" ; -- nothing":               "",
		"SELECT 1; SELECT 2":          "",
		"SELECT ? FROM people":        "",
		"SELECT nofunction(1) AS one": "nofunction",
	} {
		_, err := f.store.Prepare(f.Context(), sql, nil)
		if err == nil || !strings.Contains(err.Error(), names) {
			f.Errorf("Prepare %q says %v, want an error about %q", sql, err, names)
		}
		if _, err := collect(f.Context(), f.store, sql); err == nil {
			f.Errorf("Query ran %q", sql)
		}
	}
}

func queriesOnlyRead(f *fixture) {
	s := f.two()
	for _, sql := range []string{
		"INSERT INTO people(id, name) VALUES('3', 'Eve')",
		"INSERT INTO people(id, name) VALUES('3', 'Eve') RETURNING id",
		"UPDATE people SET age = 0",
		"UPDATE people SET age = 0 RETURNING age",
		"DELETE FROM people",
		"DELETE FROM people RETURNING id",
		"DROP TABLE people",
		"CREATE TABLE evil(id INTEGER)",
		"CREATE TEMP TABLE evil(id INTEGER)",
		"CREATE VIEW evil AS SELECT 1",
		"CREATE INDEX evil ON people(age)",
		"ALTER TABLE people ADD COLUMN evil INTEGER",
		"SELECT 1; DELETE FROM people",
		"BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT evil", "VACUUM", "REINDEX people", "ANALYZE",
	} {
		if _, err := f.store.Prepare(f.Context(), sql, nil); err == nil {
			f.Errorf("Prepare took %s", sql)
		}
		if _, err := collect(f.Context(), f.store, sql); err == nil {
			f.Errorf("Query ran %s", sql)
		}
	}
	f.wantTwo(s)
	f.put(s, person("3", "Cid", 50))
	f.wantRows([][]table.Value{{table.IntValue(126)}}, "SELECT sum(age) FROM people")
}
