package postgres

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/talix-dev/talix/table"
)

// Update implements table.Store. Rows that are put and deleted are gathered and
// written together, before the transaction reads what they might change.
func (t *Tables) Update(ctx context.Context, fn func(table.Tx) error) error {
	if err := t.enterWriter(ctx); err != nil {
		return fmt.Errorf("update tables: %w", err)
	}
	defer t.leaveWriter()
	err := t.transact(ctx, func(ctx context.Context, c *session) error { return t.updateOn(ctx, c, fn) })
	return explain("update tables", ended(ctx, err))
}

// updateOn runs fn in an open transaction.
func (t *Tables) updateOn(ctx context.Context, c *session, fn func(table.Tx) error) error {
	u := &update{ctx: ctx, session: c, pending: make(map[string]*pending)}
	err := fn(u)
	if u.failed != nil {
		if !errors.Is(err, u.failed) {
			err = errors.Join(err, u.failed)
		}
		return err
	}
	if err == nil {
		err = u.flushAll()
	}
	u.failed = errTxEnded
	return err
}

var errTxEnded = errors.New("the transaction has ended")

// update is a table.Tx.
type update struct {
	ctx     context.Context //nolint:containedctx // of the one call of Update that this lives in
	session *session
	pending map[string]*pending // changes that are not written yet, by table
	order   []*pending
	failed  error
}

// pending are changes of one table.
type pending struct {
	schema *table.Schema
	rows   map[string]*change // by key
	order  []*change
	bytes  int
}

// change is what becomes of one row.
type change struct {
	key []table.Value
	row []table.Value // nil: it is deleted
}

// Bounds of what is gathered for a table.
const (
	maxPendingRows  = 4096
	maxPendingBytes = 8 << 20
)

func (u *update) fail(err error) error {
	if err != nil {
		u.failed = err
	}
	return err
}

// ready tells why the transaction can't go on.
func (u *update) ready() error {
	if u.failed != nil {
		return u.failed
	}
	return u.fail(u.ctx.Err())
}

// on is what is pending for a table.
func (u *update) on(s *table.Schema) *pending {
	p := u.pending[s.Name]
	if p == nil {
		p = &pending{schema: s, rows: make(map[string]*change)}
		u.pending[s.Name] = p
		u.order = append(u.order, p)
	}
	return p
}

// key checks and converts the values of the first key columns.
func (u *update) key(s *table.Schema, values []table.Value) ([]table.Value, error) {
	columns := s.Key()
	if len(values) > len(columns) {
		return nil, u.fail(fmt.Errorf("table %s has a key of %d columns, not %d", s.Name, len(columns), len(values)))
	}
	key := make([]table.Value, len(values))
	for i, v := range values {
		var err error
		if key[i], err = fit(s, columns[i], v); err != nil {
			return nil, u.fail(err)
		}
	}
	return key, nil
}

func (u *update) wholeKey(s *table.Schema, values []table.Value) ([]table.Value, error) {
	if err := u.ready(); err != nil {
		return nil, err
	}
	if n := len(s.Key()); len(values) != n {
		return nil, u.fail(fmt.Errorf("table %s has a key of %d columns, not %d", s.Name, n, len(values)))
	}
	return u.key(s, values)
}

// Get implements table.Tx.
func (u *update) Get(s *table.Schema, key []table.Value) ([]table.Value, error) {
	key, err := u.wholeKey(s, key)
	if err != nil {
		return nil, err
	}
	if p := u.pending[s.Name]; p != nil {
		if c := p.rows[text(key)]; c != nil {
			return append([]table.Value(nil), c.row...), nil
		}
	}
	rows, err := u.read(s, key)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return rows[0], nil
}

