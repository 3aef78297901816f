package postgres_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/talix-dev/talix/store/postgres"
)

// proxy stands between a store and the server, and fails as networks do.
type proxy struct {
	tb       testing.TB
	listener net.Listener
	target   string
	conns    sync.WaitGroup
	finished atomic.Int64 // connections that the server has closed, or that were cut
	budget   atomic.Int64 // bytes that a new connection carries before it is cut, at random up to this; 0: no bound

	mu     sync.Mutex
	gate   *sync.Cond
	frozen bool // what the store sends waits
	open   map[net.Conn]bool
	closed bool
}

// newProxy starts one and returns the config of a store behind it.
func newProxy(tb testing.TB, c postgres.Config) (*proxy, postgres.Config) {
	tb.Helper()
	dsn, err := url.Parse(c.DSN)
	if err != nil || dsn.Host == "" {
		tb.Skip("needs TALIX_TEST_POSTGRES in the form of a URL, as in postgres://user@host:port/database")
	}
	listener, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	p := &proxy{tb: tb, listener: listener, target: dsn.Host, open: map[net.Conn]bool{}}
	p.gate = sync.NewCond(&p.mu)
	p.conns.Go(p.serve)
	tb.Cleanup(p.close)
	dsn.Host = listener.Addr().String()
	c.DSN = dsn.String()
	return p, c
}

func (p *proxy) close() {
	p.listener.Close()
	p.mu.Lock()
	p.closed, p.frozen = true, false
	for conn := range p.open {
		conn.Close()
	}
	p.gate.Broadcast()
	p.mu.Unlock()
	p.conns.Wait()
}

func (p *proxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := new(net.Dialer).DialContext(p.tb.Context(), "tcp", p.target)
		if err != nil {
			client.Close()
			continue
		}
		p.mu.Lock()
		p.open[client], p.open[server] = true, true
		if p.closed {
			client.Close()
			server.Close()
		}
		p.mu.Unlock()
		left := &atomic.Int64{}
		left.Store(1 << 62)
		if budget := p.budget.Load(); budget > 0 {
			left.Store(rand.Int64N(budget))
		}
		p.conns.Go(func() { p.carry(server, client, left, true) })
		p.conns.Go(func() {
			p.carry(client, server, left, false)
			p.finished.Add(1)
		})
	}
}

// carry copies bytes until an end is closed or the budget is used up. What the
// store sent before it hung up still arrives.
func (p *proxy) carry(to, from net.Conn, left *atomic.Int64, holds bool) {
	defer to.(*net.TCPConn).CloseWrite()
	buffer := make([]byte, 16<<10)
	for {
		n, err := from.Read(buffer)
		if holds && isCancel(buffer[:n]) {
			return // else it is by chance whether what was sent late lands
		}
		if holds {
			p.pass()
		}
		if rest := left.Add(-int64(n)); rest < 0 {
			n, err = max(0, n+int(rest)), io.EOF
			defer to.Close()
			defer from.Close()
		}
		if _, failed := to.Write(buffer[:n]); failed != nil || err != nil {
			return
		}
	}
}

// isCancel recognizes a connection that asks the server to cancel what another
// one does.
func isCancel(b []byte) bool {
	return len(b) == 16 && bytes.Equal(b[4:8], []byte{0x04, 0xd2, 0x16, 0x2e})
}

// pass waits while the proxy is frozen.
func (p *proxy) pass() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.frozen {
		p.gate.Wait()
	}
}

func (p *proxy) freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frozen = true
}

func (p *proxy) thaw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frozen = false
	p.gate.Broadcast()
}

// cut ends every connection.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.open {
		conn.Close()
	}
	clear(p.open)
}
