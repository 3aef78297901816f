package blackbox_test

import (
	"context"
	"crypto/rand"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/talix-dev/talix/internal/proctest"
)

// onPostgres are the arguments by which a program stores on a real server, in
// schemas of the test's own.
func onPostgres(t *testing.T) []string {
	t.Helper()
	proctest.Require(t)
	dsn := os.Getenv("TALIX_TEST_POSTGRES")
	if dsn == "" {
		t.Skip("needs a PostgreSQL server whose database may be written to: set TALIX_TEST_POSTGRES=postgres://user@host:port/database; .ci/servers/postgres.sh starts one")
	}
	schema := "talix_test_" + strings.ToLower(rand.Text()[:12])
	t.Cleanup(func() {
		ctx := context.Background()
		conn, err := pgx.Connect(ctx, dsn)
		if err != nil {
			t.Errorf("connect to drop schemas: %v", err)
			return
		}
		defer conn.Close(ctx)
		for _, name := range []string{schema, schema + "_views", schema + "_keys"} {
			if _, err := conn.Exec(ctx, "DROP SCHEMA IF EXISTS "+name+" CASCADE"); err != nil {
				t.Error(err)
			}
		}
	})
	separator := "?"
	if strings.Contains(dsn, "?") {
		separator = "&"
	}
	return []string{"--store", dsn + separator + "talix_schema=" + schema}
}

// The bank keeps what it acknowledged on PostgreSQL as it does in its folder.
func TestBankOnPostgresSurvivesKill(t *testing.T) {
	t.Parallel()
	args := onPostgres(t)
	survivesKill(t, proctest.Build(t, "./examples/bank").Start(t, proctest.Config{Args: args}), 3)
}

// The seed's scenario on PostgreSQL.
func TestExpensesOnPostgres(t *testing.T) {
	t.Parallel()
	args := onPostgres(t)
	expensesScenario(t, append(args, "--allow-private-addresses"))
}
