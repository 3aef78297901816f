package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/talix-dev/talix/store"
)

// query runs a read and gives each row, in binary form, to fn, which returns
// false to end early. A connection that broke is replaced once, because reads
// may be repeated; rows that came before count.
func (s *Store) query(ctx context.Context, fn func(row [][]byte) (bool, error), text string, args ...any) error {
	return s.queryOn(ctx, s.readers, fn, text, args...)
}

func (s *Store) queryOn(ctx context.Context, on *pool, fn func(row [][]byte) (bool, error), text string, args ...any) error {
	for attempt := 1; ; attempt++ {
		rows, broken, err := s.tryQuery(ctx, on, fn, text, args)
		if err == nil || !broken || rows > 0 || attempt == 2 || ctx.Err() != nil {
			return ended(ctx, err)
		}
	}
}

func (s *Store) tryQuery(ctx context.Context, on *pool, fn func([][]byte) (bool, error), text string, args []any) (count int, broken bool, err error) {
	l, err := on.get(ctx)
	if err != nil {
		return 0, false, err
	}
	defer on.put(l)
	bounded, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	conn, err := l.get(bounded)
	if err != nil {
		return 0, false, s.late(bounded, err)
	}
	rows, err := conn.Query(bounded, text, append([]any{pgx.QueryResultFormats{pgx.BinaryFormatCode}}, args...)...)
	if err != nil {
		return 0, conn.IsClosed(), s.late(bounded, err)
	}
	defer rows.Close()
	for more := true; more && rows.Next(); count++ {
		if more, err = fn(rows.RawValues()); err != nil {
			return count, false, err
		}
	}
	rows.Close()
	l.used = time.Now()
	return count, conn.IsClosed(), s.late(bounded, rows.Err())
}

// read runs fn as a call about a partition, and wraps its error.
func (s *Store) read(ctx context.Context, p store.Partition, doing string, fn func() error) error {
	err := s.enter(ctx, p)
	if err == nil {
		defer s.gate.leave()
		err = fn()
	}
	return explainRead(doing, err)
}

// Head implements store.Store.
func (s *Store) Head(ctx context.Context, p store.Partition) (at store.Position, err error) {
	err = s.read(ctx, p, "read head", func() (err error) {
		at, err = s.headOf(ctx, p)
		return err
	})
	return at, err
}

// headOf is Head within a call.
func (s *Store) headOf(ctx context.Context, p store.Partition) (at store.Position, err error) {
	found := false
	err = s.query(ctx, func(row [][]byte) (bool, error) {
		at, found = store.Position(readInt(row[0])), true
		return false, nil
	}, s.sql.head, int32(p))
	if err == nil && !found {
		err = fmt.Errorf("%w: partition %d is missing", store.ErrCorrupt, p)
	}
	return at, err
}

// Result implements store.Store.
func (s *Store) Result(ctx context.Context, p store.Partition, key store.ID) (result []byte, found bool, err error) {
	err = s.read(ctx, p, "read result", func() error {
		return s.query(ctx, func(row [][]byte) (bool, error) {
			result, found = append([]byte{}, row[0]...), true
			return false, nil
		}, s.sql.result, int32(p), [16]byte(key))
	})
	return result, found && err == nil, err
}

// Trim implements store.Store.
func (s *Store) Trim(ctx context.Context, before time.Time, max int) (n int, err error) {
	err = s.read(ctx, 0, "trim results", func() error {
		if max < 1 {
			return nil
		}
		n, err = s.trim(ctx, before, max)
		return err
	})
	return n, err
}

func (s *Store) trim(ctx context.Context, before time.Time, max int) (n int, err error) {
	err = s.onConn(ctx, s.readers, func(ctx context.Context, conn *pgx.Conn) error {
		done, err := conn.Exec(ctx, s.sql.trim, before, max)
		n = int(done.RowsAffected())
		return err
	})
	return n, err
}

// onReader runs fn, bounded in time, with a connection of the readers.
func (s *Store) onConn(ctx context.Context, on *pool, fn func(ctx context.Context, conn *pgx.Conn) error) error {
	l, err := on.get(ctx)
	if err != nil {
		return err
	}
	defer on.put(l)
	bounded, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	conn, err := l.get(bounded)
	if err == nil {
		err = fn(bounded, conn)
		l.used = time.Now()
	}
	return ended(ctx, s.late(bounded, err))
}

// Mark implements store.Store.
func (s *Store) Mark(ctx context.Context, consumer string, p store.Partition) (at store.Position, found bool, err error) {
	err = s.read(ctx, p, fmt.Sprintf("read mark of %q", consumer), func() error {
		return s.query(ctx, func(row [][]byte) (bool, error) {
			at, found = store.Position(readInt(row[0])), true
			return false, nil
		}, s.sql.mark, int32(p), escape(consumer))
	})
	return at, found && err == nil, err
}
