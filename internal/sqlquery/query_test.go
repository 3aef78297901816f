package sqlquery_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/sqlquery"
)

type none struct{}

type expenseRow struct {
	ID           string
	Vendor       *string
	Cents        int64
	DocumentName *string
}

func ptr[T any](v T) *T { return &v }

func TestJoinsAndAggregates(t *testing.T) {
	t.Parallel()
	tables := open(t)
	put(t, tables, documents, []any{"d1", "one.pdf"}, []any{"d2", "two.pdf"})
	put(t, tables, expenses, []any{"e1", "d1", "Shop", 100}, []any{"e2", "d2", nil, 250}, []any{"e3", "d9", "Shop", 7})

	type filter struct {
		Least int64 `query:"least"`
	}
	q := compile(t, tables, many[filter, expenseRow](`
		SELECT e.*, d.name AS document_name FROM expenses e LEFT JOIN documents d ON d.id = e.document_id
		WHERE e.cents >= :least ORDER BY e.id -- by id`))
	want := []expenseRow{{"e1", ptr("Shop"), 100, ptr("one.pdf")}, {"e2", nil, 250, ptr("two.pdf")}, {"e3", ptr("Shop"), 7, nil}}
	if diff := cmp.Diff(want, run[pageOf[expenseRow]](t, q, filter{}).Items); diff != "" {
		t.Errorf("left join (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want[:2], run[pageOf[expenseRow]](t, q, &filter{100}).Items); diff != "" {
		t.Errorf("with a filter, by pointer (-want +got):\n%s", diff)
	}
	got := q.Tables()
	slices.Sort(got)
	if got != nil && !slices.Equal(got, []string{"documents", "expenses"}) {
		t.Errorf("tables %q", got)
	}

	type sum struct {
		Vendor string
		Count  int
		Cents  int64
		Mean   float64
	}
	sums := compile(t, tables, many[none, sum](`
		SELECT coalesce(vendor, '-') AS vendor, count(*) AS count, sum(cents) AS cents, avg(cents) AS mean
		FROM expenses GROUP BY vendor ORDER BY 1`))
	if diff := cmp.Diff([]sum{{"-", 1, 250, 250}, {"Shop", 2, 107, 53.5}}, run[pageOf[sum]](t, sums, none{}).Items); diff != "" {
		t.Errorf("sums per group (-want +got):\n%s", diff)
	}
}

func TestOne(t *testing.T) {
	t.Parallel()
	tables := open(t)
	put(t, tables, documents, []any{"d1", "one"}, []any{"d2", "two"})
	type byName struct {
		Like string `path:"like"`
	}
	type row struct{ Name string }
	q := compile(t, tables, one[byName, row](`SELECT name FROM documents WHERE name LIKE :like`))
	if got := run[row](t, q, byName{"on%"}); got.Name != "one" {
		t.Errorf("row %+v", got)
	}
	if f := fault(t.Context(), t, q, byName{"x"}); f.Code != registry.NotFound {
		t.Errorf("no row: %v", f)
	}
	if f := fault(t.Context(), t, q, byName{"%"}); f.Code != registry.Internal || !strings.Contains(f.Error(), "bank/query.go:9") {
		t.Errorf("two rows: %v", f)
	}
	if f := fault(t.Context(), t, q, "input"); f.Code != registry.Internal {
		t.Errorf("an input of another type: %v", f)
	}
}

func TestMaxRows(t *testing.T) {
	t.Parallel()
	tables := open(t)
	put(t, tables, documents, []any{"d1", "one"}, []any{"d2", "two"}, []any{"d3", "three"})
	type row struct{ ID string }
	q := compileWith(t, sqlquery.Config{Tables: tables, MaxRows: 3}, many[none, row](`SELECT id FROM documents`))
	if got := run[pageOf[row]](t, q, none{}); len(got.Items) != 3 {
		t.Errorf("%d rows, want 3", len(got.Items))
	}
	put(t, tables, documents, []any{"d4", "four"})
	if f := fault(t.Context(), t, q, none{}); f.Code != registry.Internal || !strings.Contains(f.Error(), "PageBy") {
		t.Errorf("too many rows: %v", f)
	}
}

// endless computes until it is interrupted.
const endless = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) AS top FROM n`

func TestTimeLimit(t *testing.T) {
	t.Parallel()
	type row struct{ Top *int64 }
	tables := open(t)
	q := compileWith(t, sqlquery.Config{Tables: tables, Timeout: 20 * time.Millisecond}, one[none, row](endless))
	f := fault(t.Context(), t, q, none{})
	if f.Code != registry.Unavailable || !strings.Contains(f.Message, "20ms") {
		t.Errorf("a query that takes too long: %v", f)
	}
	q = compile(t, tables, one[none, row](endless))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if f := fault(ctx, t, q, none{}); f.Code != registry.Unavailable || !errors.Is(f, context.DeadlineExceeded) {
		t.Errorf("a caller that goes away: %v", f)
	}
}

func TestReadOnly(t *testing.T) {
	t.Parallel()
	tables := open(t)
	put(t, tables, documents, []any{"d1", "one"})
	type row struct{ ID string }
	for _, text := range []string{
		`DELETE FROM documents RETURNING id`,
		`INSERT INTO documents VALUES ('x', 'y') RETURNING id`,
		`DROP TABLE documents`,
		`PRAGMA query_only = 0`,
		`SELECT id FROM documents; DELETE FROM documents`,
	} {
		q, faults := sqlquery.Compile(t.Context(), sqlquery.Config{Tables: tables}, many[none, row](text))
		if len(faults) == 0 {
			if _, err := q.Run(t.Context(), none{}); err == nil {
				t.Errorf("%s ran", text)
			}
		}
	}
	q := compile(t, tables, many[none, row](`SELECT id FROM documents`))
	if got := run[pageOf[row]](t, q, none{}); len(got.Items) != 1 {
		t.Errorf("rows %+v after all that", got)
	}
}

func TestBadValues(t *testing.T) {
	t.Parallel()
	tables := open(t)
	put(t, tables, expenses, []any{"e1", "d1", nil, 100})
	type row struct{ Vendor string }
	q := compile(t, tables, many[none, row](`SELECT vendor FROM expenses`))
	if f := fault(t.Context(), t, q, none{}); f.Code != registry.Internal || !strings.Contains(f.Error(), "field Vendor: the value is NULL") {
		t.Errorf("NULL in a field that can't be NULL: %v", f)
	}
	type input struct{ N uint64 }
	type count struct{ N int }
	q = compile(t, tables, one[input, count](`SELECT count(*) AS n FROM expenses WHERE cents > :n`))
	if f := fault(t.Context(), t, q, input{1 << 63}); f.Code != registry.Invalid {
		t.Errorf("a parameter that is too large: %v", f)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	tables := open(t)
	type input struct {
		Vendor string   `query:"vendor"`
		Many   []string `query:"many"`
	}
	type paged struct {
		input
		paging
	}
	type row struct {
		ID    string
		Cents int64
	}
	for name, c := range map[string]struct {
		def  *registry.Query
		want []string
	}{
		"syntax":            {many[input, row](`SELECT id, cents FRO expenses`), []string{"does not take its text", "FRO"}},
		"unknown table":     {many[input, row](`SELECT id, cents FROM expensive`), []string{"expensive"}},
		"no rows":           {many[input, row](`DROP TABLE expenses`), []string{"query \"a-query\""}},
		"unknown parameter": {many[input, row](`SELECT id, cents FROM expenses WHERE vendor = :seller`), []string{":seller", "which has :vendor, :many", "vendor = :seller"}},
		"list":              {many[input, row](`SELECT id, cents FROM expenses WHERE vendor = :many`), []string{":many", "is a set: write IN (:many)"}},
		"missing column":    {many[input, row](`SELECT id, vendor FROM expenses`), []string{`has the column "cents"`, "id, vendor", "add it to the SELECT"}},
		"two columns":       {many[input, row](`SELECT e.*, d.id FROM expenses e, documents d`), []string{`two columns named "id"`, "AS"}},
		"no struct":         {many[input, int](`SELECT id FROM expenses`), []string{"make it a struct"}},
		"no paging":         {many[input, row](`SELECT id, cents FROM expenses`, "id"), []string{"embed talix.Paging in"}},
		"unknown key":       {many[paged, row](`SELECT id, cents FROM expenses`, "vendor"), []string{`PageBy names the column "vendor"`, "id, cents"}},
		"own limit":         {many[paged, row](`SELECT id, cents FROM expenses LIMIT :limit`, "id"), []string{":limit, which PageBy does by itself"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, faults := sqlquery.Compile(t.Context(), sqlquery.Config{Tables: tables}, c.def)
			if len(faults) == 0 {
				t.Fatal("no fault")
			}
			got := errors.Join(faults...).Error()
			for _, part := range append(c.want, "bank/query.go:9: query \"a-query\": ") {
				if !strings.Contains(got, part) {
					t.Errorf("%q is not in the fault: %s", part, got)
				}
			}
		})
	}
}

func TestAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	type row struct{ A, B string }
	_, faults := sqlquery.Compile(t.Context(), sqlquery.Config{Tables: open(t)}, many[none, row](`SELECT id, id FROM documents WHERE id = :x OR id = :y`))
	if len(faults) != 5 {
		t.Errorf("%d faults, want 5: two parameters, two fields and a double column:\n%v", len(faults), errors.Join(faults...))
	}
}
