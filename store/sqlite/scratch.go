package sqlite

import (
	"context"
	"sync"

	"github.com/talix-dev/talix/table"
	"zombiezen.com/go/sqlite"
)

// scratch is a database in memory with empty tables, over which queries are
// compiled before the tables are there.
type scratch struct {
	mu     sync.Mutex
	over   []table.Schema // of the reader's tables
	reader *reader        // nil before the first use
}

// use runs fn with a reader over the given schemas. The last ones stay.
func (s *scratch) use(ctx context.Context, over []table.Schema, fn func(*reader) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.reader == nil || len(s.over) != len(over) || &s.over[0] != &over[0] {
		s.close()
		r, err := openScratch(over)
		if err != nil {
			return err
		}
		s.over, s.reader = over, r
	}
	return fn(s.reader)
}

func (s *scratch) close() {
	if s.reader != nil {
		s.reader.close()
		s.reader = nil
	}
}

func openScratch(over []table.Schema) (*reader, error) {
	if err := checkSchemas(over); err != nil {
		return nil, err
	}
	conn, err := sqlite.OpenConn(":memory:", sqlite.OpenReadWrite|sqlite.OpenCreate)
	if err != nil {
		return nil, err
	}
	r := newReader(conn)
	for i := range over {
		err = firstOf(err, configure(conn, createTable(&over[i], "0")...))
	}
	if err = firstOf(err, r.forQueries()); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}
