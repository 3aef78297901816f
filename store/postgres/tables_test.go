package postgres_test

import (
	"testing"

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
