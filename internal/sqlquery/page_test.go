package sqlquery_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/sqlquery"
	"github.com/talix-dev/talix/table"
)

type (
	listed struct {
		ID    string
		Cents int64
	}
	filter struct {
		Least int64 `query:"least"`
		paging
	}
)

const listText = `SELECT id, cents, vendor FROM expenses WHERE cents >= :least; -- all of them`

// pages reads all pages; between runs after each.
func pages(tb testing.TB, q *sqlquery.Query, in filter, between func()) []listed {
	tb.Helper()
	var all []listed
	for range 10_000 {
		p := run[pageOf[listed]](tb, q, in)
		all = append(all, p.Items...)
		if p.Next == "" {
			return all
		}
		if len(p.Items) != in.Limit {
			tb.Fatalf("a page that is not the last has %d items, not %d", len(p.Items), in.Limit)
		}
		in.Cursor = p.Next
		between()
	}
	tb.Fatal("the pages don't end")
	return nil
}

// TestPagesWhileRowsArrive reads 1,000 rows in every order of two columns
// while others are inserted: those that were there are seen once, in order.
func TestPagesWhileRowsArrive(t *testing.T) {
	t.Parallel()
	for _, keys := range [][]string{{"id"}, {"id desc"}, {"cents", "id"}, {"cents desc", "id desc"}, {"cents", "id desc"}, {"cents desc", "id"}} {
		t.Run(strings.Join(keys, ", "), func(t *testing.T) {
			t.Parallel()
			tables := open(t)
			r := rand.New(rand.NewPCG(1, 2))
			there := map[string]bool{}
			var rows [][]any
			for i := range 1000 {
				id := fmt.Sprintf("e%06d", i*1000)
				there[id] = true
				rows = append(rows, []any{id, "d", "v", r.IntN(50)})
			}
			put(t, tables, expenses, rows...)
			q := compile(t, tables, many[filter, listed](strings.Replace(listText, ";", "", 1), keys...))
			before := pages(t, q, filter{paging: paging{Limit: 1000}}, func() {})
			fresh := 0
			got := pages(t, q, filter{paging: paging{Limit: 7}}, func() {
				fresh++
				put(t, tables, expenses, []any{fmt.Sprintf("e%06d", r.IntN(1000)*1000+fresh), "d", "v", r.IntN(50)})
			})
			got = slices.DeleteFunc(got, func(l listed) bool { return !there[l.ID] })
			if diff := cmp.Diff(before, got); diff != "" || len(got) != 1000 {
				t.Errorf("%d rows in pages of 7, of 1,000 (-want +got):\n%s", len(got), diff)
			}
			if !slices.IsSortedFunc(got, order(keys)) {
				t.Error("the rows are not in order")
			}
		})
	}
}

