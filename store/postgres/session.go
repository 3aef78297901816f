package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// session runs statements one by one, each bounded in time.
type session struct {
	conn    *pgconn.PgConn
	timeout time.Duration
}

// run executes SQL without parameters; it may be several statements.
func (s *session) run(ctx context.Context, sql string) error {
	bounded, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	_, err := s.conn.Exec(bounded, sql).ReadAll()
	return s.late(ctx, bounded, err)
}

// exec executes one statement with parameters in binary form, all of them
// arrays or texts, and returns the rows in binary form.
func (s *session) exec(ctx context.Context, sql string, params [][]byte, types []uint32) *pgconn.Result {
	bounded, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	formats := make([]int16, len(params))
	for i := range formats {
		formats[i] = 1
	}
	result := s.conn.ExecParams(bounded, sql, params, types, formats, []int16{1}).Read()
	result.Err = s.late(ctx, bounded, result.Err)
	return result
}

// execute runs a statement with texts as parameters.
func (s *session) execute(ctx context.Context, sql string, params ...string) error {
	_, err := s.column1(ctx, sql, params...)
	return err
}

// column1 is the first column of what a statement returns, as text.
func (s *session) column1(ctx context.Context, sql string, params ...string) (texts []string, err error) {
	bounded, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	values := make([][]byte, len(params))
	for i, p := range params {
		values[i] = []byte(p)
	}
	result := s.conn.ExecParams(bounded, sql, values, nil, nil, nil).Read()
	for _, row := range result.Rows {
		texts = append(texts, string(row[0]))
	}
	return texts, s.late(ctx, bounded, result.Err)
}

func (s *session) late(ctx, bounded context.Context, err error) error {
	if err != nil && ctx.Err() == nil && bounded.Err() != nil {
		return fmt.Errorf("the server has not answered within %v: %w", s.timeout, bounded.Err())
	}
	return ended(ctx, err)
}
