package sqlquery_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/sqlquery"
	"github.com/talix-dev/talix/store/sqlite"
	"github.com/talix-dev/talix/table"
)

var (
	expenses = table.Schema{Name: "expenses", Fingerprint: "1", Columns: []table.Column{
		{Name: "id", Kind: table.Text, Key: true},
		{Name: "document_id", Kind: table.Text, Index: true},
		{Name: "vendor", Kind: table.Text, Null: true},
		{Name: "cents", Kind: table.Int, Index: true},
	}}
	documents = table.Schema{Name: "documents", Fingerprint: "1", Columns: []table.Column{
		{Name: "id", Kind: table.Text, Key: true},
		{Name: "name", Kind: table.Text},
	}}
)

func open(tb testing.TB) table.Store {
	tb.Helper()
	tables, err := sqlite.OpenTables(tb.Context(), sqlite.TablesConfig{})
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

func put(tb testing.TB, tables table.Store, s table.Schema, rows ...[]any) {
	tb.Helper()
	err := tables.Update(tb.Context(), func(tx table.Tx) error {
		for _, row := range rows {
			if err := tx.Put(&s, values(row)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
}

func remove(tb testing.TB, tables table.Store, s table.Schema, keys ...string) {
	tb.Helper()
	err := tables.Update(tb.Context(), func(tx table.Tx) error {
		for _, key := range keys {
			if err := tx.Delete(&s, []table.Value{table.TextValue(key)}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
}

func values(row []any) []table.Value {
	var vs []table.Value
	for _, v := range row {
		switch v := v.(type) {
		case nil:
			vs = append(vs, table.Value{})
		case string:
			vs = append(vs, table.TextValue(v))
		case float64:
			vs = append(vs, table.FloatValue(v))
		case int:
			vs = append(vs, table.IntValue(int64(v)))
		default:
			panic(fmt.Sprintf("no value of %T", v))
		}
	}
	return vs
}

type paging struct {
	Cursor string `query:"cursor"`
	Limit  int    `query:"limit"`
}

type pageOf[R any] struct {
	Items      []R
	Next, Prev string
}

func many[In, R any](text string, keys ...string) *registry.Query {
	q := &registry.Query{Name: "a-query", Place: "bank/query.go:9", In: reflect.TypeFor[In](), SQL: &registry.SQL{Text: text, Row: reflect.TypeFor[R]()}}
	q.SQL.Collect = func(rows []any, cursors registry.Cursors) any {
		p := pageOf[R]{Next: cursors.Next, Prev: cursors.Prev}
		for _, r := range rows {
			p.Items = append(p.Items, *r.(*R))
		}
		return p
	}
	for _, k := range keys {
		name, desc := strings.CutSuffix(k, " desc")
		q.SQL.Page = append(q.SQL.Page, registry.PageKey{Column: name, Desc: desc})
	}
	return q
}

func one[In, R any](text string) *registry.Query {
	q := many[In, R](text)
	q.SQL.One = true
	q.SQL.Collect = func(rows []any, _ registry.Cursors) any { return *rows[0].(*R) }
	return q
}

func compile(tb testing.TB, tables table.Store, def *registry.Query) *sqlquery.Query {
	tb.Helper()
	return compileWith(tb, sqlquery.Config{Tables: tables}, def)
}

func compileWith(tb testing.TB, cfg sqlquery.Config, def *registry.Query) *sqlquery.Query {
	tb.Helper()
	q, faults := sqlquery.Compile(tb.Context(), cfg, def)
	for _, err := range faults {
		tb.Error(err)
	}
	if len(faults) > 0 {
		tb.FailNow()
	}
	return q
}

func run[Out any](tb testing.TB, q *sqlquery.Query, in any) Out {
	tb.Helper()
	out, err := q.Run(tb.Context(), in)
	if err != nil {
		tb.Fatal(err)
	}
	return out.(Out)
}

func fault(ctx context.Context, tb testing.TB, q *sqlquery.Query, in any) *registry.Fault {
	tb.Helper()
	_, err := q.Run(ctx, in)
	f, ok := errors.AsType[*registry.Fault](err)
	if !ok {
		tb.Fatalf("error %v (%T), want a Fault", err, err)
	}
	return f
}
