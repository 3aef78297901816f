package sqlite_test

import (
	"testing"

	"github.com/talix-dev/talix/store/sqlite"
	"github.com/talix-dev/talix/table"
	"github.com/talix-dev/talix/table/tabletest"
)

func TestTables(t *testing.T) {
	t.Parallel()
	tabletest.Run(t, func(t *testing.T) table.Store {
		s, err := sqlite.OpenTables(t.Context(), sqlite.TablesConfig{})
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}
