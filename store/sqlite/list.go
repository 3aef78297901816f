package sqlite

import (
	"context"
	"time"

	"github.com/talix-dev/talix/store"
	"zombiezen.com/go/sqlite"
)

// Results implements store.Lister.
func (s *Store) Results(ctx context.Context, after store.KeptResult, max int) (found []store.KeptResult, err error) {
	err = s.list(ctx, 0, max, "SELECT key, result, time FROM results WHERE key > ? ORDER BY key LIMIT ?", func(stmt *sqlite.Stmt) {
		stmt.BindBytes(1, after.Key[:])
		stmt.BindInt64(2, int64(max))
	}, func(row *sqlite.Stmt) {
		r := store.KeptResult{Result: blob(row, 1), Time: time.UnixMicro(row.ColumnInt64(2)).UTC()}
		row.ColumnBytes(0, r.Key[:])
		found = append(found, r)
	})
	return found, explainList("list results", s, err)
}

// Marks implements store.Lister. The order is that of the names' bytes.
func (s *Store) Marks(ctx context.Context, p store.Partition, after string, max int) (found []store.KeptMark, err error) {
	err = s.list(ctx, p, max, "SELECT consumer, position FROM marks WHERE consumer > ? ORDER BY consumer LIMIT ?", func(stmt *sqlite.Stmt) {
		stmt.BindText(1, after)
		stmt.BindInt64(2, int64(max))
	}, func(row *sqlite.Stmt) {
		found = append(found, store.KeptMark{Consumer: row.ColumnText(0), At: store.Position(row.ColumnInt64(1))})
	})
	return found, explainList("list marks", s, err)
}

// Spaces implements store.Lister. It leaps from one space to the next.
func (s *Store) Spaces(ctx context.Context, p store.Partition) (found []string, err error) {
	for after, more := "", true; more && err == nil; {
		more = false
		err = s.list(ctx, p, 1, "SELECT space FROM records WHERE space > ? ORDER BY space LIMIT 1", func(stmt *sqlite.Stmt) {
			stmt.BindText(1, after)
		}, func(row *sqlite.Stmt) {
			after, more = row.ColumnText(0), true
			found = append(found, after)
		})
	}
	return found, explainList("list spaces", s, err)
}

// list reads the rows of a query.
func (s *Store) list(ctx context.Context, p store.Partition, max int, query string, bind, add func(*sqlite.Stmt)) error {
	if max < 1 {
		return errNoPage
	}
	return s.read(ctx, p, func(r *reader) error {
		stmt, err := r.prepare(query)
		if err != nil {
			return err
		}
		defer stmt.Reset()
		bind(stmt)
		for {
			if more, err := stmt.Step(); err != nil || !more {
				return err
			}
			add(stmt)
		}
	})
}

func explainList(doing string, s *Store, err error) error {
	if err == nil {
		return nil
	}
	return explain(doing, s.layout, err)
}
