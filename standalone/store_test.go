package standalone_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/talix-dev/talix/examples/bank/account"
	"github.com/talix-dev/talix/internal/proctest"
)

// database is a store of the test's own on a real server, as --store names it.
func database(t *testing.T) (storeURL, schema string) {
	t.Helper()
	dsn := os.Getenv("TALIX_TEST_POSTGRES")
	if dsn == "" {
		t.Skip("needs a PostgreSQL server whose database may be written to: set TALIX_TEST_POSTGRES=postgres://user@host:port/database; .ci/servers/postgres.sh starts one")
	}
	schema = "talix_test_" + strings.ToLower(rand.Text()[:12])
	t.Cleanup(func() {
		execute(t, "DROP SCHEMA IF EXISTS "+schema+" CASCADE; DROP SCHEMA IF EXISTS "+schema+"_views CASCADE")
	})
	separator := "?"
	if strings.Contains(dsn, "?") {
		separator = "&"
	}
	return dsn + separator + "talix_schema=" + schema, schema
}

// execute runs SQL on the server.
func execute(t *testing.T, sql string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context()) // it also runs when the test has ended
	conn, err := pgx.Connect(ctx, os.Getenv("TALIX_TEST_POSTGRES"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.PgConn().Exec(ctx, "SET client_min_messages = warning; "+sql).ReadAll(); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// What was stored on PostgreSQL is there for the next run of the program, its
// view too.
func TestPostgres(t *testing.T) {
	t.Parallel()
	store, _ := database(t)
	for _, want := range []string{`{"balance":5,"version":1}`, `{"balance":10,"version":2}`} {
		r := start(t, program(t, t.TempDir(), store), account.Service)
		if code, body := fetch(t, "POST", r.listen+"/accounts/a/deposits", `{"amount":5}`); code != http.StatusOK || strings.TrimSpace(body) != want {
			t.Errorf("deposit: %d %s, want %s", code, body, want)
		}
		r.end(t)
	}
	r := start(t, program(t, t.TempDir(), store), account.Service)
	defer r.end(t)
	proctest.Eventually(t, 30*time.Second, func() error {
		if code, body := fetch(t, "GET", r.listen+"/totals", ""); code != http.StatusOK || !strings.Contains(body, `"balance":10`) {
			return fmt.Errorf("totals: %d %s", code, body)
		}
		return nil
	})
}

// What stands in the way of opening a store on PostgreSQL is told with the mend,
// and without the password.
func TestPostgresRefused(t *testing.T) {
	t.Parallel()
	foreign, schema := database(t)
	execute(t, "CREATE SCHEMA "+schema+"; CREATE TABLE "+schema+".theirs (id int)")
	nobody, err := url.Parse(foreign)
	if err != nil {
		t.Fatal(err)
	}
	nobody.Path = "/no_such_database"
	for store, want := range map[string]string{
		"postgres://talix:secret@127.0.0.1:1/nowhere": "connect to the database",
		nobody.String(): "no_such_database",
		foreign:         "?talix_schema=",
		strings.Replace(foreign, "talix_schema=", "talix_schema=X", 1): "lower-case letters",
	} {
		app := program(t, t.TempDir(), store)
		app.Out, app.Log = io.Discard, slog.New(slog.DiscardHandler)
		err := app.Run(t.Context(), account.Service)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, which does not say %q", store, err, want)
		}
	}
}
