package sqlite

import (
	"context"
	"iter"

	"github.com/talix-dev/talix/table"
	"zombiezen.com/go/sqlite"
)

// A query's rows are read in portions before the caller sees them. Most
// results are one portion, so that no connection waits for the caller's loop.
const (
	portionRows  = 512
	portionBytes = 256 << 10
)

// Query implements table.Store. Values of args that the query does not name
// are ignored. A result of more than a portion is a view of one moment, which
// keeps the write-ahead log from being reused until the loop ends.
func (t *Tables) Query(ctx context.Context, sql string, args []table.Arg) iter.Seq2[[]table.Value, error] {
	return func(yield func([]table.Value, error) bool) {
		c := cursor{tables: t, ctx: ctx}
		defer c.end()
		err := c.start(sql, args)
		for err == nil {
			if err = c.fill(); err != nil {
				break
			}
			if !c.each(yield) || c.reader == nil {
				return
			}
		}
		yield(nil, t.explain("run query", err))
	}
}

// cursor is one run of a query.
type cursor struct {
	tables *Tables
	ctx    context.Context // of the one call of Query that this lives in
	inside bool            // the gate has been entered
	reader *reader         // nil once the last row was read
	stmt   *sqlite.Stmt
	width  int            // columns
	rows   int            // in the buffer
	buffer *[]table.Value // the rows, one behind the other
}

func (c *cursor) start(sql string, args []table.Arg) (err error) {
	if err := c.ctx.Err(); err != nil {
		return err
	}
	if err := c.tables.gate.enter(); err != nil {
		return err
	}
	c.inside = true
	if c.reader, err = c.tables.readers.get(c.ctx); err != nil {
		return err
	}
	c.reader.conn.SetInterrupt(c.ctx.Done())
	if c.stmt, err = c.reader.statement(sql); err != nil {
		return firstOf(c.ctx.Err(), err)
	}
	for i := range c.stmt.BindParamCount() {
		bindValue(c.stmt, i+1, argument(args, c.stmt.BindParamName(i+1)))
	}
	c.buffer, _ = c.tables.buffers.Get().(*[]table.Value)
	if c.buffer == nil {
		c.buffer = new([]table.Value)
	}
	return nil
}

// argument is the value of a parameter; a missing one is NULL.
func argument(args []table.Arg, param string) table.Value {
	for i := range args {
		if args[i].Name == param[1:] {
			return args[i].Value
		}
	}
	return table.Value{}
}

// fill reads the next portion.
func (c *cursor) fill() error {
	clear(*c.buffer)
	buffer, size := (*c.buffer)[:0], 0
	defer func() { *c.buffer = buffer }()
	for c.rows = 0; c.rows < portionRows && size < portionBytes; c.rows++ {
		more, err := c.stmt.Step()
		if err != nil {
			return firstOf(c.ctx.Err(), err)
		}
		if !more {
			c.release()
			return nil
		}
		c.width = c.stmt.ColumnCount()
		buffer = values(c.stmt, buffer)
		for _, v := range buffer[len(buffer)-c.width:] {
			size += len(v.Text())
		}
	}
	return nil
}

func (c *cursor) each(yield func([]table.Value, error) bool) bool {
	for i := range c.rows {
		if !yield((*c.buffer)[i*c.width:(i+1)*c.width:(i+1)*c.width], nil) {
			return false
		}
	}
	return true
}

// release gives the connection back.
func (c *cursor) release() {
	if c.reader == nil {
		return
	}
	c.reader.conn.SetInterrupt(nil)
	if c.stmt != nil {
		// What went wrong in the last step has been told, and a held text is
		// all that is lost where clearing fails.
		_, _ = c.stmt.Reset(), c.stmt.ClearBindings()
	}
	c.tables.readers.put(c.reader)
	c.reader = nil
}

func (c *cursor) end() {
	c.release()
	if c.buffer != nil {
		clear(*c.buffer)
		c.tables.buffers.Put(c.buffer)
	}
	if c.inside {
		c.tables.gate.leave()
	}
}
