package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/talix-dev/talix/store"
)

// Check reads the whole store and fails with store.ErrCorrupt if a checksum
// doesn't match, the events of a stream are not dense, or a head is wrong.
// Commits go on meanwhile.
func (s *Store) Check(ctx context.Context) error {
	for _, r := range s.rules() {
		if err := s.checkRule(ctx, r.broken, r.query); err != nil {
			return err
		}
	}
	for p := range store.Partition(s.partitions) {
		if err := s.checkLog(ctx, p); err != nil {
			return fmt.Errorf("check store: %w", err)
		}
	}
	return nil
}

func (s *Store) checkLog(ctx context.Context, p store.Partition) error {
	for after := store.Position(0); ; {
		events, err := s.Log(ctx, p, after, 4096)
		if err != nil || len(events) == 0 {
			return err
		}
		after = events[len(events)-1].Position
	}
}

type rule struct{ broken, query string }

// rules are queries that find one thing that must not be.
func (s *Store) rules() []rule {
	in := func(text string) string { return fmt.Sprintf(text, quoted(s.config.Schema)) }
	return []rule{
		{"the events of this stream are not dense", in("SELECT e.stream FROM %s.events e GROUP BY e.stream HAVING count(*) <> max(e.version) OR min(e.version) <> 1 LIMIT 1")},
		{"this stream has no name", in("SELECT e.stream FROM %[1]s.events e WHERE NOT EXISTS (SELECT FROM %[1]s.streams s WHERE s.stream = e.stream AND s.partition = e.partition) LIMIT 1")},
		{"this stream has no events", in("SELECT s.stream FROM %[1]s.streams s WHERE NOT EXISTS (SELECT FROM %[1]s.events e WHERE e.stream = s.stream) LIMIT 1")},
		{"the head of this partition is wrong", in(`SELECT p.partition::int8 FROM %[1]s.partitions p
			WHERE p.head <> coalesce((SELECT max(e.position) FROM %[1]s.events e WHERE e.partition = p.partition), 0) LIMIT 1`)},
	}
}

// checkRule is on a connection of its own: it may take long.
func (s *Store) checkRule(ctx context.Context, broken, query string) error {
	return s.read(ctx, 0, "check store", func() error {
		conn, err := s.readers.dialer.dial(ctx)
		if err != nil {
			return err
		}
		defer s.readers.dialer.hangUp(conn)
		if _, err := conn.Exec(ctx, "SET statement_timeout = 0"); err != nil {
			return err
		}
		var found int64
		err = conn.QueryRow(ctx, query).Scan(&found)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err == nil {
			err = fmt.Errorf("%w: %s: %d", store.ErrCorrupt, broken, found)
		}
		return ended(ctx, err)
	})
}
