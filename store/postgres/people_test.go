package postgres_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
)

// People read the log with psql, also where the server would like to have several
// workers read it.
func TestPeopleReadTheLog(t *testing.T) {
	t.Parallel()
	c := config(t)
	s := open(t, c)
	name := stream(0, s.Partitions(), "a")
	durable(t, s, 0, event(name, 1), event(name, 2))
	conn, err := pgx.Connect(t.Context(), c.DSN)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for _, setting := range []string{"parallel_setup_cost", "parallel_tuple_cost", "min_parallel_table_scan_size", "min_parallel_index_scan_size"} {
		if _, err := conn.Exec(t.Context(), "SET "+setting+" = 0"); err != nil {
			t.Fatal(err)
		}
	}
	rows, err := conn.Query(t.Context(), "SELECT data FROM "+pgx.Identifier{c.Schema, "log"}.Sanitize()+" ORDER BY partition, position")
	if err != nil {
		t.Fatal(err)
	}
	data, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if len(data) != 2 || err != nil {
		t.Errorf("the log has %q: %v", data, err)
	}
}
