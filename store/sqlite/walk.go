package sqlite

import (
	"context"
	"time"

	"github.com/talix-dev/talix/store"
	"zombiezen.com/go/sqlite"
)

// Walk implements store.Walker. It reads a stretch of the log, of which no
// index by stream is kept, and knows a stream's end by its head.
func (s *Store) Walk(ctx context.Context, p store.Partition, w store.Walk) (store.Walked, error) {
	if w.Scan < 1 {
		return store.Walked{}, explain("walk the log", s.layout, errNoPage)
	}
	low, high := s.stretch(w)
	walked := store.Walked{At: high, Done: high >= store.Position(s.head.Load())}
	if w.Back {
		walked.At, walked.Done = low+1, low == 0
	}
	err := s.list(ctx, p, w.Max, walkQuery(w), func(stmt *sqlite.Stmt) {
		stmt.BindInt64(1, int64(low))
		stmt.BindInt64(2, int64(high))
		stmt.BindText(3, w.Type)
		stmt.BindInt64(4, int64(w.Max))
	}, func(row *sqlite.Stmt) {
		walked.Found = append(walked.Found, store.Found{
			Position: store.Position(row.ColumnInt64(0)), Time: time.UnixMicro(row.ColumnInt64(1)).UTC(),
			Stream: store.Stream{Type: row.ColumnText(2), ID: row.ColumnText(3)}, Version: store.Version(row.ColumnInt64(4)),
		})
	})
	if err != nil {
		return store.Walked{}, explainList("walk the log", s, err)
	}
	if n := len(walked.Found); n == w.Max {
		walked.At, walked.Done = walked.Found[n-1].Position, false
	}
	return walked, nil
}

// stretch are the positions to look at: above low, up to high.
func (s *Store) stretch(w store.Walk) (low, high store.Position) {
	head, scan := store.Position(s.head.Load()), store.Position(w.Scan)
	if w.Back {
		high = head
		if w.From > 0 {
			high = min(head, w.From-1)
		}
		return max(0, high-scan), high
	}
	return w.From, max(w.From, min(head, w.From+scan))
}

func walkQuery(w store.Walk) string {
	is, order := "e.version = 1", " ORDER BY e.position"
	if w.Ends {
		is = "h.position = e.position"
	}
	if w.Back {
		order += " DESC"
	}
	return "SELECT e.position, e.time, s.type, s.id, h.version FROM events e CROSS JOIN heads h ON h.stream = e.stream CROSS JOIN streams s ON s.stream = e.stream" +
		" WHERE e.position > ?1 AND e.position <= ?2 AND " + is + " AND (?3 = '' OR s.type = ?3)" + order + " LIMIT ?4"
}
