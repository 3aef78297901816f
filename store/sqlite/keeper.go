package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/talix-dev/talix/store"
	"zombiezen.com/go/sqlite"
)

const recordColumns = "space, key, rev, due, sum, data"

// Record implements store.Keeper.
func (s *Store) Record(ctx context.Context, p store.Partition, space, key string) (store.Record, bool, error) {
	records, err := s.records(ctx, p, 1, "records WHERE space = ? AND key = ? LIMIT ?", func(stmt *sqlite.Stmt) {
		stmt.BindText(1, space)
		stmt.BindText(2, key)
	})
	if err != nil {
		return store.Record{}, false, explain(fmt.Sprintf("read record %.80q in %q", key, space), s.layout, err)
	}
	if len(records) == 0 {
		return store.Record{}, false, nil
	}
	return records[0], true, nil
}

// Records implements store.Keeper. A page is what was there at one moment.
func (s *Store) Records(ctx context.Context, p store.Partition, space, prefix, after string, max int) ([]store.Record, error) {
	from := "key > ?"
	if after < prefix {
		from, after = "key >= ?", prefix
	}
	records, err := s.records(ctx, p, max, "records WHERE space = ? AND "+from+" AND key < ? ORDER BY key LIMIT ?", func(stmt *sqlite.Stmt) {
		stmt.BindText(1, space)
		stmt.BindText(2, after)
		bindAbove(stmt, 3, prefix)
	})
	if err != nil {
		return nil, explain("read records in "+space, s.layout, err)
	}
	return records, nil
}

// Due implements store.Keeper. A page is what was there at one moment.
func (s *Store) Due(ctx context.Context, p store.Partition, space string, after store.Record, until time.Time, max int) ([]store.Record, error) {
	from, to := int64(math.MinInt64), int64(math.MaxInt64)
	if !after.Due.IsZero() {
		from = after.Due.UnixMicro()
	}
	if !until.IsZero() {
		to = until.UnixMicro()
	}
	records, err := s.records(ctx, p, max, "records INDEXED BY records_due WHERE space = ? AND (due, key) > (?, ?) AND due <= ? ORDER BY due, key LIMIT ?", func(stmt *sqlite.Stmt) {
		stmt.BindText(1, space)
		stmt.BindInt64(2, from)
		stmt.BindText(3, after.Key)
		stmt.BindInt64(4, to)
	})
	if err != nil {
		return nil, explain("read due records in "+space, s.layout, err)
	}
	return records, nil
}

var errNoPage = errors.New("a page has at least one record")

// records reads what a query ends with from its table on; bind binds its
// parameters but the last, which is max.
func (s *Store) records(ctx context.Context, p store.Partition, max int, from string, bind func(*sqlite.Stmt)) (records []store.Record, err error) {
	if max < 1 {
		return nil, errNoPage
	}
	err = s.read(ctx, p, func(r *reader) error {
		stmt, err := r.prepare("SELECT " + recordColumns + " FROM " + from)
		if err != nil {
			return err
		}
		bind(stmt)
		stmt.BindInt64(stmt.BindParamCount(), int64(max))
		records, err = readRecords(ctx, stmt)
		return firstOf(err, stmt.Reset())
	})
	return records, err
}

func readRecords(ctx context.Context, stmt *sqlite.Stmt) (records []store.Record, err error) {
	var scratch []byte
	for {
		more, err := stmt.Step()
		if err != nil || !more {
			return records, err
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		var r store.Record
		if r, scratch, err = readRecord(stmt, scratch); err != nil {
			return nil, err
		}
		records = append(records, r)
	}
}

// readRecord reads the row that stmt is on, and checks its sum.
func readRecord(stmt *sqlite.Stmt, scratch []byte) (store.Record, []byte, error) {
	r := store.Record{Space: stmt.ColumnText(0), Key: stmt.ColumnText(1), Data: blob(stmt, 5)}
	stmt.ColumnBytes(2, r.Rev[:])
	if !stmt.ColumnIsNull(3) {
		r.Due = time.UnixMicro(stmt.ColumnInt64(3)).UTC()
	}
	if stmt.ColumnIsNull(4) {
		return r, scratch, nil
	}
	scratch = canonicalRecord(scratch[:0], r.Space, r.Key, r.Rev, r.Due, r.Data)
	if int64(checksum(scratch)) != stmt.ColumnInt64(4) {
		return r, scratch, fmt.Errorf("%w: the checksum of record %.80q in %q does not match; restore a backup", store.ErrCorrupt, r.Key, r.Space)
	}
	return r, scratch, nil
}

// checkRecords reads all records.
func (s *Store) checkRecords(ctx context.Context) error {
	var last store.Record
	for {
		records, err := s.records(ctx, 0, logPortion, "records WHERE (space, key) > (?, ?) ORDER BY space, key LIMIT ?", func(stmt *sqlite.Stmt) {
			stmt.BindText(1, last.Space)
			stmt.BindText(2, last.Key)
		})
		if err != nil || len(records) == 0 {
			return err
		}
		last = records[len(records)-1]
	}
}