// read reads the rows under a prefix of the key.
func (u *update) read(s *table.Schema, prefix []table.Value) (rows [][]table.Value, err error) {
	conditions := []string{"true"}
	var params [][]byte
	var types []uint32
	for i, v := range prefix {
		c := s.Columns[s.Key()[i]]
		conditions = append(conditions, fmt.Sprintf("%s = $%d", sqlName(c.Name), i+1))
		var a array
		a.reset(elementOID(c.Kind))
		a.value(v)
		params, types = append(params, a.bytes[arrayHeader+4:]), append(types, elementOID(c.Kind))
	}
	sql := fmt.Sprintf("SELECT %s FROM %s WHERE %s ORDER BY %s", columnNames(s), sqlName(s.Name), strings.Join(conditions, " AND "), keyNames(s))
	result := u.session.exec(u.ctx, sql, params, types)
	for _, raw := range result.Rows {
		row := make([]table.Value, len(raw))
		for i, b := range raw {
			row[i] = readColumn(s.Columns[i].Kind, b)
		}
		rows = append(rows, row)
	}
	return rows, u.failAs("read rows of", s, result.Err)
}

// Scan implements table.Tx.
func (u *update) Scan(s *table.Schema, prefix []table.Value) iter.Seq2[[]table.Value, error] {
	return func(yield func([]table.Value, error) bool) {
		rows, err := u.scan(s, prefix)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	}
}

func (u *update) scan(s *table.Schema, prefix []table.Value) ([][]table.Value, error) {
	if err := u.ready(); err != nil {
		return nil, err
	}
	key, err := u.key(s, prefix)
	if err != nil {
		return nil, err
	}
	if err := u.flush(u.on(s)); err != nil {
		return nil, err
	}
	return u.read(s, key)
}

// Put implements table.Tx.
func (u *update) Put(s *table.Schema, row []table.Value) error {
	if err := u.ready(); err != nil {
		return err
	}
	if len(row) != len(s.Columns) {
		return u.fail(fmt.Errorf("put row into %s: it has %d values for %d columns", s.Name, len(row), len(s.Columns)))
	}
	fitted := make([]table.Value, len(row))
	for i, v := range row {
		var err error
		if fitted[i], err = fit(s, i, v); err != nil {
			return u.fail(err)
		}
	}
	var key []table.Value
	for _, i := range s.Key() {
		key = append(key, fitted[i])
	}
	return u.change(s, key, fitted)
}

// Delete implements table.Tx.
func (u *update) Delete(s *table.Schema, key []table.Value) error {
	key, err := u.wholeKey(s, key)
	if err != nil {
		return err
	}
	return u.change(s, key, nil)
}

// change gathers a change. Where an index is unique, the order of changes
// matters, so each is written at once.
func (u *update) change(s *table.Schema, key, row []table.Value) error {
	p := u.on(s)
	c := p.rows[text(key)]
	if c == nil {
		c = &change{key: key}
		p.rows[text(key)] = c
		p.order = append(p.order, c)
	}
	c.row = row
	for _, v := range row {
		p.bytes += len(v.Text()) + 16
	}
	if len(p.order) >= maxPendingRows || p.bytes >= maxPendingBytes || hasUnique(s) {
		return u.flush(p)
	}
	return nil
}

func hasUnique(s *table.Schema) bool {
	for _, i := range s.Indexes {
		if i.Unique {
			return true
		}
	}
	return false
}

// text tells keys apart.
func text(key []table.Value) string {
	var b strings.Builder
	for _, v := range key {
		fmt.Fprintf(&b, "%d:%d:%d:%s", v.Kind(), v.Int(), len(v.Text()), v.Text())
	}
	return b.String()
}

func (u *update) flushAll() error {
	for _, p := range u.order {
		if err := u.flush(p); err != nil {
			return err
		}
	}
	return nil
}

// flush writes what is pending for a table.
func (u *update) flush(p *pending) error {
	var puts, deletes []*change
	for _, c := range p.order {
		if c.row != nil {
			puts = append(puts, c)
		} else {
			deletes = append(deletes, c)
		}
	}
	p.rows, p.order, p.bytes = make(map[string]*change), nil, 0
	if err := u.delete(p.schema, deletes); err != nil {
		return err
	}
	return u.put(p.schema, puts)
}

