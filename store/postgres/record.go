package postgres

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/talix-dev/talix/store"
)

// Record implements store.Keeper.
func (s *Store) Record(ctx context.Context, p store.Partition, space, key string) (store.Record, bool, error) {
	found, err := s.readRecords(ctx, p, fmt.Sprintf("read record %.80q in %q", key, space), 1,
		s.sql.record, int32(p), []byte(space), []byte(key))
	if err != nil || len(found) == 0 {
		return store.Record{}, false, err
	}
	return found[0], true, nil
}

// Records implements store.Keeper.
func (s *Store) Records(ctx context.Context, p store.Partition, space, prefix, after string, max int) ([]store.Record, error) {
	return s.readRecords(ctx, p, fmt.Sprintf("read records in %q", space), max,
		s.sql.records, int32(p), []byte(space), []byte(prefix), []byte(after), []byte(till(prefix)), max)
}

// Due implements store.Keeper.
func (s *Store) Due(ctx context.Context, p store.Partition, space string, after store.Record, until time.Time, max int) ([]store.Record, error) {
	above, last := int64(math.MinInt64), int64(math.MaxInt64)
	if due, set := dueOf(after.Due); set {
		above = due
	}
	if !until.IsZero() {
		last = until.UnixMicro()
	}
	return s.readRecords(ctx, p, fmt.Sprintf("read due records in %q", space), max,
		s.sql.due, int32(p), []byte(space), above, []byte(after.Key), last, max)
}

// dueOf is a time as it is stored, in microseconds; what is left of zero by
// cutting is never due.
func dueOf(t time.Time) (due int64, set bool) {
	due = t.UnixMicro()
	return due, due != time.Time{}.UnixMicro()
}

func (s *Store) readRecords(ctx context.Context, p store.Partition, doing string, max int, text string, args ...any) (found []store.Record, err error) {
	err = s.read(ctx, p, doing, func() error {
		if max < 1 {
			return fmt.Errorf("a page has at least one record, not %d", max)
		}
		return s.query(ctx, func(row [][]byte) (bool, error) {
			found = append(found, readRecord(row))
			return true, nil
		}, text, args...)
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// readRecord reads the columns of recordColumns.
func readRecord(row [][]byte) store.Record {
	r := store.Record{Space: string(row[0]), Key: string(row[1]), Rev: readID(row[2]), Data: append([]byte{}, row[4]...)}
	if row[3] != nil {
		r.Due = time.UnixMicro(readInt(row[3])).UTC()
	}
	return r
}
