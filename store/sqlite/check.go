package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/talix-dev/talix/store"
	"zombiezen.com/go/sqlite"
)

// Check reads the whole store and fails with store.ErrCorrupt if the file is
// damaged, a checksum doesn't match, or the events of a stream are not dense.
// Commits go on meanwhile. It takes about as long as reading all events twice
// and all records.
func (s *Store) Check(ctx context.Context) error {
	if err := s.read(ctx, 0, func(r *reader) error { return s.checkFile(ctx, r) }); err != nil {
		return explain("check store", s.layout, err)
	}
	if err := s.checkRecords(ctx); err != nil {
		return explain("check store", s.layout, err)
	}
	after := store.Position(0)
	for {
		events, err := s.Log(ctx, 0, after, 4096)
		if err != nil {
			return fmt.Errorf("check store: %w", err)
		}
		if len(events) == 0 {
			return nil
		}
		after = events[len(events)-1].Position
	}
}

// checkFile looks for damage in what is stored at one moment.
func (s *Store) checkFile(ctx context.Context, r *reader) error {
	r.conn.SetInterrupt(ctx.Done())
	defer r.conn.SetInterrupt(nil)
	if err := configure(r.conn, "BEGIN"); err != nil {
		return err
	}
	err := checkRules(r.conn)
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	r.conn.SetInterrupt(nil)
	return firstOf(err, configure(r.conn, "ROLLBACK"))
}

func checkRules(conn *sqlite.Conn) error {
	verdict, err := scalar(conn, "PRAGMA integrity_check(1)")
	if err == nil && verdict != "ok" {
		err = fmt.Errorf("%w: %s", store.ErrCorrupt, verdict)
	}
	for _, rule := range rules() {
		if err != nil {
			return err
		}
		var found string
		if found, err = scalar(conn, rule.query); err == nil {
			err = fmt.Errorf("%w: %s: %s", store.ErrCorrupt, rule.broken, found)
		} else if errors.Is(err, errNoRow) {
			err = nil
		}
	}
	return err
}

// rules are queries that find one thing that must not be. By the first two,
// every event is linked to the one before it; by the last two, no event is
// outside a chain that a head ends.
func rules() []struct{ broken, query string } {
	const unlinked = "SELECT e.position FROM events e LEFT JOIN events o ON o.position = e.%s WHERE e.version > %d AND (o.stream IS NOT e.stream OR o.version IS NOT %s) LIMIT 1"
	return []struct{ broken, query string }{
		{"the event before this position is missing", fmt.Sprintf(unlinked, "prev", 1, "e.version - 1")},
		{"the anchor of this position is wrong", fmt.Sprintf(unlinked, "anchor", stride, fmt.Sprintf("(e.version - 1) / %[1]d * %[1]d", stride))},
		{"the last event of this stream is missing", "SELECT h.stream FROM heads h LEFT JOIN events e ON e.position = h.position WHERE e.stream IS NOT h.stream OR e.version IS NOT h.version LIMIT 1"},
		{"events and heads differ in number", "SELECT e - h FROM (SELECT (SELECT count(*) FROM events) e, (SELECT coalesce(sum(version), 0) FROM heads) h) WHERE e <> h"},
		{"this stream has no name", "SELECT stream FROM heads WHERE stream NOT IN (SELECT stream FROM streams) LIMIT 1"},
	}
}
