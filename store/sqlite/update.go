package sqlite

import (
	"context"
	"errors"
	"fmt"

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
	u := &update{ctx: ctx, writer: t.writer}
	defer func() { u.failed = errTxEnded }()
	err := t.writer.transact(func() error {
		if err := fn(u); err != nil {
			return err
		}
		return firstOf(u.failed, ctx.Err())
	})
	if err == nil {
		return nil
	}
	return t.explain("update tables", err)
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

// Get implements table.Tx.
func (u *update) Get(s *table.Schema, key table.Value) (row []table.Value, err error) {
	st, err := u.on(s)
	if err != nil {
		return nil, err
	}
	if err := bind(st.get, 1, s, st.key, key); err != nil {
		return nil, u.fail(err)
	}
	_, err = lookup(st.get, func(found *sqlite.Stmt) { row = values(found, make([]table.Value, 0, len(s.Columns))) })
	return row, u.failAs("get row of", s, err)
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
func (u *update) Delete(s *table.Schema, key table.Value) error {
	st, err := u.on(s)
	if err != nil {
		return err
	}
	if err := bind(st.remove, 1, s, st.key, key); err != nil {
		return u.fail(err)
	}
	return u.failAs("delete row of", s, run(st.remove))
}

func (u *update) failAs(doing string, s *table.Schema, err error) error {
	if err == nil {
		return nil
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
