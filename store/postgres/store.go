package postgres

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/talix-dev/talix/store"
)

// Store is a store.Store, store.Keeper and store.Leases in a schema of a
// PostgreSQL database. Any number of processes may have it open at a time.
type Store struct {
	config     Config
	gate       gate
	identity   store.ID
	partitions int
	format     int
	queue      queue
	writers    []*writer
	readers    *pool
	leases     *pool // of its own, so that no reader makes a beat wait
	memories   []*memory
	epochs     []atomic.Int64 // under which this Store commits; 0: any
	sql        statements

	mu     sync.Mutex
	server string // that what is remembered is of
}

var (
	_ store.Store    = (*Store)(nil)
	_ store.Keeper   = (*Store)(nil)
	_ store.Backward = (*Store)(nil)
	_ store.Walker   = (*Store)(nil)
	_ store.Lister   = (*Store)(nil)
	_ store.Leases   = (*Store)(nil)
)

// Open opens the store in a schema of a database, or makes it. It fails with
// store.ErrForeign if the schema holds something else or was made by a newer
// release, and store.ErrCorrupt if the store is not whole; nothing is changed
// then. The server has to be PostgreSQL 14 or later, its database to be encoded
// in UTF8, and what it acknowledges to survive a loss of power.
func Open(ctx context.Context, config Config) (*Store, error) {
	config = config.withDefaults()
	if err := config.check(); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	d, err := newDialer(config.DSN, config.Timeout, sessionSetup(config))
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	conn, err := d.dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	s := newStore(config, d, conn)
	if err := s.load(ctx, conn); err != nil {
		d.hangUp(conn)
		d.close()
		return nil, explainRead("open store in schema "+config.Schema, ended(ctx, err))
	}
	for range s.partitions {
		s.memories = append(s.memories, newMemory(config.Streams/s.partitions))
	}
	s.epochs = make([]atomic.Int64, s.partitions)
	s.meet(ctx, conn)
	return s, nil
}

func newStore(config Config, d *dialer, conn *pgx.Conn) *Store {
	s := &Store{config: config, readers: newPool(d, config.Readers), leases: newPool(d, leaseConns), sql: newStatements(config.Schema)}
	for range config.Writers {
		w := &writer{store: s, link: &link{dialer: d, fresh: s.meet}}
		s.writers = append(s.writers, w)
		s.queue.free = append(s.queue.free, w)
	}
	s.writers[len(s.writers)-1].link.conn = conn // the first to be used
	return s
}

// leaseConns is how many connections beats, looks and claims have: a node makes up
// to four of the last at a time.
const leaseConns = 6

// load sees to it that the schema holds a store, and learns what it is.
func (s *Store) load(ctx context.Context, conn *pgx.Conn) error {
	if err := checkServer(ctx, conn, s.config.NoSync); err != nil {
		return err
	}
	l, err := storeLayout(s.config)
	if err != nil {
		return err
	}
	if s.config.Existing {
		if err := l.exists(ctx, conn); err != nil {
			return err
		}
	}
	if err := l.migrate(ctx, conn); err != nil {
		return err
	}
	s.format = len(l.steps)
	facts, err := l.readFacts(ctx, conn)
	if err != nil {
		return err
	}
	s.identity, s.partitions = facts.identity, facts.partitions
	return nil
}

// meet forgets what is remembered unless a new connection leads to the very
// server process that it is of: another one may have lost what that one had.
func (s *Store) meet(ctx context.Context, conn *pgx.Conn) {
	var server string
	err := conn.QueryRow(ctx, "SELECT concat_ws(' ', pg_postmaster_start_time(), inet_server_addr(), inet_server_port(), current_database())").Scan(&server)
	s.mu.Lock()
	same := err == nil && server == s.server
	s.server = server
	s.mu.Unlock()
	if same {
		return
	}
	for _, m := range s.memories {
		m.forget()
	}
}

// Identity implements store.Store.
func (s *Store) Identity() store.ID { return s.identity }

// Format is that of the schema, for people.
func (s *Store) Format() int { return s.format }

// Partitions implements store.Store.
func (s *Store) Partitions() int { return s.partitions }

// Close implements store.Store. Closing again does nothing.
func (s *Store) Close() error {
	if !s.gate.close() {
		return nil
	}
	s.readers.close()
	s.leases.close()
	for _, w := range s.writers {
		w.link.drop()
	}
	s.readers.dialer.close()
	return nil
}

// enter begins a call about a partition, which ends with s.gate.leave.
func (s *Store) enter(ctx context.Context, p store.Partition) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if p < 0 || int(p) >= s.partitions {
		return fmt.Errorf("there is no partition %d: the store has %d, from 0", p, s.partitions)
	}
	return s.gate.enter()
}
