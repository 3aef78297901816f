package sqlquery_test

import (
	"context"

	"github.com/talix-dev/talix/table"
)

// dialect has a name that leaves the method Dialect to be seen.
type dialect = table.Dialect

// spy notes the first text that is prepared.
type spy struct {
	table.Store
	dialect
	sql *string
}

var _ table.Dialect = spy{}

func (s spy) Prepare(ctx context.Context, sql string, over []table.Schema) (table.Statement, error) {
	if *s.sql == "" {
		*s.sql = sql
	}
	return s.Store.Prepare(ctx, sql, over)
}