func order(keys []string) func(a, b listed) int {
	return func(a, b listed) int {
		for _, k := range keys {
			name, desc := strings.CutSuffix(k, " desc")
			c := strings.Compare(a.ID, b.ID)
			if name == "cents" {
				c = int(a.Cents - b.Cents)
			}
			if desc {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return 0
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	tables := open(t)
	var rows [][]any
	for i := range 150 {
		rows = append(rows, []any{fmt.Sprintf("e%03d", i), "d", "v", i})
	}
	put(t, tables, expenses, rows...)
	q := compile(t, tables, many[filter, listed](`SELECT id, cents FROM expenses WHERE cents >= :least`, "id"))
	if got := run[pageOf[listed]](t, q, filter{}); len(got.Items) != 100 || got.Next == "" {
		t.Errorf("without a limit: %d items, next %q", len(got.Items), got.Next)
	}
	if got := run[pageOf[listed]](t, q, filter{paging: paging{Limit: 150}}); len(got.Items) != 150 || got.Next != "" {
		t.Errorf("a page of all: %d items, next %q", len(got.Items), got.Next)
	}
	if got := run[pageOf[listed]](t, q, filter{Least: 1000}); len(got.Items) != 0 || got.Next != "" {
		t.Errorf("no rows: %+v", got)
	}
	for _, limit := range []int{-1, 1001} {
		f := fault(t.Context(), t, q, filter{paging: paging{Limit: limit}})
		if f.Code != registry.Invalid || len(f.Fields) != 1 || f.Fields[0].Location != "query.limit" {
			t.Errorf("limit %d: %v", limit, f)
		}
	}
}

func TestCursors(t *testing.T) {
	t.Parallel()
	tables := open(t)
	for i := range 9 {
		put(t, tables, expenses, []any{fmt.Sprint("e", i), "d", "v", i})
	}
	text := `SELECT id, cents FROM expenses WHERE cents >= :least`
	q := compile(t, tables, many[filter, listed](text, "id"))
	other := compile(t, tables, many[filter, listed](text, "id desc"))
	cursor := run[pageOf[listed]](t, q, filter{paging: paging{Limit: 2}}).Next
	again := run[pageOf[listed]](t, q, filter{paging: paging{Limit: 3, Cursor: cursor}})
	if len(again.Items) != 3 || again.Items[0].ID != "e2" {
		t.Errorf("a cursor with another limit: %+v", again)
	}
	raw, _ := base64.RawURLEncoding.DecodeString(cursor)
	encode := base64.RawURLEncoding.EncodeToString
	for name, c := range map[string]struct {
		q  *sqlquery.Query
		in filter
	}{
		"other filters": {q, filter{Least: 1, paging: paging{Cursor: cursor}}},
		"other query":   {other, filter{paging: paging{Cursor: cursor}}},
		"no base64":     {q, filter{paging: paging{Cursor: "%%%"}}},
		"short":         {q, filter{paging: paging{Cursor: "AQ"}}},
		"cut":           {q, filter{paging: paging{Cursor: encode(raw[:len(raw)-1])}}},
		"longer":        {q, filter{paging: paging{Cursor: encode(append(slices.Clone(raw), 0))}}},
		"other format":  {q, filter{paging: paging{Cursor: encode(append([]byte{9}, raw[1:]...))}}},
		"huge length":   {q, filter{paging: paging{Cursor: encode(append(slices.Clone(raw[:11]), 0xff, 0xff, 0xff, 0xff, 0x7f))}}},
	} {
		f := fault(t.Context(), t, c.q, c.in)
		if f.Code != registry.Invalid || len(f.Fields) != 1 || f.Fields[0].Location != "query.cursor" {
			t.Errorf("%s: %v", name, f)
		}
	}
}

// TestRowsThatNoCursorTells: rows that pages would lose are refused instead.
func TestRowsThatNoCursorTells(t *testing.T) {
	t.Parallel()
	type row struct{ ID string }
	read := func(tables table.Store, keys ...string) *registry.Fault {
		q := compile(t, tables, many[filter, row](`SELECT id, cents, vendor FROM expenses WHERE cents >= :least`, keys...))
		in := filter{paging: paging{Limit: 2}}
		for range 100 {
			out, err := q.Run(t.Context(), in)
			if err != nil {
				f, _ := errors.AsType[*registry.Fault](err)
				return f
			}
			if in.Cursor = out.(pageOf[row]).Next; in.Cursor == "" {
				return nil
			}
		}
		return nil
	}
	nulls := open(t)
	put(t, nulls, expenses, []any{"e1", "d", "a", 1}, []any{"e2", "d", "b", 1}, []any{"e3", "d", "c", 2}, []any{"e4", "d", nil, 2}, []any{"e5", "d", nil, 2})
	for _, keys := range [][]string{{"vendor"}, {"vendor desc"}, {"vendor desc", "id"}, {"cents", "vendor desc", "id"}, {"cents desc", "vendor", "id"}} {
		if f := read(nulls, keys...); f == nil || f.Code != registry.Internal || !strings.Contains(f.Error(), "NULL") {
			t.Errorf("NULLs in pages by %q: %v", keys, f)
		}
	}
	same := open(t)
	put(t, same, expenses, []any{"e1", "d", "a", 1}, []any{"e2", "d", "b", 2}, []any{"e3", "d", "c", 2})
	if f := read(same, "cents"); f == nil || f.Code != registry.Internal || !strings.Contains(f.Error(), "same values") {
		t.Errorf("equal keys: %v", f)
	}
	long := open(t)
	put(t, long, expenses, []any{"a" + strings.Repeat("x", 3000), "d", "a", 1}, []any{"b", "d", "a", 1}, []any{"c", "d", "a", 1}, []any{"d", "d", "a", 1})
	if f := read(long, "id"); f != nil {
		t.Errorf("a long key in mid-page: %v", f)
	}
	put(t, long, expenses, []any{"a", "d", "a", 1})
	if f := read(long, "id"); f == nil || !strings.Contains(f.Error(), "too long for a cursor") {
		t.Errorf("a long key at the page's end: %v", f)
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	tables := open(t)
	for i := range 40 {
		put(t, tables, expenses, []any{fmt.Sprint("e", i), "d", "v", i})
	}
	q := compile(t, tables, many[filter, listed](`SELECT id, cents FROM expenses WHERE cents >= :least`, "id"))
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for range 20 {
				if got := pages(t, q, filter{Least: int64(i), paging: paging{Limit: 5}}, func() {}); len(got) != 40-i {
					t.Errorf("%d rows, want %d", len(got), 40-i)
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkPage(b *testing.B) {
	tables := open(b)
	var rows [][]any
	for i := range 10_000 {
		rows = append(rows, []any{fmt.Sprintf("e%05d", i), "d", "v", i % 100})
	}
	put(b, tables, expenses, rows...)
	q := compile(b, tables, many[filter, listed](`SELECT id, cents FROM expenses WHERE cents >= :least`, "cents desc", "id"))
	in := filter{paging: paging{Limit: 100}}
	for range 20 {
		in.Cursor = run[pageOf[listed]](b, q, in).Next
	}
	b.ReportAllocs()
	for b.Loop() {
		run[pageOf[listed]](b, q, in)
	}
}
