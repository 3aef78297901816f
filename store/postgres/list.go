package postgres

import (
	"context"
	"fmt"

	"github.com/talix-dev/talix/store"
)

// Results implements store.Lister.
func (s *Store) Results(ctx context.Context, after store.KeptResult, max int) (found []store.KeptResult, err error) {
	above := int32(after.Partition)
	if after.Key.IsZero() {
		above = -1
	}
	err = s.list(ctx, 0, "list results", max, func(row [][]byte) {
		found = append(found, store.KeptResult{
			Partition: store.Partition(readInt(row[0])), Key: readID(row[1]), Result: append([]byte{}, row[2]...), Time: readTime(row[3]),
		})
	}, s.sql.results, [16]byte(after.Key), above, max)
	return found, err
}

// Marks implements store.Lister. The order is that of the names as they are
// stored.
func (s *Store) Marks(ctx context.Context, p store.Partition, after string, max int) (found []store.KeptMark, err error) {
	err = s.list(ctx, p, "list marks", max, func(row [][]byte) {
		found = append(found, store.KeptMark{Consumer: unescape(string(row[0])), At: store.Position(readInt(row[1]))})
	}, s.sql.marks, int32(p), escape(after), max)
	return found, err
}

// Spaces implements store.Lister.
func (s *Store) Spaces(ctx context.Context, p store.Partition) (found []string, err error) {
	err = s.list(ctx, p, "list spaces", 1, func(row [][]byte) { found = append(found, string(row[0])) }, s.sql.spaces, int32(p))
	return found, err
}

func (s *Store) list(ctx context.Context, p store.Partition, doing string, max int, add func(row [][]byte), text string, args ...any) error {
	return s.read(ctx, p, doing, func() error {
		if max < 1 {
			return fmt.Errorf("a page has at least one entry, not %d", max)
		}
		return s.query(ctx, func(row [][]byte) (bool, error) {
			add(row)
			return true, nil
		}, text, args...)
	})
}
