package runtime_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	brokermemory "github.com/talix-dev/talix/broker/memory"
	"github.com/talix-dev/talix/store/postgres"
)

func dsnOf(t *testing.T) string {
	t.Helper()
	dsn := os.Getenv("TALIX_TEST_POSTGRES")
	if dsn == "" {
		t.Skip("needs a PostgreSQL server whose database may be written to: set TALIX_TEST_POSTGRES=postgres://user@host:port/database; .ci/servers/postgres.sh starts one")
	}
	return dsn
}

// database is a place in schemas of the test's own.
func database(t *testing.T) (p place, conn *pgx.Conn, schemas []string) {
	t.Helper()
	dsn := dsnOf(t)
	name := fmt.Sprintf("talix_test_%x", sha256.Sum256([]byte(t.TempDir())))[:30]
	schemas = []string{name, name + "_views", name + "_keys"}
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		defer conn.Close(ctx)
		for _, s := range schemas {
			if _, err := conn.Exec(ctx, "SET client_min_messages = warning; DROP SCHEMA IF EXISTS "+s+" CASCADE"); err != nil {
				t.Error(err)
			}
		}
	})
	events, err := postgres.Open(t.Context(), postgres.Config{DSN: dsn, Schema: schemas[0], Partitions: 4, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { events.Close() })
	tables, err := postgres.OpenTables(t.Context(), postgres.TablesConfig{DSN: dsn, Schema: schemas[1]})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tables.Close() })
	keys, err := postgres.OpenKeys(t.Context(), postgres.KeysConfig{DSN: dsn, Schema: schemas[2], NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { keys.Close() })
	return place{events, tables, keys}, conn, schemas
}

// tablesWith are the tables of schemas whose rows have a text.
func tablesWith(t *testing.T, conn *pgx.Conn, schemas []string, text string) (found []string) {
	t.Helper()
	rows, err := conn.Query(t.Context(), "SELECT schemaname, tablename FROM pg_tables WHERE schemaname = ANY($1)", schemas)
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (s [2]string, err error) { return s, r.Scan(&s[0], &s[1]) })
	if err != nil || len(names) == 0 {
		t.Fatalf("%d tables, %v", len(names), err)
	}
	for _, n := range names {
		for _, form := range []string{text[3:]} {
			var has bool
			sql := fmt.Sprintf("SELECT EXISTS (SELECT FROM %s x WHERE position($1 IN x::text) > 0)", pgx.Identifier{n[0], n[1]}.Sanitize())
			if err := conn.QueryRow(t.Context(), sql, form).Scan(&has); err != nil {
				t.Fatal(err)
			}
			if has {
				found = append(found, n[0]+"."+n[1])
				break
			}
		}
	}
	return found
}

// The same as TestErasedTextIsNowhere, in the tables of PostgreSQL.
func TestErasedTextIsInNoTable(t *testing.T) {
	t.Parallel()
	p, conn, schemas := database(t)
	o, queue := newOffice(), brokermemory.New(brokermemory.Config{})
	defer queue.Close()
	rt := o.run(t, p, queue)
	o.fill(t, rt, queue, "bob", bobsText)
	o.fill(t, rt, queue, "ann", annsText)
	before := o.look(t, rt, "ann", "bob")
	if found := tablesWith(t, conn, schemas[:1], annsText); found != nil {
		t.Errorf("before the erasure the text stands in %v", found)
	}
	if found := tablesWith(t, conn, schemas, annsText); len(found) == 0 {
		t.Fatal("the text is not there at all")
	}
	erase(t, rt, "ann")
	after := o.look(t, rt, "ann", "bob")
	same(t, "after the erasure", after, before.without("ann", annsText))
	if found := tablesWith(t, conn, schemas, annsText); found != nil {
		t.Errorf("after the erasure the text stands in %v", found)
	}
	rebuild(t, rt, "clients", "letters", "plans")
	same(t, "after a rebuild", o.look(t, rt, "ann", "bob"), after)
	if found := tablesWith(t, conn, schemas, annsText); found != nil {
		t.Errorf("after a rebuild the text stands in %v", found)
	}
	rt.Stop()
}
