package sqlquery_test

import (
	"strings"
	"testing"

	"github.com/talix-dev/talix/internal/sqlquery"
	"github.com/talix-dev/talix/table"
)

// expanded is the text that the database gets.
func expanded(tb testing.TB, tables table.Store, text string) (sql string) {
	type input struct {
		IDs []string `query:"ids"`
		Q   string   `query:"q"`
	}
	_, _ = sqlquery.Compile(tb.Context(), sqlquery.Config{Tables: spy{tables, tables.(table.Dialect), &sql}}, many[input, found](text))
	return sql
}

func TestWhatIsExpanded(t *testing.T) {
	t.Parallel()
	tables := open(t)
	for text, want := range map[string]string{
		`SELECT id FROM t WHERE id IN (:ids)`:                     `SELECT id FROM t WHERE id IN (SELECT value FROM json_each(:ids))`,
		`SELECT id FROM t WHERE id IN search( "t" ,:q)`:           `SELECT id FROM t WHERE id IN (SELECT "_talix_key" FROM "t_talix_text" WHERE "t_talix_text" MATCH :talix_search_q)`,
		`SELECT ':ids', "IN (:ids)" FROM t -- IN (:ids)`:          ``,
		`SELECT id /* search(t, :q) */ FROM t`:                    ``,
		`SELECT 'it''s' || search FROM t`:                         ``,
		`SELECT t.search(t, :q) FROM t`:                           ``,
		`SELECT id::text FROM t WHERE :q::text IS NULL`:           ``,
		`SELECT id FROM t WHERE :ids IS NULL OR :ids IS NOT NULL`: ``,
		`SELECT 'open`:   ``,
		`SELECT "open`:   ``,
		`SELECT /* open`: ``,
		`SELECT id FROM t WHERE id IN (:ids) AND 'é' IN ( :ids ) --`: `SELECT id FROM t WHERE id IN (SELECT value FROM json_each(:ids)) AND 'é' IN ( SELECT value FROM json_each(:ids) ) --`,
	} {
		if want == "" {
			want = text
		}
		if got := expanded(t, tables, text); got != want {
			t.Errorf("%s\nbecame %s\nwant   %s", text, got, want)
		}
	}
}

// FuzzExpand: whatever the text, nothing but sets and calls changes, and none
// of it in quotes or comments.
func FuzzExpand(f *testing.F) {
	tables := open(f)
	for _, seed := range []string{"SELECT :ids", "IN (:ids)", "search(t, :q)", "'", `"`, "--", "/*", "::", ":", "`", "IN(:ids)/*", "as_of(t,:q)x", "\xff:q", "search(search(t,:q),:q)"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got := expanded(t, tables, text); got != "" && got != text && !strings.Contains(text, ":") {
			t.Errorf("%q became %q", text, got)
		}
	})
}
