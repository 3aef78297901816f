// Package line stands between two programs as the network does: it carries what
// one sends to the other, and fails as networks fail, without the rights of an
// administrator.
package line

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"
)

// Line carries TCP connections from its own address to another one. Its methods
// may be called from many goroutines.
type Line struct {
	target   string
	listener net.Listener
	running  sync.WaitGroup

	mu    sync.Mutex
	state state
	news  chan struct{} // closed when state is another
	open  map[*link]bool
}

// state is how the line is at a moment.
type state struct {
	cut, closed bool
	held        [2]bool // by Way
	trap        []byte  // what a connection has to carry to be reset; nil: none is
	resets      int     // how many connections were reset
}

// Way is a direction.
type Way int

// Ways are seen from who has connected.
const (
	There Way = iota // to the target
	Back
)

// New listens on a free port of 127.0.0.1, and carries what comes to the target,
// which may not be there yet.
func New(ctx context.Context, target string) (*Line, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("open line to %s: %w", target, err)
	}
	l := &Line{target: target, listener: listener, news: make(chan struct{}), open: map[*link]bool{}}
	l.running.Go(l.accept)
	return l, nil
}

// Address is where to connect, as in 127.0.0.1:40123.
func (l *Line) Address() string { return l.listener.Addr().String() }

// Close ends all connections and waits until nothing is under way.
func (l *Line) Close() {
	_ = l.listener.Close() // it was only listened on
	l.change(func(s *state) { *s = state{closed: true} })
	l.reset()
	l.running.Wait()
}

// Cut ends all connections, and each new one, until Mend.
func (l *Line) Cut() {
	l.change(func(s *state) { s.cut = true })
	l.reset()
}

// Hold keeps what is sent in some directions on its way, until Mend: no one is
// told, as where packets are lost. What was held then arrives late.
func (l *Line) Hold(ways ...Way) {
	l.change(func(s *state) {
		for _, w := range ways {
			s.held[w] = true
		}
	})
}

// Trap resets each connection that has carried certain bytes to the target, at
// the moment at which the target answers, until Mend: what was asked for was
// done, and no one is told.
func (l *Line) Trap(carried string) {
	l.change(func(s *state) { s.trap = []byte(carried) })
}

// Resets is how many connections were reset by Trap.
func (l *Line) Resets() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state.resets
}

// Mend has everything pass again.
func (l *Line) Mend() {
	l.change(func(s *state) { *s = state{closed: s.closed, resets: s.resets} })
}

func (l *Line) change(do func(*state)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	do(&l.state)
	close(l.news)
	l.news = make(chan struct{})
}

func (l *Line) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for k := range l.open {
		k.close()
	}
}

func (l *Line) accept() {
	for {
		conn, err := l.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			l.running.Go(func() { l.connect(conn) })
		}
	}
}

// dialWithin bounds how long a target is waited for.
const dialWithin = 5 * time.Second

func (l *Line) connect(near net.Conn) {
	if s, _ := l.now(); s.cut || s.closed { // the target does not hear of it, nor work for it
		abort(near)
		return
	}
	far, err := (&net.Dialer{Timeout: dialWithin}).DialContext(context.Background(), "tcp", l.target)
	if err != nil {
		abort(near)
		return
	}
	k := &link{line: l, near: near, far: far, ended: make(chan struct{})}
	if !l.add(k) {
		k.close()
		return
	}
	var ways sync.WaitGroup
	ways.Go(func() { k.carry(far, near, There) })
	ways.Go(func() { k.carry(near, far, Back) })
	ways.Wait()
	k.close()
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, k)
}

func (l *Line) add(k *link) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state.cut || l.state.closed {
		return false
	}
	l.open[k] = true
	return true
}

// link is one connection.
type link struct {
	line      *Line
	near, far net.Conn
	once      sync.Once
	ended     chan struct{}

	mu     sync.Mutex
	trap   bool // what it carries next from the target is lost, and so is the link
	carved []byte
}

// close ends both connections by a reset, as a cable that is pulled does not,
// but as the machines behind it do in the end.
func (k *link) close() {
	k.once.Do(func() {
		close(k.ended)
		abort(k.near)
		abort(k.far)
	})
}

func abort(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // what is left is of no use
	}
	_ = conn.Close()
}

// carry copies bytes until an end is closed. An end that has only said that it
// sends no more is told to the other one.
func (k *link) carry(to, from net.Conn, way Way) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 && (!k.passes(buffer[:n], way) || !written(to, buffer[:n])) {
			k.close()
			return
		}
		if err != nil {
			break
		}
	}
	if tcp, ok := to.(*net.TCPConn); ok {
		_ = tcp.CloseWrite() // it may be closed
	}
}

func written(to net.Conn, b []byte) bool {
	_, err := to.Write(b)
	return err == nil
}

// passes waits while the direction is held; false: the link is to be reset.
func (k *link) passes(b []byte, way Way) bool {
	for {
		s, news := k.line.now()
		if !s.held[way] {
			return !k.springs(s, b, way)
		}
		select {
		case <-news:
		case <-k.ended:
			return false
		}
	}
}

func (l *Line) now() (state, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state, l.news
}

// springs sets the trap, or tells that it has sprung. The bytes that set it may
// come in two pieces.
func (k *link) springs(s state, b []byte, way Way) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if way == Back {
		if k.trap && s.trap != nil {
			k.line.change(func(s *state) { s.resets++ })
			return true
		}
		k.trap = false
		return false
	}
	if s.trap == nil {
		k.carved = nil
		return false
	}
	seen := slices.Concat(k.carved, b)
	k.trap = k.trap || bytes.Contains(seen, s.trap)
	k.carved = bytes.Clone(seen[max(0, len(seen)-len(s.trap)):])
	return false
}
