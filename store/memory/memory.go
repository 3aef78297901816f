// Package memory keeps a store in memory: for tests, and for trying things out.
// It keeps the whole contract of the port but durability: what it holds ends
// with the process.
//
// It is stricter and less regular than a store on disk needs to be, so that
// nobody comes to rely on luck: it has several partitions, its positions skip,
// and it refuses batches that are not well formed.
package memory

import (
	"context"
	"crypto/rand"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"github.com/talix-dev/talix/store"
)

// Config of a Store. The zero value works.
type Config struct {
	// Partitions of the store. Defaults to 4.
	Partitions int
	// Fault, for tests of what stands above a store, is asked before each
	// Commit how it shall go wrong. It may be called from many goroutines at
	// once and may block. Defaults to no faults.
	Fault func(p store.Partition, batches []store.Batch) Fault
	// ReadFault, for tests too, is asked before each call that reads or trims,
	// with the name of the method; an error that it returns is the call's.
	// Defaults to no faults.
	ReadFault func(method string) error
}

// Store is a store.Store in memory. Unlike the port asks, it bears any number
// of calls of Commit for one partition at once.
type Store struct {
	config     Config
	identity   store.ID
	partitions []*partition
	nodes      *nodes
	epochs     []atomic.Int64 // under which this Store commits; 0: any

	mu     sync.Mutex // guards what follows, and the start of calls
	closed bool
	late   []lateSpan // spans that UnknownLate holds back
	calls  sync.WaitGroup
}

var (
	_ store.Store    = (*Store)(nil)
	_ store.Keeper   = (*Store)(nil)
	_ store.Backward = (*Store)(nil)
	_ store.Walker   = (*Store)(nil)
	_ store.Lister   = (*Store)(nil)
	_ store.Leases   = (*Store)(nil)
)

// New makes an empty store.
func New(c Config) *Store {
	if c.Partitions < 1 {
		c.Partitions = 4
	}
	s := &Store{config: c, nodes: &nodes{all: map[string]lease{}}, epochs: make([]atomic.Int64, c.Partitions)}
	rand.Read(s.identity[:]) // never fails
	for p := range c.Partitions {
		s.partitions = append(s.partitions, newPartition(store.Partition(p), c.Partitions))
	}
	return s
}

// Identity implements store.Store.
func (s *Store) Identity() store.ID { return s.identity }

// Partitions implements store.Store.
func (s *Store) Partitions() int { return len(s.partitions) }

// Commit implements store.Store.
func (s *Store) Commit(ctx context.Context, p store.Partition, batches []store.Batch) []store.Outcome {
	part, err := s.begin(ctx, p)
	if err != nil {
		return all(batches, store.Outcome{Status: store.Failed, Err: fmt.Errorf("commit: %w", err)})
	}
	defer s.calls.Done()
	fault := s.fault(p, batches)
	if err := fault.wait(ctx); err != nil {
		return all(batches, store.Outcome{Status: store.Failed, Err: fmt.Errorf("commit: %w", err)})
	}
	s.land(p)
	return part.commit(batches, store.Epoch(s.epochs[p].Load()), fault)
}

// Load implements store.Store. The events are those of the moment at which the
// iteration started.
func (s *Store) Load(ctx context.Context, name store.Stream, after store.Version) iter.Seq2[store.Event, error] {
	return func(yield func(store.Event, error) bool) {
		part, err := s.beginRead(ctx, store.PartitionOf(name, len(s.partitions)), "Load")
		if err != nil {
			yield(store.Event{}, fmt.Errorf("load %v: %w", name, err))
			return
		}
		log, index := part.stream(name, after)
		s.calls.Done()
		for _, i := range index {
			if !yield(log[i], nil) {
				return
			}
		}
	}
}

// Log implements store.Store.
func (s *Store) Log(ctx context.Context, p store.Partition, after store.Position, max int) ([]store.Event, error) {
	part, err := s.beginRead(ctx, p, "Log")
	if err != nil {
		return nil, fmt.Errorf("read log: %w", err)
	}
	defer s.calls.Done()
	if max < 1 {
		return nil, fmt.Errorf("read log: a page has at least one event, not %d", max)
	}
	return part.page(after, max), nil
}

// Head implements store.Store.
func (s *Store) Head(ctx context.Context, p store.Partition) (store.Position, error) {
	part, err := s.beginRead(ctx, p, "Head")
	if err != nil {
		return 0, fmt.Errorf("read head: %w", err)
	}
	defer s.calls.Done()
	return part.end(), nil
}

// Result implements store.Store.
func (s *Store) Result(ctx context.Context, p store.Partition, key store.ID) ([]byte, bool, error) {
	part, err := s.beginRead(ctx, p, "Result")
	if err != nil {
		return nil, false, fmt.Errorf("read result: %w", err)
	}
	defer s.calls.Done()
	result, ok := part.result(key)
	return result, ok, nil
}

// Trim implements store.Store.
func (s *Store) Trim(ctx context.Context, before time.Time, max int) (int, error) {
	n := 0
	for p := range s.partitions {
		part, err := s.beginRead(ctx, store.Partition(p), "Trim")
		if err != nil {
			return n, fmt.Errorf("trim results: %w", err)
		}
		n += part.trim(before, max-n)
		s.calls.Done()
	}
	return n, nil
}

// Mark implements store.Store.
func (s *Store) Mark(ctx context.Context, consumer string, p store.Partition) (store.Position, bool, error) {
	part, err := s.beginRead(ctx, p, "Mark")
	if err != nil {
		return 0, false, fmt.Errorf("read mark of %q: %w", consumer, err)
	}
	defer s.calls.Done()
	at, ok := part.mark(consumer)
	return at, ok, nil
}

// Close implements store.Store. Closing again does nothing.
func (s *Store) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.calls.Wait()
	return nil
}

// begin starts a call, which ends with s.calls.Done.
func (s *Store) begin(ctx context.Context, p store.Partition) (*partition, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if p < 0 || int(p) >= len(s.partitions) {
		return nil, fmt.Errorf("there is no partition %d: the store has %d, from 0", p, len(s.partitions))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, store.ErrClosed
	}
	s.calls.Add(1)
	return s.partitions[p], nil
}

func (s *Store) beginRead(ctx context.Context, p store.Partition, method string) (*partition, error) {
	if s.config.ReadFault != nil {
		if err := s.config.ReadFault(method); err != nil {
			return nil, err
		}
	}
	return s.begin(ctx, p)
}
