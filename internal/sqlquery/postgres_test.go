package sqlquery_test

import (
	"context"
	"crypto/rand"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/talix-dev/talix/store/postgres"
	"github.com/talix-dev/talix/table"
)

// openPostgres opens view tables in a schema of the test's own.
func openPostgres(tb testing.TB) table.Store {
	tb.Helper()
	dsn := os.Getenv("TALIX_TEST_POSTGRES")
	if dsn == "" {
		tb.Skip("needs a PostgreSQL server whose database may be written to: set TALIX_TEST_POSTGRES=postgres://user@host:port/database; .ci/servers/postgres.sh starts one")
	}
	schema := "talix_test_" + strings.ToLower(rand.Text()[:12])
	tb.Cleanup(func() { dropSchema(tb, dsn, schema) })
	tables, err := postgres.OpenTables(tb.Context(), postgres.TablesConfig{DSN: dsn, Schema: schema})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := tables.Close(); err != nil {
			tb.Error(err)
		}
	})
	if err := tables.Ensure(tb.Context(), "log", []table.Schema{expenses, documents}); err != nil {
		tb.Fatal(err)
	}
	return tables
}

func dropSchema(tb testing.TB, dsn, schema string) {
	ctx := context.WithoutCancel(tb.Context())
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		tb.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.PgConn().Exec(ctx, "SET client_min_messages = warning; DROP SCHEMA IF EXISTS "+schema+" CASCADE").ReadAll(); err != nil {
		tb.Errorf("drop schema %s: %v", schema, err)
	}
}
