package postgres_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// However many partitions' marks are asked for at a time, each waits for a
// connection and makes none of its own.
func TestMarksShareConnections(t *testing.T) {
	t.Parallel()
	c := tablesConfig(t)
	c.Readers, c.Timeout = 1, time.Hour
	s := openTables(t, c)
	ensure(t, s, notes())
	var asking, told atomic.Int64
	var all sync.WaitGroup
	const long = "SELECT a.n FROM generate_series(1, 100000) AS a(n)"
	for _, err := range s.Query(t.Context(), long, nil) { // it has the only connection
		if err != nil {
			t.Fatal(err)
		}
		for n := range 20 {
			all.Go(func() {
				asking.Add(1)
				if _, err := s.Mark(t.Context(), "notes", n); err != nil {
					t.Error(err)
				}
				told.Add(1)
			})
		}
		eventually(t, "all ask", func() bool { return asking.Load() == 20 })
		<-time.After(400 * time.Millisecond) // for which a query does not wait
		if n := told.Load(); n > 0 {
			t.Errorf("%d marks were read by connections of their own", n)
		}
		break
	}
	all.Wait()
}
