package runtime

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/table"
)

// Rows are rows of a query that a person wrote.
type Rows struct {
	Columns []string
	Rows    [][]table.Value
	// More tells that there are more rows than were asked for.
	More bool
}

// SQL runs a query that a person wrote over the view tables, which it cannot
// change: one SELECT. It has as long as QueryConfig.Timeout says, and gives up
// to max rows. The tables are as they are now; it waits for no view.
func (v Views) SQL(ctx context.Context, text string, max int, args ...table.Arg) (Rows, error) {
	if v.r.projector == nil {
		return Rows{}, talix.NotFound("this runtime has no views")
	}
	if first := strings.ToUpper(firstWord(text)); first != "SELECT" && first != "WITH" && first != "VALUES" {
		return Rows{}, talix.Invalid("sql", "begins with %q: write one SELECT", first)
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(v.r.cfg.Queries.Timeout, 10*time.Second))
	defer cancel()
	s, err := v.r.cfg.Tables.Prepare(ctx, text, nil)
	if err != nil {
		return Rows{}, talix.Invalid("sql", "%v", err)
	}
	out := Rows{Columns: s.Columns}
	for row, err := range v.r.cfg.Tables.Query(ctx, text, args) {
		switch {
		case err != nil:
			return Rows{}, talix.Reject("the query failed: %w", explained(ctx, err))
		case len(out.Rows) == max:
			out.More = true
			return out, nil
		}
		out.Rows = append(out.Rows, append([]table.Value(nil), row...))
	}
	return out, nil
}

func explained(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("it took too long: ask for less: %w", err)
	}
	return err
}

func firstWord(text string) string {
	text = strings.TrimLeft(text, " \t\r\n(")
	end := strings.IndexFunc(text, func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') })
	if end < 0 {
		return text
	}
	return text[:end]
}

// Rows are up to max rows of one of the views' tables in the order of its key,
// after as many as offset says.
func (v Views) Rows(ctx context.Context, name string, offset, max int) (Rows, error) {
	s := v.r.tableSchema(name)
	if s == nil {
		return Rows{}, talix.NotFound("no view has a table %q", name)
	}
	var key []string
	for _, i := range s.Key() {
		key = append(key, quoteName(s.Columns[i].Name))
	}
	text := "SELECT * FROM " + quoteName(name) + " ORDER BY " + strings.Join(key, ", ") + fmt.Sprintf(" LIMIT %d OFFSET %d", max+1, offset)
	return v.SQL(ctx, text, max)
}

// Count counts the rows of one of the views' tables.
func (v Views) Count(ctx context.Context, name string) (int64, error) {
	if v.r.tableSchema(name) == nil {
		return 0, talix.NotFound("no view has a table %q", name)
	}
	rows, err := v.SQL(ctx, "SELECT count(*) AS n FROM "+quoteName(name), 1)
	if err != nil || len(rows.Rows) == 0 {
		return 0, err
	}
	return rows.Rows[0][0].Int(), nil
}

func quoteName(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
