package sqlite

import (
	"context"
	"math"
	"time"

	"github.com/talix-dev/talix/store"
	"zombiezen.com/go/sqlite"
)

// addResult stores a batch's result, and tells whether the key was new. A
// batch without a key stores nothing, and neither does a fresh one, which is
// known by its events.
func (w *writer) addResult(b *store.Batch) (bool, error) {
	if b.Key.IsZero() || isFresh(b) {
		return true, nil
	}
	add, at := w.stmt.addResult, b.Time.UnixMicro()
	add.BindBytes(1, b.Key[:])
	add.BindInt64(2, at)
	bindBlob(add, 3, b.Result)
	if err := run(add); err != nil || w.conn.Changes() == 0 {
		return false, err
	}
	g := &w.group
	if len(g.keys) == 0 || at < g.oldest {
		g.oldest = at
	}
	g.keys = append(g.keys, b.Key[:]...)
	return true, nil
}

func bindBlob(stmt *sqlite.Stmt, param int, b []byte) {
	if b == nil {
		stmt.BindNull(param)
		return
	}
	stmt.BindBytes(param, b)
}

// writeAges notes which results the group stored, for Trim.
func (w *writer) writeAges() error {
	if len(w.group.keys) == 0 {
		return nil
	}
	w.stmt.addAges.BindInt64(1, w.group.oldest)
	w.stmt.addAges.BindBytes(2, w.group.keys)
	return run(w.stmt.addAges)
}

// result reads what is stored under a key, in the writer's own transaction.
func (w *writer) result(key store.ID) (result []byte, found bool, err error) {
	if key.IsZero() {
		return nil, false, nil
	}
	w.stmt.findResult.BindBytes(1, key[:])
	found, err = lookup(w.stmt.findResult, func(row *sqlite.Stmt) { result = blob(row, 0) })
	return result, found, err
}

// Result implements store.Store.
func (s *Store) Result(ctx context.Context, p store.Partition, key store.ID) (result []byte, found bool, err error) {
	err = s.read(ctx, p, func(r *reader) (err error) {
		stmt, err := r.prepare("SELECT result FROM results WHERE key = ?")
		if err != nil {
			return err
		}
		stmt.BindBytes(1, key[:])
		found, err = lookup(stmt, func(row *sqlite.Stmt) { result = blob(row, 0) })
		return err
	})
	if err != nil {
		return nil, false, explain("read result", s.layout, err)
	}
	return result, found, nil
}

// trimPortion is how many results one transaction of Trim looks at, so that
// commits don't wait long.
const trimPortion = 512

// Trim implements store.Store. It goes in small transactions.
func (s *Store) Trim(ctx context.Context, before time.Time, max int) (int, error) {
	n := 0
	for n < max {
		trimmed, more, err := s.trim(ctx, before.UnixMicro(), min(max-n, trimPortion))
		n += trimmed
		if err != nil {
			return n, explain("trim results", s.layout, err)
		}
		if !more {
			break
		}
	}
	return n, nil
}

func (s *Store) trim(ctx context.Context, before int64, max int) (n int, more bool, err error) {
	if err := s.gate.enterWriter(ctx); err != nil {
		return 0, false, err
	}
	defer s.gate.leaveWriter()
	if broken := s.broken.Load(); broken != nil {
		return 0, false, broken.err
	}
	n, more, err = s.writer.trimOnce(before, max)
	if err != nil && !s.writer.conn.AutocommitEnabled() {
		err = firstOf(s.writer.undo(), err)
	}
	if isDoubtful(err) {
		s.suspend(nil, nil, err)
	}
	return n, more, err
}

// trimOnce is one transaction of Trim.
func (w *writer) trimOnce(before int64, max int) (n int, more bool, err error) {
	if err := run(w.stmt.begin); err != nil {
		return 0, false, err
	}
	if n, more, err = w.trim(before, max); err != nil {
		return 0, false, err
	}
	if !more {
		return 0, false, run(w.stmt.rollback)
	}
	if err := run(w.stmt.commit); err != nil {
		return 0, false, err
	}
	return n, true, nil
}

// trim handles the keys of the commit with the oldest result.
func (w *writer) trim(before int64, max int) (n int, more bool, err error) {
	seq, keys, err := w.oldestAges(before)
	if err != nil || keys == nil {
		return 0, false, err
	}
	kept, oldest := keys[:0], int64(math.MaxInt64)
	for ; len(keys) > 0 && n < max; keys = keys[len(store.ID{}):] {
		key := keys[:len(store.ID{})]
		at, found, err := w.forget(key, before)
		if err != nil {
			return 0, false, err
		}
		if found && at < before {
			n++
		} else if found {
			kept, oldest = append(kept, key...), min(oldest, at)
		}
	}
	if len(keys) > 0 {
		kept, oldest = append(kept, keys...), before-1
	}
	return n, true, w.putAges(seq, oldest, kept)
}

func (w *writer) oldestAges(before int64) (seq int64, keys []byte, err error) {
	find, err := w.conn.Prepare("SELECT seq, keys FROM result_ages WHERE oldest < ? ORDER BY oldest LIMIT 1")
	if err != nil {
		return 0, nil, err
	}
	find.BindInt64(1, before)
	_, err = lookup(find, func(row *sqlite.Stmt) { seq, keys = row.ColumnInt64(0), blob(row, 1) })
	if err == nil && len(keys)%len(store.ID{}) != 0 {
		err = sqlite.ResultCorrupt.ToError()
	}
	return seq, keys, err
}

// forget deletes a result if it is old, and tells when it was made.
func (w *writer) forget(key []byte, before int64) (at int64, found bool, err error) {
	find, err := w.conn.Prepare("SELECT time FROM results WHERE key = ?")
	if err != nil {
		return 0, false, err
	}
	find.BindBytes(1, key)
	found, err = lookup(find, func(row *sqlite.Stmt) { at = row.ColumnInt64(0) })
	if err != nil || !found || at >= before {
		return at, found, err
	}
	remove, err := w.conn.Prepare("DELETE FROM results WHERE key = ?")
	if err != nil {
		return 0, false, err
	}
	remove.BindBytes(1, key)
	return at, true, run(remove)
}

// putAges keeps what is left of a commit's keys.
func (w *writer) putAges(seq, oldest int64, keys []byte) error {
	text := "UPDATE result_ages SET oldest = ?2, keys = ?3 WHERE seq = ?1"
	if len(keys) == 0 {
		text = "DELETE FROM result_ages WHERE seq = ?1"
	}
	stmt, err := w.conn.Prepare(text)
	if err != nil {
		return err
	}
	stmt.BindInt64(1, seq)
	if len(keys) > 0 {
		stmt.BindInt64(2, oldest)
		stmt.BindBytes(3, keys)
	}
	return run(stmt)
}
