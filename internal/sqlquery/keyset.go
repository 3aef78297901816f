package sqlquery

import (
	"fmt"
	"slices"
	"strings"

	"github.com/talix-dev/talix/internal/registry"
)

// limitParam and keyParam are the parameters that paging adds.
const limitParam = "talix_limit"

func keyParam(i int) string { return fmt.Sprintf("talix_key_%d", i) }

// wrap makes a table of a text. The line breaks end a comment at its end.
func wrap(text string) string {
	return "SELECT * FROM (\n" + strings.TrimRight(text, "; \t\r\n") + "\n) AS talix_page"
}

// texts are the forms of a query with pages: its first rows in the order of the
// keys, the first of those that follow a row, the last of those before one from
// there backwards, and all in order.
type texts struct{ first, next, prev, all string }

func pageTexts(from string, keys []registry.PageKey) texts {
	limit := " LIMIT :" + limitParam
	back := reversed(keys)
	return texts{
		first: from + orderBy(keys) + limit,
		next:  from + "\nWHERE " + following(keys) + orderBy(keys) + limit,
		prev:  from + "\nWHERE " + following(back) + orderBy(back) + limit,
		all:   from + orderBy(keys),
	}
}

func orderBy(keys []registry.PageKey) string {
	var order []string
	for _, k := range keys {
		dir := " ASC"
		if k.Desc {
			dir = " DESC"
		}
		order = append(order, quote(k.Column)+dir)
	}
	return "\nORDER BY " + strings.Join(order, ", ")
}

func reversed(keys []registry.PageKey) []registry.PageKey {
	back := slices.Clone(keys)
	for i := range back {
		back[i].Desc = !back[i].Desc
	}
	return back
}

// following is the condition that a row comes after the one whose keys are the
// parameters. The bound on the first key alone is implied by the rest, and lets
// the database go to the place in an index.
func following(keys []registry.PageKey) string {
	last := len(keys) - 1
	cond := after(keys, last, "")
	for i := last - 1; i >= 0; i-- {
		cond = fmt.Sprintf("(%s OR (%s = :%s AND %s))", after(keys, i, ""), quote(keys[i].Column), keyParam(i), cond)
	}
	if last == 0 {
		return cond
	}
	return after(keys, 0, "=") + " AND " + cond
}

// after compares one key.
func after(keys []registry.PageKey, i int, orEqual string) string {
	op := ">"
	if keys[i].Desc {
		op = "<"
	}
	return fmt.Sprintf("%s %s%s :%s", quote(keys[i].Column), op, orEqual, keyParam(i))
}

// nullText finds a row that has NULL in a key. No comparison holds for it, so
// that pages would pass it over.
func nullText(from string, keys []registry.PageKey) string {
	var nulls []string
	for _, k := range keys {
		nulls = append(nulls, quote(k.Column)+" IS NULL")
	}
	return from + "\nWHERE " + strings.Join(nulls, " OR ") + " LIMIT 1"
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
