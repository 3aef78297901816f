package sqlite

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/talix-dev/talix/table"
	"zombiezen.com/go/sqlite"
)

// Update implements table.Store. Once a call of the Tx failed, nothing is
// committed, whatever fn returns.
func (t *Tables) Update(ctx context.Context, fn func(table.Tx) error) error {
	if err := t.gate.enterWriter(ctx); err != nil {
		return fmt.Errorf("update tables: %w", err)
	}
	defer t.gate.leaveWriter()
	err := t.writer.transact(func() error { return t.writer.update(ctx, fn) })
	return t.explain("update tables", err)
}

// update runs fn in the transaction that is under way.
func (w *viewWriter) update(ctx context.Context, fn func(table.Tx) error) error {
	u := &update{ctx: ctx, writer: w}
	defer func() { u.failed = errTxEnded }()
	if err := fn(u); err != nil {
		return err
	}
	return firstOf(u.failed, ctx.Err())
}

var errTxEnded = errors.New("the transaction has ended")

// update is a table.Tx.
type update struct {
	ctx    context.Context // of the one call of Update that this lives in
	writer *viewWriter
	failed error
}

// on prepares for a call about a table.
func (u *update) on(s *table.Schema) (*tableStatements, error) {
	if u.failed != nil {
		return nil, u.failed
	}
	if err := u.ctx.Err(); err != nil {
		return nil, u.fail(err)
	}
	st, err := u.writer.statements(s)
	return st, u.fail(err)
}

func (u *update) fail(err error) error {
	if err != nil {
		u.failed = err
	}
	return err
}

// key binds the values of key columns.
func (u *update) key(stmt *sqlite.Stmt, s *table.Schema, columns []int, key []table.Value) error {
	if len(key) != len(columns) {
		return u.fail(fmt.Errorf("find row of %s: the key has %d values for %d columns", s.Name, len(key), len(columns)))
	}
	for i, c := range columns {
		if err := bind(stmt, i+1, s, c, key[i]); err != nil {
			return u.fail(err)
		}
	}
	return nil
}

// Get implements table.Tx.
func (u *update) Get(s *table.Schema, key []table.Value) (row []table.Value, err error) {
	st, err := u.on(s)
	if err != nil {
		return nil, err
	}
	if err := u.key(st.get, s, st.key, key); err != nil {
		return nil, err
	}
	_, err = lookup(st.get, func(found *sqlite.Stmt) { row = values(found, make([]table.Value, 0, len(s.Columns))) })
	return row, u.failAs("get row of", s, err)
}

// Scan implements table.Tx.
func (u *update) Scan(s *table.Schema, prefix []table.Value) iter.Seq2[[]table.Value, error] {
	return func(yield func([]table.Value, error) bool) {
		if err := u.scan(s, prefix, func(row []table.Value) bool { return yield(row, nil) }); err != nil {
			yield(nil, err)
		}
	}
}

func (u *update) scan(s *table.Schema, prefix []table.Value, each func([]table.Value) bool) error {
	st, err := u.on(s)
	if err != nil {
		return err
	}
	if len(prefix) > len(st.key) {
		return u.fail(fmt.Errorf("scan %s: the prefix has %d values for %d key columns", s.Name, len(prefix), len(st.key)))
	}
	stmt, err := u.writer.scan(s, st, len(prefix))
	if err != nil {
		return u.failAs("scan", s, err)
	}
	if err := u.key(stmt, s, st.key[:len(prefix)], prefix); err != nil {
		return err
	}
	defer stmt.Reset()
	row := make([]table.Value, 0, len(s.Columns))
	for {
		more, err := stmt.Step()
		if err != nil || !more {
			return u.failAs("scan", s, err)
		}
		if row = values(stmt, row[:0]); !each(row) {
			return nil
		}
	}
}

// Put implements table.Tx.
func (u *update) Put(s *table.Schema, row []table.Value) error {
	st, err := u.on(s)
	if err != nil {
		return err
	}
	if len(row) != len(s.Columns) {
		return u.fail(fmt.Errorf("put row into %s: it has %d values for %d columns", s.Name, len(row), len(s.Columns)))
	}
	for i := range row {
		if err := bind(st.put, i+1, s, i, row[i]); err != nil {
			return u.fail(err)
		}
	}
	return u.failAs("put row into", s, run(st.put))
}

// Delete implements table.Tx.
func (u *update) Delete(s *table.Schema, key []table.Value) error {
	st, err := u.on(s)
	if err != nil {
		return err
	}
	if err := u.key(st.remove, s, st.key, key); err != nil {
		return err
	}
	return u.failAs("delete row of", s, run(st.remove))
}

func (u *update) failAs(doing string, s *table.Schema, err error) error {
	if err == nil {
		return nil
	}
	if code := sqlite.ErrCode(err); code == sqlite.ResultConstraintUnique || code == sqlite.ResultConstraintPrimaryKey {
		err = fmt.Errorf("%w: %w", table.ErrConstraint, err)
	}
	return u.fail(fmt.Errorf("%s %s: %w", doing, s.Name, err))
}

// Mark implements table.Tx.
func (u *update) Mark(view string, partition int, from, to int64) error {
	if u.failed != nil {
		return u.failed
	}
	moved, err := u.writer.mark(view, partition, from, to)
	if err == nil && !moved {
		err = table.ErrMark
	}
	if err != nil {
		return u.fail(fmt.Errorf("move mark of %s in partition %d from %d: %w", view, partition, from, err))
	}
	return nil
}
