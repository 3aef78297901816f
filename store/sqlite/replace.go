package sqlite

import (
	"context"
	"fmt"

	"github.com/talix-dev/talix/table"
)

// Replace implements table.Store. It takes as long as dropping the old tables
// does; reading goes on meanwhile.
func (t *Tables) Replace(ctx context.Context, as, by []table.Schema, fn func(table.Tx) error) error {
	if err := firstOf(checkSchemas(as), checkSchemas(by)); err != nil {
		return fmt.Errorf("replace tables: %w", err)
	}
	if len(as) == 0 || len(as) != len(by) {
		return fmt.Errorf("replace tables: %d tables can't take the place of %d", len(by), len(as))
	}
	err := t.change(ctx, func(w *viewWriter) error {
		if err := w.replace(as, by); err != nil {
			return err
		}
		return w.update(ctx, fn)
	})
	return t.explain("replace tables", err)
}

func (w *viewWriter) replace(as, by []table.Schema) error {
	old, err := w.texts("SELECT name FROM _talix_views WHERE view = ?", as[0].Writer())
	for i := range as {
		old = append(old, as[i].Name)
	}
	for _, name := range old {
		err = firstOf(err, w.drop(name))
	}
	err = firstOf(err, w.forgetMarks(as[0].Writer()))
	for i := range as {
		err = firstOf(err, w.rename(&by[i], &as[i]))
	}
	return firstOf(err, w.exec("UPDATE _talix_marks SET view = ? WHERE view = ?", as[0].Writer(), by[0].Writer()))
}

func (w *viewWriter) rename(from, to *table.Schema) error {
	var all []string
	if hasFulltext(from) {
		all = dropTriggers(from.Name)
	}
	all = append(all, rename(from.Name, to.Name))
	if hasFulltext(from) {
		others := beside(to.Name)
		for i, name := range beside(from.Name) {
			all = append(all, rename(name, others[i]))
		}
		all = append(all, createTriggers(to)...)
	}
	return firstOf(configure(w.conn, all...), w.exec("DELETE FROM _talix_views WHERE name = ?", from.Name), w.note(to))
}

func rename(from, to string) string {
	return "ALTER TABLE " + quoted(from) + " RENAME TO " + quoted(to)
}
