// Package snapshot keeps what the events of an entity added up to, so that not
// all of them have to be read when it is loaded.
//
// A snapshot is a record of the store, one for each entity at most. It is made
// in the background, and only ever a help: one that is missing, damaged, of
// another reducer or not of this log is passed over, and one that cannot be
// written is dropped.
package snapshot

import (
	"cmp"
	"context"
	"iter"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/talix-dev/talix/internal/commit"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// Config is what Snapshots need. Zero fields take the defaults named.
type Config struct {
	Store store.Keeper
	// Partitions is how many the store has.
	Partitions int
	// Submit begins to commit a change of a record in the partition of an
	// entity, on condition that the entity was not deleted meanwhile; nil: it
	// was, or it cannot be done now.
	Submit   func(*registry.Entity, store.Stream, store.Change) *commit.Pending
	NewRev   func() store.ID
	Log      *slog.Logger
	Entities []*registry.Entity
	// Every is how many events lie between two snapshots of an entity whose
	// definition names no number. Defaults to 100; below zero, none are made.
	Every int
	// Slow is how long a load takes at most until it ends with a snapshot,
	// however few events it read. Defaults to 50 ms.
	Slow time.Duration
	// MaxQueue and MaxBytes bound the states that wait to be written. Default
	// to 256 and 64 MiB.
	MaxQueue, MaxBytes int
	// MaxSize bounds a snapshot in bytes. Defaults to 16 MiB.
	MaxSize int
}

func (c *Config) defaults() {
	c.Every = cmp.Or(c.Every, 100)
	c.Slow = cmp.Or(c.Slow, 50*time.Millisecond)
	c.MaxQueue = cmp.Or(c.MaxQueue, 256)
	c.MaxBytes = cmp.Or(c.MaxBytes, 64<<20)
	c.MaxSize = cmp.Or(c.MaxSize, 16<<20)
}

// Snapshots reads and writes the snapshots of entities. Its methods may be
// called from many goroutines.
type Snapshots struct {
	cfg   Config
	plans map[*registry.Entity]*Plan

	mu      sync.Mutex
	waiting map[store.Stream]Picture
	order   []store.Stream
	bytes   int // of those that wait
	closed  bool
	wake    chan struct{}
	done    chan struct{}
}

// New makes Snapshots and starts the goroutine that writes them, which Close
// ends.
func New(cfg Config) *Snapshots {
	cfg.defaults()
	s := &Snapshots{
		cfg: cfg, plans: map[*registry.Entity]*Plan{}, waiting: map[store.Stream]Picture{},
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
	for _, e := range cfg.Entities {
		s.plans[e] = newPlan(e, &s.cfg)
	}
	go s.run()
	return s
}

// Plan is how an entity type is dealt with; nil: no snapshots.
func (s *Snapshots) Plan(e *registry.Entity) *Plan {
	if s == nil {
		return nil
	}
	return s.plans[e]
}

// Picture is what the events of an entity up to a version add up to. All of
// them are durable.
type Picture struct {
	Stream  store.Stream
	State   any // a pointer; nobody changes it any more
	Version store.Version
	Last    store.ID // the event of that version
	Size    int      // about the bytes of the state
	Plan    *Plan
}

// Load reads an entity's snapshot; false if there is none that is good.
func (s *Snapshots) Load(ctx context.Context, plan *Plan, name store.Stream) (Picture, bool) {
	key, fits := Key(name)
	if plan == nil || plan.every <= 0 || !fits {
		return Picture{}, false
	}
	r, found, err := s.cfg.Store.Record(ctx, store.PartitionOf(name, s.cfg.Partitions), Space, key)
	if err != nil || !found {
		s.passOver(ctx, name, err)
		return Picture{}, false
	}
	p, err := plan.decode(r.Data)
	if err != nil {
		s.passOver(ctx, name, err)
		return Picture{}, false
	}
	p.Stream = name
	return p, true
}

// All are the ids of the entities of a type that have a snapshot in a partition,
// in order. The iteration ends at the first error.
func (s *Snapshots) All(ctx context.Context, p store.Partition, e *registry.Entity) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		const page = 100
		prefix := Prefix(e.Type)
		for after, n := "", page; n == page; {
			records, err := s.cfg.Store.Records(ctx, p, Space, prefix, after, page)
			if err != nil {
				yield("", err)
				return
			}
			for _, r := range records {
				if after = r.Key; !yield(strings.TrimPrefix(r.Key, prefix), nil) {
					return
				}
			}
			n = len(records)
		}
	}
}

// passOver tells why a snapshot is of no use. One of another reducer is
// replaced sooner or later, and tells operators nothing.
func (s *Snapshots) passOver(ctx context.Context, name store.Stream, err error) {
	if err != nil && err != errOther && ctx.Err() == nil { //nolint:errorlint // it is returned as it is
		s.cfg.Log.Warn("pass over snapshot", "entity", name.String(), "error", err)
	}
}
