package sqlite

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/talix-dev/talix/store"
	"zombiezen.com/go/sqlite"
)

// reader is a connection that can't write. One goroutine uses it at a time.
type reader struct {
	conn *sqlite.Conn
	own  map[string]*sqlite.Stmt // statements of users' queries
	// reads gathers the tables of the statement that is being prepared, if not nil.
	reads map[string]struct{}
}

func openReader(path string) (*reader, error) {
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadOnly)
	if err != nil {
		return nil, err
	}
	conn.SetBusyTimeout(5 * time.Second)
	if err := configure(conn, "PRAGMA query_only=ON", "PRAGMA cache_size=-16384"); err != nil {
		conn.Close()
		return nil, err
	}
	return newReader(conn), nil
}

func newReader(conn *sqlite.Conn) *reader {
	return &reader{conn: conn, own: make(map[string]*sqlite.Stmt)}
}

// prepare returns a statement that stays prepared. For the package's own
// texts, of which there are few.
func (r *reader) prepare(text string) (*sqlite.Stmt, error) { return r.conn.Prepare(text) }

func (r *reader) close() {
	for _, stmt := range r.own {
		stmt.Finalize()
	}
	r.conn.Close()
}

// pool hands out readers. It opens them when they are needed first.
type pool struct {
	open func() (*reader, error)
	size int
	// patience is how long to wait for a reader before one is opened beyond
	// the size; zero: for ever.
	patience time.Duration

	free chan *reader
	mu   sync.Mutex
	made int
}

func newPool(size int, open func() (*reader, error)) *pool {
	return &pool{open: open, size: size, free: make(chan *reader, size)}
}

func (p *pool) get(ctx context.Context) (*reader, error) {
	select {
	case r := <-p.free:
		return r, nil
	default:
	}
	if p.grow(p.size) {
		return p.make()
	}
	return p.wait(ctx)
}

func (p *pool) wait(ctx context.Context) (*reader, error) {
	var late <-chan time.Time
	if p.patience > 0 {
		timer := time.NewTimer(p.patience)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case r := <-p.free:
		return r, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for a connection: %w", ctx.Err())
	case <-late:
		p.grow(1 << 30)
		return p.make()
	}
}

func (p *pool) grow(limit int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.made >= limit {
		return false
	}
	p.made++
	return true
}

func (p *pool) shrink() {
	p.mu.Lock()
	p.made--
	p.mu.Unlock()
}

func (p *pool) make() (*reader, error) {
	r, err := p.open()
	if err != nil {
		p.shrink()
	}
	return r, err
}

// put gives a reader back. One beyond the size is closed.
func (p *pool) put(r *reader) {
	select {
	case p.free <- r:
	default:
		r.close()
		p.shrink()
	}
}

// close closes every reader; none may be in use.
func (p *pool) close() {
	for {
		select {
		case r := <-p.free:
			r.close()
			p.shrink()
		default:
			return
		}
	}
}

// read runs fn with a reader. It never waits on the caller's code, so that a
// reader is never held while another is needed.
func (s *Store) read(ctx context.Context, p store.Partition, fn func(*reader) error) error {
	if err := s.readable(ctx, p); err != nil {
		return err
	}
	defer s.gate.leave()
	r, err := s.readers.get(ctx)
	if err != nil {
		return err
	}
	defer s.readers.put(r)
	return fn(r)
}

// readAtOnce is read in one transaction, which saves each of many small
// queries the locks of its own.
func (s *Store) readAtOnce(ctx context.Context, fn func(*reader) error) error {
	return s.read(ctx, 0, func(r *reader) error {
		begin, err := r.prepare("BEGIN")
		if err != nil {
			return err
		}
		end, err := r.prepare("COMMIT")
		if err != nil {
			return err
		}
		if err := run(begin); err != nil {
			return err
		}
		err = fn(r)
		return firstOf(err, run(end))
	})
}
