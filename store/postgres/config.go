package postgres

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"github.com/jackc/pgx/v5"
)

// Config says where a Store lives. All but DSN may be left out.
type Config struct {
	// DSN names the database, as in
	// postgres://user:password@host:5432/name?sslmode=verify-full or in the
	// form host=… dbname=…. What it leaves out is taken from the variables
	// PGHOST, PGUSER and so on.
	DSN string
	// Schema of the database that holds the store; it is made if it is missing.
	// Lower-case letters, digits and underscores. Defaults to "talix".
	Schema string
	// Existing lets Open fail with store.ErrMissing where there is no store,
	// instead of making one. Defaults to false.
	Existing bool
	// Partitions that the store gets when it is made; a store that exists keeps
	// its own number. Defaults to 256.
	Partitions int
	// Writers is how many connections commit. Commits that come while all are
	// busy go together with the next one. Defaults to 2.
	Writers int
	// Readers is how many connections read before others wait. Defaults to
	// twice the number of processors, at least 4.
	Readers int
	// Timeout bounds every statement. A commit that has not ended by then is of
	// unknown outcome, and the server gives it up as well. Defaults to 10 s.
	Timeout time.Duration
	// NoSync takes a server that acknowledges what a loss of power undoes: one
	// with fsync off, and commits with synchronous_commit off where that is the
	// session's setting. For tests. Defaults to false: the former is refused by
	// Open, and the latter overruled.
	NoSync bool
	// Streams is how many streams the store remembers the state of, to save
	// looking them up; one takes about 200 bytes. Defaults to 100,000.
	Streams int
	// Log is told what is odd but harmless. Defaults to nowhere.
	Log *slog.Logger
}

func (c Config) withDefaults() Config {
	setDefault(&c.Schema, "talix")
	setDefault(&c.Partitions, 256)
	setDefault(&c.Writers, 2)
	setDefault(&c.Readers, max(4, 2*runtime.GOMAXPROCS(0)))
	setDefault(&c.Timeout, 10*time.Second)
	setDefault(&c.Streams, 100_000)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// maxPartitions keeps the numbers of streams within 63 bits.
const maxPartitions = 1 << 16

// check finds every fault at once.
func (c Config) check() error {
	var faults []error
	for _, n := range []struct {
		name  string
		value int
	}{{"Partitions", c.Partitions}, {"Writers", c.Writers}, {"Readers", c.Readers}, {"Streams", c.Streams}, {"Timeout", int(c.Timeout)}} {
		if n.value < 1 {
			faults = append(faults, fmt.Errorf("the config's %s is %d: leave it out, or make it at least 1", n.name, n.value))
		}
	}
	if c.Partitions > maxPartitions {
		faults = append(faults, fmt.Errorf("the config's Partitions is %d: at most %d are allowed", c.Partitions, maxPartitions))
	}
	faults = append(faults, checkSchemaName(c.Schema))
	return errors.Join(faults...)
}

// checkSchemaName keeps to names that need no quotes in anyone's SQL.
func checkSchemaName(name string) error {
	for i, r := range name {
		if r != '_' && (r < 'a' || r > 'z') && (i == 0 || r < '0' || r > '9') {
			return fmt.Errorf("the schema name %q has other characters than lower-case letters, digits and underscores", name)
		}
	}
	if len(name) > 63 || name == "" || len(name) > 2 && name[:3] == "pg_" {
		return fmt.Errorf("the schema name %q must have 1 to 63 characters and not begin with pg_", name)
	}
	return nil
}

func quoted(name string) string { return pgx.Identifier{name}.Sanitize() }
