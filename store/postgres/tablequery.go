package postgres

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/talix-dev/talix/table"
)

// A query's rows are read in portions before the caller sees them. Most
// results are one portion, so that no connection waits for the caller's loop.
const (
	portionRows  = 512
	portionBytes = 256 << 10
)

// Query implements table.Store. Values of args that the query does not name
// are ignored. Int is what has the types int2, int4, int8 and boolean, or
// numeric without decimals; Float the other numbers; Blob is bytea, and all else
// is Text as PostgreSQL writes it.
func (t *Tables) Query(ctx context.Context, sql string, args []table.Arg) iter.Seq2[[]table.Value, error] {
	return func(yield func([]table.Value, error) bool) {
		c := &cursor{tables: t}
		defer c.end()
		var cancel context.CancelFunc
		c.ctx, cancel = context.WithTimeout(ctx, t.config.QueryTimeout)
		defer cancel()
		err := c.start(sql, args)
		for err == nil && c.each(yield) {
			if c.done {
				return
			}
			err = c.fill()
		}
		if err != nil {
			yield(nil, explainRead("run query", ended(ctx, err)))
		}
	}
}

// cursor is one run of a query.
type cursor struct {
	tables *Tables
	ctx    context.Context //nolint:containedctx // of the one call of Query that this lives in
	inside bool            // the gate has been entered
	link   *link           // nil once the last row was read
	result *pgconn.ResultReader
	rows   [][]table.Value
	done   bool // there are no more rows than these
	broken bool // the connection has ended
}

// start runs the query up to its first portion. What another process has
// changed about the tables since they were asked is asked anew.
func (c *cursor) start(sql string, args []table.Arg) error {
	if err := c.tables.enter(c.ctx); err != nil {
		return err
	}
	c.inside = true
	for attempt := 1; ; attempt++ {
		known := c.tables.guesses.get(sql)
		broken, err := c.try(sql, known, args)
		if err == nil || attempt == 2 || c.ctx.Err() != nil || !broken && (known == nil || !isAboutTypes(err)) {
			return err
		}
		c.release()
		c.tables.guesses.forget()
	}
}

// isAboutTypes tells errors of the kind that other types would mend.
func isAboutTypes(err error) bool {
	var told *pgconn.PgError
	return errors.As(err, &told) && (strings.HasPrefix(told.Code, "42") || strings.HasPrefix(told.Code, "22"))
}

func (c *cursor) try(sql string, known *guess, args []table.Arg) (broken bool, err error) {
	if c.link, err = c.tables.readers.get(c.ctx); err != nil {
		return false, err
	}
	conn, err := c.link.get(c.ctx)
	if err != nil {
		return false, err
	}
	if known == nil {
		if known, err = (&session{conn.PgConn(), c.tables.config.Timeout}).guess(c.ctx, "", sql); err != nil {
			return conn.IsClosed(), err
		}
		c.tables.guesses.put(sql, known)
	}
	params, types, err := known.bind(args)
	if err != nil {
		return false, err
	}
	c.result = conn.PgConn().ExecParams(c.ctx, known.text, params, types, nil, nil)
	err = c.fill()
	return c.broken, err
}

// bind makes parameters of arguments. A parameter that could be any text has
// the type of its value.
func (g *guess) bind(args []table.Arg) (params [][]byte, types []uint32, err error) {
	for i, name := range g.names {
		v := argument(args, name)
		p, err := writeText(v)
		if err != nil {
			return nil, nil, fmt.Errorf("parameter %s: %w", name, err)
		}
		oid := g.params[i]
		if oid == textOID && v.Kind() != table.Null {
			oid = elementOID(v.Kind())
		}
		params, types = append(params, p), append(types, oid)
	}
	return params, types, nil
}

// argument is the value of a parameter; a missing one is NULL.
func argument(args []table.Arg, name string) table.Value {
	for i := range args {
		if args[i].Name == name {
			return args[i].Value
		}
	}
	return table.Value{}
}

// fill reads the next portion.
func (c *cursor) fill() error {
	c.rows = c.rows[:0]
	fields := c.result.FieldDescriptions()
	for size := 0; len(c.rows) < portionRows && size < portionBytes; {
		if !c.result.NextRow() {
			return c.finish()
		}
		row := make([]table.Value, len(fields))
		for i, b := range c.result.Values() {
			var err error
			if row[i], err = readText(fields[i].DataTypeOID, b); err != nil {
				return fmt.Errorf("read column %s: %w", fields[i].Name, err)
			}
			size += len(b)
		}
		c.rows = append(c.rows, row)
	}
	return nil
}

// finish is behind the last row.
func (c *cursor) finish() error {
	_, err := c.result.Close()
	c.result, c.done, c.broken = nil, true, c.link.conn.IsClosed()
	c.release()
	return err
}

func (c *cursor) each(yield func([]table.Value, error) bool) bool {
	for _, row := range c.rows {
		if !yield(row, nil) {
			return false
		}
	}
	return true
}

// restRows is how many rows are read to keep a connection that a loop has left
// early.
const restRows = 10_000

// release gives the connection back.
func (c *cursor) release() {
	if c.link == nil {
		return
	}
	if c.result != nil {
		n := 0
		for n < restRows && c.result.NextRow() {
			n++
		}
		if n == restRows {
			c.link.drop()
		} else {
			_, _ = c.result.Close() // nobody waits for what it tells
		}
		c.result = nil
	}
	c.link.used = time.Now()
	c.tables.readers.put(c.link)
	c.link = nil
}

func (c *cursor) end() {
	c.release()
	if c.inside {
		c.tables.gate.leave()
	}
}