func (u *update) put(s *table.Schema, changes []*change) error {
	if len(changes) == 0 {
		return nil
	}
	all := make([]int, len(s.Columns))
	var sets []string
	for i, c := range s.Columns {
		all[i] = i
		if !c.Key {
			sets = append(sets, fmt.Sprintf("%[1]s = excluded.%[1]s", sqlName(c.Name)))
		}
	}
	then := "NOTHING"
	if len(sets) > 0 {
		then = "UPDATE SET " + strings.Join(sets, ", ")
	}
	sql := fmt.Sprintf("INSERT INTO %s (%s) SELECT * FROM %s ON CONFLICT (%s) DO %s", sqlName(s.Name), columnNames(s), unnest(s, all), keyNames(s), then)
	result := u.write(s, sql, all, changes, func(c *change) []table.Value { return c.row })
	return u.failAs("put rows into", s, result.Err)
}

func (u *update) delete(s *table.Schema, changes []*change) error {
	if len(changes) == 0 {
		return nil
	}
	sql := fmt.Sprintf("DELETE FROM %s WHERE (%s) IN (SELECT * FROM %s)", sqlName(s.Name), keyNames(s), unnest(s, s.Key()))
	result := u.write(s, sql, s.Key(), changes, func(c *change) []table.Value { return c.key })
	return u.failAs("delete rows of", s, result.Err)
}

// unnest is the text of rows that come as an array for each of some columns.
func unnest(s *table.Schema, columns []int) string {
	params := make([]string, len(columns))
	for i, c := range columns {
		params[i] = fmt.Sprintf("$%d::%s[]", i+1, sqlType(s.Columns[c].Kind))
	}
	return "unnest(" + strings.Join(params, ", ") + ")"
}

func (u *update) write(s *table.Schema, sql string, columns []int, changes []*change, values func(*change) []table.Value) *pgconn.Result {
	arrays := make([]array, len(columns))
	for i, c := range columns {
		arrays[i].reset(elementOID(s.Columns[c].Kind))
	}
	for _, c := range changes {
		for i, v := range values(c) {
			arrays[i].value(v)
		}
	}
	params, types := make([][]byte, len(arrays)), make([]uint32, len(arrays))
	for i := range arrays {
		params[i], types[i] = arrays[i].param(), arrayOID(s.Columns[columns[i]].Kind)
	}
	return u.session.exec(u.ctx, sql, params, types)
}

func (u *update) failAs(doing string, s *table.Schema, err error) error {
	if err == nil {
		return nil
	}
	if isCode(err, codeUnique) {
		err = fmt.Errorf("%w: %w", table.ErrConstraint, err)
	}
	return u.fail(fmt.Errorf("%s %s: %w", doing, s.Name, err))
}

// Mark implements table.Tx.
func (u *update) Mark(view string, partition int, from, to int64) error {
	if err := u.ready(); err != nil {
		return err
	}
	sql := "UPDATE _talix_marks SET position = $4::int8 WHERE view = $1 AND partition = $2::int8 AND position = $3::int8 RETURNING 1"
	if from == 0 {
		sql = `INSERT INTO _talix_marks AS m (view, partition, position) VALUES ($1, $2::int8, $4::int8)
			ON CONFLICT (view, partition) DO UPDATE SET position = excluded.position WHERE m.position = $3::int8 RETURNING 1`
	}
	moved, err := u.session.column1(u.ctx, sql, view, fmt.Sprint(partition), fmt.Sprint(from), fmt.Sprint(to))
	if err == nil && len(moved) == 0 || isCode(err, codeSerialization) {
		err = table.ErrMark
	}
	if err != nil {
		return u.fail(fmt.Errorf("move mark of %s in partition %d from %d: %w", view, partition, from, err))
	}
	return nil
}
