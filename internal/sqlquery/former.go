package sqlquery

import (
	"context"
	"slices"
)

// Fits tells whether the query runs over the tables that are there and has the
// same parameters and columns over them: they may be of a former definition.
func (q *Query) Fits(ctx context.Context) bool {
	now, err := q.cfg.Tables.Prepare(ctx, q.text.sql, nil)
	if err != nil || !slices.Equal(now.Columns, q.text.columns) {
		return false
	}
	return slices.Equal(now.Params, q.text.params)
}
