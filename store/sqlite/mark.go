package sqlite

import (
	"context"

	"github.com/talix-dev/talix/store"
	"zombiezen.com/go/sqlite"
)

// marksFit tells whether every mark stands where the batch expects it.
func (w *writer) marksFit(marks []store.Mark) (bool, error) {
	for i := range marks {
		at, err := w.markBefore(marks, i)
		if err != nil || at != marks[i].From {
			return false, err
		}
	}
	return true, nil
}

// markBefore is where the consumer's mark stands when the i-th is moved.
func (w *writer) markBefore(marks []store.Mark, i int) (store.Position, error) {
	for j := i - 1; j >= 0; j-- {
		if marks[j].Consumer == marks[i].Consumer {
			return marks[j].To, nil
		}
	}
	var at int64
	w.stmt.findMark.BindText(1, marks[i].Consumer)
	_, err := lookup(w.stmt.findMark, func(row *sqlite.Stmt) { at = row.ColumnInt64(0) })
	return store.Position(at), err
}

func (w *writer) putMarks(marks []store.Mark) error {
	for i := range marks {
		w.stmt.putMark.BindText(1, marks[i].Consumer)
		w.stmt.putMark.BindInt64(2, int64(marks[i].To))
		if err := run(w.stmt.putMark); err != nil {
			return err
		}
	}
	return nil
}

// Mark implements store.Store.
func (s *Store) Mark(ctx context.Context, consumer string, p store.Partition) (at store.Position, found bool, err error) {
	err = s.read(ctx, p, func(r *reader) (err error) {
		stmt, err := r.prepare("SELECT position FROM marks WHERE consumer = ?")
		if err != nil {
			return err
		}
		stmt.BindText(1, consumer)
		found, err = lookup(stmt, func(row *sqlite.Stmt) { at = store.Position(row.ColumnInt64(0)) })
		return err
	})
	if err != nil {
		return 0, false, explain("read mark of "+consumer, s.layout, err)
	}
	return at, found, nil
}
