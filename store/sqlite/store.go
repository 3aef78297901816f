package sqlite

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"

	"github.com/talix-dev/talix/store"
)

var (
	_ store.Store    = (*Store)(nil)
	_ store.Keeper   = (*Store)(nil)
	_ store.Backward = (*Store)(nil)
	_ store.Walker   = (*Store)(nil)
	_ store.Lister   = (*Store)(nil)
)

// Config says where a store lives. Only Dir has to be set.
type Config struct {
	// Dir is the folder; it is made if it is missing.
	Dir string
	// Existing lets Open fail with store.ErrMissing where there is no store,
	// instead of making one. Defaults to false.
	Existing bool
	// NoSync leaves syncing to the operating system: commits survive kill -9
	// but not power loss. For tests.
	NoSync bool
	// Readers bounds the connections that read at the same time.
	// Defaults to twice the number of processors, at least 4.
	Readers int
	// Heads bounds how many streams' last versions are held in memory.
	// Defaults to 100,000, about 20 MB.
	Heads int
}

func (c Config) withDefaults() Config {
	if c.Readers <= 0 {
		c.Readers = max(4, 2*runtime.GOMAXPROCS(0))
	}
	if c.Heads <= 0 {
		c.Heads = 100_000
	}
	return c
}

// Store is a log in a folder. It has one partition.
type Store struct {
	gate     *gate
	layout   layout
	path     string
	lock     *lock
	identity store.ID
	writer   *writer // of the one who has the gate's turn
	readers  *pool
	names    *names
	head     atomic.Int64          // last durable position
	broken   atomic.Pointer[doubt] // set once a sync failed
}

// Open opens the store in a folder, or makes it. It fails with
// store.ErrLocked if another process has it, store.ErrCorrupt if it is
// damaged and store.ErrForeign if it is no store that this release knows;
// no data on disk is changed then.
func Open(ctx context.Context, config Config) (*Store, error) {
	config = config.withDefaults()
	if config.Dir == "" {
		return nil, fmt.Errorf("open store: Config.Dir is empty; name a folder")
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	l := eventsLayout()
	if _, err := os.Stat(l.path(config.Dir)); config.Existing && errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("open folder %s: %w: name the folder that holds %s", config.Dir, store.ErrMissing, l.file)
	}
	lock, err := claim(l, config.Dir, "lock")
	if err != nil {
		return nil, err
	}
	s, err := open(l, config)
	if err != nil {
		lock.Close()
		return nil, err
	}
	s.lock = lock
	return s, nil
}

// claim makes the folder, locks it and sees to it that it has a database.
func claim(l layout, dir, lockName string) (*lock, error) {
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	lock, err := lockDir(dir, lockName)
	if err != nil {
		return nil, err
	}
	exists, err := l.inspect(dir)
	if err == nil && !exists {
		var identity store.ID
		rand.Read(identity[:])
		err = l.create(dir, identity)
	}
	if err != nil {
		lock.Close()
		return nil, err
	}
	return lock, nil
}

func open(l layout, config Config) (*Store, error) {
	path := l.path(config.Dir)
	identity, err := l.probe(path)
	if err != nil {
		return nil, err
	}
	w, err := openWriter(l, path, config)
	if err != nil {
		return nil, err
	}
	s := &Store{gate: newGate(), layout: l, path: path, identity: identity, writer: w, names: newNames()}
	s.head.Store(w.position)
	s.readers = newPool(config.Readers, func() (*reader, error) { return openReader(path) })
	return s, nil
}

// Identity implements store.Store.
func (s *Store) Identity() store.ID { return s.identity }

// Format is that of the file, for people.
func (s *Store) Format() int { return int(s.layout.format) }

// Partitions is one.
func (s *Store) Partitions() int { return 1 }

// Head implements store.Store.
func (s *Store) Head(ctx context.Context, p store.Partition) (store.Position, error) {
	if err := s.readable(ctx, p); err != nil {
		return 0, fmt.Errorf("read head: %w", err)
	}
	defer s.gate.leave()
	return store.Position(s.head.Load()), nil
}

// readable enters the gate, unless reading makes no sense.
func (s *Store) readable(ctx context.Context, p store.Partition) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := partition(p); err != nil {
		return err
	}
	if broken := s.broken.Load(); broken != nil {
		return broken.err
	}
	return s.gate.enter()
}

func partition(p store.Partition) error {
	if p != 0 {
		return fmt.Errorf("partition %d does not exist: a store of this kind has partition 0 alone", p)
	}
	return nil
}

// Close implements store.Store. It folds the write-ahead log into the
// database, so that events.db alone is complete afterwards.
func (s *Store) Close() error {
	if !s.gate.close() {
		return nil
	}
	s.readers.close()
	err := s.writer.close()
	if closed := s.lock.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("close store: %w", err)
	}
	return nil
}
