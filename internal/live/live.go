// Package live lets callers watch queries: the present rows, then each change.
// Those who watch the same query with the same input share a feed, which asks
// the database again after its tables changed, and numbers what differs. A
// feed's last changes are kept, so that a caller who comes back gets what it has
// missed.
package live

import (
	"cmp"
	"context"
	"crypto/rand"
	"log/slog"
	"time"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/table"
)

// Config bounds a Hub. Its zero value works.
type Config struct {
	// MaxFeeds is how many queries with different inputs are watched at once,
	// MaxReaders by how many callers. Beyond them callers are answered with
	// overloaded. Default to 1,000 and 10,000.
	MaxFeeds, MaxReaders int
	// Keep is how many changes a feed keeps for callers who are slow or come
	// back, KeepBytes about how large they may be. Default to 1,024 and 4 MiB.
	Keep, KeepBytes int
	// Linger is how long a feed stays after the last caller left. Defaults to
	// a minute.
	Linger time.Duration
	// Gather is the least time between two runs of a feed's query; a slow query
	// rests four times as long as it took. Defaults to 10 ms.
	Gather time.Duration
	// Beat is how often an idle caller is told that it still watches. Defaults
	// to 15 s.
	Beat time.Duration
	// Parallel is how many feeds ask the database at once. Defaults to 4.
	Parallel int
	// Tries is how often a query that fails is tried again before its feed
	// ends. Defaults to 6.
	Tries int
	// NewID makes the names of feeds. Defaults to random ones.
	NewID func() string
	// Log gets failures. Defaults to slog.Default().
	Log *slog.Logger
}

func (c *Config) setDefaults() {
	c.MaxFeeds = cmp.Or(c.MaxFeeds, 1000)
	c.MaxReaders = cmp.Or(c.MaxReaders, 10_000)
	c.Keep = cmp.Or(c.Keep, 1024)
	c.KeepBytes = cmp.Or(c.KeepBytes, 4<<20)
	c.Linger = cmp.Or(c.Linger, time.Minute)
	c.Gather = cmp.Or(c.Gather, 10*time.Millisecond)
	c.Beat = cmp.Or(c.Beat, 15*time.Second)
	c.Parallel = cmp.Or(c.Parallel, 4)
	c.Tries = cmp.Or(c.Tries, 6)
	if c.NewID == nil {
		c.NewID = rand.Text
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
}

// Source is a query with its input.
type Source interface {
	// ID is the same for the same query with the same input.
	ID() string
	// Tables are those that the query reads; nil where it can't be told.
	Tables() []string
	// Rows runs the query. Each row has a key of its own.
	Rows(ctx context.Context) ([]Row, error)
	// Decode makes of a row what callers get.
	Decode(row Row) (*registry.LiveRow, error)
}

// Row is a row as the database has it. It does not change.
type Row struct {
	Key    string
	Values []table.Value
}

func (r *Row) size() int {
	n := 64 + len(r.Key)
	for i := range r.Values {
		n += 32 + 2*len(r.Values[i].Text()) // once as it is, once decoded
	}
	return n
}
