package sqlite_test

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/sqlite"
	zombiezen "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// TestLogView: people read their events with any program for SQLite.
func TestLogView(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, sqlite.Config{Dir: dir, NoSync: true})
	stream := store.Stream{Type: "document", ID: "d1"}
	b := event(stream, 1)
	e := &b.Appends[0].Events[0]
	e.ID, _ = store.ParseID("01890a5d-ac96-774b-bcce-b302099a8057")
	e.Command, _ = store.ParseID("01890a5d-ac96-774b-bcce-b302099a8058")
	e.Correlation = e.Command
	e.Causation, _ = store.ParseID("01890a5d-ac96-774b-bcce-b302099a8059")
	e.Time = time.Date(1969, 12, 31, 23, 59, 58, 7000, time.UTC)
	e.Metadata = []byte(`{"user":"ada"}`)
	second := event(stream, 2)
	second.Appends[0].Events[0].Correlation = store.ID{}
	second.Appends[0].Events[0].Time = time.Date(2026, 2, 3, 4, 5, 6, 123456000, time.UTC)
	durable(t, s, b, second)
	other := event(store.Stream{Type: "expense", ID: "d1"}, 1)
	other.Key = store.ID{9}
	durable(t, s, other)
	want := [][]string{
		{"1", "1969-12-31T23:59:58.000007Z", "document", "d1", "1", "TEST:EVENT", "2", `{"value":1}`, `{"user":"ada"}`,
			e.ID.String(), e.Command.String(), e.Command.String(), e.Causation.String()},
		{"2", "2026-02-03T04:05:06.123456Z", "document", "d1", "2", "TEST:EVENT", "2", `{"value":2}`, "",
			second.Key.String(), second.Key.String(), "", ""},
	}
	if got := texts(t, filepath.Join(dir, "events.db"), "SELECT * FROM log WHERE entity = 'document' ORDER BY position"); !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("the view shows\n%v, want\n%v", got, want)
	}
	if got := texts(t, filepath.Join(dir, "events.db"), oneEntity); !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("the entity's chain shows\n%v, want\n%v", got, want)
	}
}

// oneEntity is the query of the package's documentation.
const oneEntity = `WITH RECURSIVE chain(at) AS (
	SELECT h.position FROM heads h JOIN streams s USING(stream) WHERE s.type = 'document' AND s.id = 'd1'
	UNION ALL SELECT e.prev FROM chain JOIN events e ON e.position = at WHERE e.prev > 0)
SELECT l.* FROM chain JOIN log l ON l.position = at ORDER BY l.version`

func texts(t *testing.T, path, query string) (rows [][]string) {
	t.Helper()
	conn, err := zombiezen.OpenConn(path, zombiezen.OpenReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	err = sqlitex.ExecuteTransient(conn, query, &sqlitex.ExecOptions{ResultFunc: func(stmt *zombiezen.Stmt) error {
		row := make([]string, stmt.ColumnCount())
		for i := range row {
			row[i] = stmt.ColumnText(i)
		}
		rows = append(rows, row)
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}
