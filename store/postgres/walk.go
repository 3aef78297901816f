package postgres

import (
	"context"
	"fmt"

	"github.com/talix-dev/talix/store"
)

// Walk implements store.Walker. It reads a stretch of the partition's log.
func (s *Store) Walk(ctx context.Context, p store.Partition, w store.Walk) (walked store.Walked, err error) {
	err = s.read(ctx, p, "walk the log", func() error {
		if w.Scan < 1 || w.Max < 1 {
			return fmt.Errorf("a walk looks at one event at least and finds one stream, not %d and %d", w.Scan, w.Max)
		}
		walked, err = s.walk(ctx, p, w)
		return err
	})
	return walked, err
}

func (s *Store) walk(ctx context.Context, p store.Partition, w store.Walk) (walked store.Walked, err error) {
	head, err := s.headOf(ctx, p)
	if err != nil {
		return walked, err
	}
	low, high := stretch(w, head)
	walked = store.Walked{At: high, Done: high >= head}
	if w.Back {
		walked.At, walked.Done = low+1, low == 0
	}
	err = s.query(ctx, func(row [][]byte) (bool, error) {
		walked.Found = append(walked.Found, store.Found{
			Position: store.Position(readInt(row[0])), Time: readTime(row[1]),
			Stream: store.Stream{Type: unescape(string(row[2])), ID: unescape(string(row[3]))}, Version: store.Version(readInt(row[4])),
		})
		return true, nil
	}, s.sql.walk(w), int32(p), int64(low), int64(high), escape(w.Type), w.Max)
	if err != nil {
		return store.Walked{}, err
	}
	if n := len(walked.Found); n == w.Max {
		walked.At, walked.Done = walked.Found[n-1].Position, false
	}
	return walked, nil
}

// stretch are the positions to look at: above low, up to high.
func stretch(w store.Walk, head store.Position) (low, high store.Position) {
	scan := store.Position(w.Scan)
	if w.Back {
		high = head
		if w.From > 0 {
			high = min(head, w.From-1)
		}
		return max(0, high-scan), high
	}
	return w.From, max(w.From, min(head, w.From+scan))
}

const (
	walkFrom = `SELECT e.position, e.time, s.type, s.id, %[2]s FROM %[1]s.events e JOIN %[1]s.streams s ON s.stream = e.stream
		WHERE e.partition = $1 AND e.position > $2 AND e.position <= $3 AND ($4 = '' OR s.type = $4) AND %[3]s ORDER BY e.position %[4]s LIMIT $5`
	newest = "(SELECT n.version FROM %[1]s.events n WHERE n.stream = e.stream ORDER BY n.version DESC LIMIT 1)"
	isEnd  = "NOT EXISTS (SELECT FROM %[1]s.events n WHERE n.stream = e.stream AND n.version = e.version + 1)"
)

// walks are the texts of walks: births and ends, and both going back.
type walks [2][2]string

func newWalks(schema string) (w walks) {
	name := quoted(schema)
	for back, order := range []string{"", "DESC"} {
		w[0][back] = fmt.Sprintf(walkFrom, name, fmt.Sprintf(newest, name), "e.version = 1", order)
		w[1][back] = fmt.Sprintf(walkFrom, name, "e.version", fmt.Sprintf(isEnd, name), order)
	}
	return w
}

func (s *statements) walk(w store.Walk) string {
	ends, back := 0, 0
	if w.Ends {
		ends = 1
	}
	if w.Back {
		back = 1
	}
	return s.walks[ends][back]
}
