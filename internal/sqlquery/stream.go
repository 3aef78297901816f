package sqlquery

import (
	"context"
	"iter"
	"reflect"
)

// Each gives the rows of the query for an input of type In, as pointers to
// rows: those of all pages, in their order. They are as of one moment. The first
// error ends it; errors are of type *registry.Fault.
func (q *Query) Each(ctx context.Context, in any) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		_, args, err := q.given(in)
		if err != nil {
			yield(nil, err)
			return
		}
		limited, cancel := context.WithTimeoutCause(ctx, q.cfg.StreamTimeout, errSlowStream)
		defer cancel()
		for values, err := range q.cfg.Tables.Query(limited, q.all.sql, args) {
			if err != nil {
				yield(nil, q.failed(limited, err))
				return
			}
			row := reflect.New(q.def.SQL.Row)
			if err := q.all.read.Scan(row.Elem(), values); err != nil {
				yield(nil, q.internal(err))
				return
			}
			if !yield(row.Interface(), nil) {
				return
			}
		}
	}
}
