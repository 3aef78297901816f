package postgres_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/postgres"
	"github.com/talix-dev/talix/table"
	"github.com/talix-dev/talix/table/tabletest"
)

// tablesConfig is for view tables of the test's own.
func tablesConfig(t testing.TB) postgres.TablesConfig {
	t.Helper()
	return postgres.TablesConfig{DSN: server(t), Schema: schema(t, t.TempDir())}
}

func openTables(t testing.TB, c postgres.TablesConfig) *postgres.Tables {
	t.Helper()
	s, err := postgres.OpenTables(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestTables(t *testing.T) {
	t.Parallel()
	server(t)
	tabletest.Run(t, func(t *testing.T) table.Store { return openTables(t, tablesConfig(t)) })
}

func notes() table.Schema {
	return table.Schema{Name: "Notes", Fingerprint: "1", Columns: []table.Column{
		{Name: "ID", Kind: table.Text, Key: true}, {Name: "Stars", Kind: table.Int},
		{Name: "Price", Kind: table.Float, Null: true}, {Name: "Raw", Kind: table.Blob, Null: true},
	}}
}

func noteRow(id string, stars int64) []table.Value {
	return []table.Value{table.TextValue(id), table.IntValue(stars), table.FloatValue(1.5), table.BlobValue("\x00\xff")}
}

func ensure(t testing.TB, s *postgres.Tables, schemas ...table.Schema) {
	t.Helper()
	if err := s.Ensure(t.Context(), "log", schemas); err != nil {
		t.Fatal(err)
	}
}

func put(s *postgres.Tables, t testing.TB, schema table.Schema, rows ...[]table.Value) error {
	t.Helper()
	return s.Update(t.Context(), func(tx table.Tx) error {
		for _, row := range rows {
			if err := tx.Put(&schema, row); err != nil {
				return err
			}
		}
		return nil
	})
}

func query(t testing.TB, s *postgres.Tables, sql string, args ...table.Arg) (rows [][]table.Value, err error) {
	t.Helper()
	for row, err := range s.Query(t.Context(), sql, args) {
		if err != nil {
			return rows, err
		}
		rows = append(rows, slices.Clone(row))
	}
	return rows, nil
}

// TestQueryTexts: parameters are found where they are, and types are guessed as
// people mean them.
func TestQueryTexts(t *testing.T) {
	t.Parallel()
	s := openTables(t, tablesConfig(t))
	ensure(t, s, notes())
	if err := put(s, t, notes(), noteRow("a", 3), noteRow("b:x", 5)); err != nil {
		t.Fatal(err)
	}
	x, one, half := table.Arg{Name: "x", Value: table.TextValue("b:x")}, table.Arg{Name: "n", Value: table.IntValue(1)}, table.Arg{Name: "f", Value: table.FloatValue(0.5)}
	a, b := []table.Value{table.TextValue("a")}, []table.Value{table.TextValue("b:x")}
	for sql, want := range map[string][]table.Value{
		`SELECT id FROM notes WHERE id = :x`:                                                     b,
		`SELECT "id" FROM Notes WHERE ID <> :x`:                                                  a,
		`SELECT id FROM notes WHERE ':x' = ':x' AND id = 'b:x' /* :y /* :z */ */`:                b,
		`SELECT id FROM notes WHERE id = $$b:x$$ -- :y`:                                          b,
		`SELECT id FROM notes WHERE id = $q$b:x$q$ AND E'\':y' = ''':y'`:                         b,
		`SELECT id FROM notes WHERE stars::text = '3' AND :x::text IS NOT NULL`:                  a,
		`SELECT left(id, :n) FROM notes WHERE id = :x`:                                           {table.TextValue("b")},
		`SELECT stars + :n FROM notes WHERE id = 'a'`:                                            {table.IntValue(4)},
		`SELECT price * :f FROM notes WHERE id = 'a'`:                                            {table.FloatValue(0.75)},
		`SELECT raw FROM notes WHERE id = 'a' AND (:missing IS NULL)`:                            {table.BlobValue("\x00\xff")},
		`SELECT id FROM notes WHERE (:missing IS NULL OR id = :missing) AND stars > :n LIMIT :n`: a,
		`SELECT avg(stars) FROM notes`:                                                           {table.FloatValue(4)},
		`SELECT sum(stars) FROM notes`:                                                           {table.IntValue(8)},
		`SELECT stars > 3 FROM notes WHERE id = 'a'`:                                             {table.IntValue(0)},
		`SELECT date '2026-02-03' + :n::int`:                                                     {table.TextValue("2026-02-04")},
		`SELECT :x || :x`:                                                                        {table.TextValue("b:xb:x")},
		`SELECT (ARRAY[1,2,3])[1:2]`:                                                             {table.TextValue("{1,2}")},
	} {
		for range 2 {
			rows, err := query(t, s, sql, x, one, half)
			if err != nil || len(rows) != 1 || !slices.Equal(rows[0], want) {
				t.Errorf("%s\n\tis %v (%v), want %v", sql, rows, err, want)
			}
		}
	}
	for _, sql := range []string{"SELECT $1", "SELECT id FROM notes FOR UPDATE", "WITH d AS (DELETE FROM notes RETURNING id) SELECT id FROM d", "COPY notes TO STDOUT", "SELECT '\x00'"} {
		if _, err := s.Prepare(t.Context(), sql, nil); err == nil {
			t.Errorf("Prepare took %q", sql)
		}
		if rows, err := query(t, s, sql); err == nil {
			t.Errorf("Query ran %q: %v", sql, rows)
		}
	}
	if rows, err := query(t, s, "SELECT count(*) FROM notes"); err != nil || rows[0][0] != table.IntValue(2) {
		t.Errorf("left are %v (%v)", rows, err)
	}
}

// TestPrepareTellsTables by their plan, also behind views and functions of SQL.
func TestPrepareTellsTables(t *testing.T) {
	t.Parallel()
	s := openTables(t, tablesConfig(t))
	other := notes()
	other.Name = "other"
	ensure(t, s, notes(), other)
	for sql, want := range map[string][]string{
		"SELECT 1 AS one": nil,
		"SELECT n.id FROM notes n WHERE n.stars > :n AND EXISTS (SELECT FROM other o WHERE o.id = n.id)": {"notes", "other"},
		"WITH x AS (SELECT * FROM other) SELECT count(*) FROM x WHERE id = :id":                          {"other"},
	} {
		for _, over := range [][]table.Schema{nil, {notes(), other}} {
			got, err := s.Prepare(t.Context(), sql, over)
			if err != nil || !slices.Equal(got.Tables, want) {
				t.Errorf("%s reads %v (%v), want %v", sql, got.Tables, err, want)
			}
		}
	}
}

// TestTextsThatDoNotFit are refused, and nothing of their transaction stays.
func TestTextsThatDoNotFit(t *testing.T) {
	t.Parallel()
	s := openTables(t, tablesConfig(t))
	ensure(t, s, notes())
	for _, id := range []string{"a\x00b", "\xff"} {
		if err := put(s, t, notes(), noteRow("good", 1), noteRow(id, 1)); err == nil || !strings.Contains(err.Error(), "UTF-8") {
			t.Errorf("Put of %q says %v", id, err)
		}
	}
	if rows, err := query(t, s, "SELECT id FROM notes"); err != nil || len(rows) != 0 {
		t.Errorf("left are %v (%v)", rows, err)
	}
}

// TestTwoWriters of one table lose nothing: what rests on a row that another one
// has changed meanwhile fails.
func TestTwoWriters(t *testing.T) {
	t.Parallel()
	c, schema := tablesConfig(t), notes()
	stores := []*postgres.Tables{openTables(t, c), openTables(t, c)}
	ensure(t, stores[0], schema)
	if err := put(stores[0], t, schema, noteRow("n", 0)); err != nil {
		t.Fatal(err)
	}
	var counted atomic.Int64
	inParallel(2, func(i int) {
		for range 50 {
			err := stores[i].Update(t.Context(), func(tx table.Tx) error {
				row, err := tx.Get(&schema, []table.Value{table.TextValue("n")})
				if err != nil {
					return err
				}
				return tx.Put(&schema, noteRow("n", row[1].Int()+1))
			})
			if err == nil {
				counted.Add(1)
			}
		}
	})
	rows, err := query(t, stores[1], "SELECT stars FROM notes")
	if err != nil || len(rows) != 1 || rows[0][0] != table.IntValue(counted.Load()) {
		t.Errorf("%d updates left %v (%v)", counted.Load(), rows, err)
	}
}

// TestOtherProcessChangesTables: who has run a query before runs it over the new
// table.
func TestOtherProcessChangesTables(t *testing.T) {
	t.Parallel()
	c := tablesConfig(t)
	one, two := openTables(t, c), openTables(t, c)
	ensure(t, one, notes())
	const sql = "SELECT stars FROM notes WHERE stars = :n"
	n := table.Arg{Name: "n", Value: table.IntValue(7)}
	if rows, err := query(t, one, sql, n); err != nil || len(rows) != 0 {
		t.Fatalf("got %v (%v)", rows, err)
	}
	changed := notes()
	changed.Fingerprint, changed.Columns[1].Kind = "2", table.Text
	ensure(t, two, changed)
	row := noteRow("a", 0)
	row[1] = table.TextValue("7")
	if err := put(two, t, changed, row); err != nil {
		t.Fatal(err)
	}
	n.Value = table.TextValue("7")
	if rows, err := query(t, one, sql, n); err != nil || len(rows) != 1 || rows[0][0] != n.Value {
		t.Errorf("got %v (%v)", rows, err)
	}
}

// TestReplaceBehindLongQuery: a query that goes on holds up the switch, and no
// other queries.
func TestReplaceBehindLongQuery(t *testing.T) {
	t.Parallel()
	s := openTables(t, tablesConfig(t))
	as, by := notes(), notes()
	by.Name = "next_notes"
	ensure(t, s, as, by)
	var rows [][]table.Value
	for i := range 2000 {
		rows = append(rows, noteRow(fmt.Sprint(i), 1))
	}
	if err := put(s, t, as, rows...); err != nil {
		t.Fatal(err)
	}
	replaced := make(chan error, 1)
	n := 0
	for _, err := range s.Query(t.Context(), "SELECT id, repeat('x', 100000) FROM notes", nil) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 1 {
			go func() {
				replaced <- s.Replace(t.Context(), []table.Schema{as}, []table.Schema{by}, func(table.Tx) error { return nil })
			}()
		}
		if n < 20 {
			if _, err := query(t, s, "SELECT count(*) FROM notes"); err != nil {
				t.Error(err)
			}
		}
	}
	if n != 2000 {
		t.Errorf("the query ended after %d of 2000 rows", n)
	}
	if err := <-replaced; err != nil {
		t.Error(err)
	}
	if rows, err := query(t, s, "SELECT id FROM notes"); err != nil || len(rows) != 0 {
		t.Errorf("after the switch there are %d rows (%v)", len(rows), err)
	}
}

// TestOpenTablesRefuses a schema that holds something else.
func TestOpenTablesRefuses(t *testing.T) {
	t.Parallel()
	for says, spoil := range map[string]string{
		"another": "CREATE TABLE theirs (id int)",
		"newer":   "CREATE TABLE _talix_meta (name text, value text); INSERT INTO _talix_meta VALUES ('format', '99')",
	} {
		c := tablesConfig(t)
		raw(t, postgres.Config{DSN: c.DSN, Schema: "public"}, "CREATE SCHEMA "+c.Schema+"; SET search_path = "+c.Schema+"; "+spoil)
		s, err := postgres.OpenTables(t.Context(), c)
		if err == nil {
			s.Close()
			t.Fatal("it was opened")
		}
		if !errors.Is(err, store.ErrForeign) || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), c.Schema) {
			t.Errorf("OpenTables says %q, want %q", err, says)
		}
	}
}
