package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

const (
	dialLimit  = 10 * time.Second
	closeLimit = 2 * time.Second
)

// link is one connection.
type link struct {
	conn   *amqp.Connection
	socket net.Conn
	broken chan struct{} // closed when the connection has ended

	mu       sync.Mutex
	idle     []*channel      // for Publish
	declared map[string]bool // topics that are there
}

// dial connects. The link is cut when life ends, or ctx before it is open.
func (b *Broker) dial(ctx, life context.Context) (*link, error) {
	l := &link{broken: make(chan struct{}), declared: map[string]bool{}}
	var err error
	opened := func() bool { return true }
	l.conn, err = amqp.DialConfig(b.cfg.Address, amqp.Config{
		Heartbeat:  b.cfg.Heartbeat,
		Locale:     "en_US",
		Properties: amqp.Table{"product": "talix"},
		Dial: func(network, address string) (net.Conn, error) {
			dialer := net.Dialer{Timeout: dialLimit}
			if l.socket, err = dialer.DialContext(ctx, network, address); err != nil {
				return nil, err
			}
			opened = context.AfterFunc(ctx, l.cut)
			// The library clears it when the connection is open.
			return l.socket, l.socket.SetDeadline(time.Now().Add(dialLimit))
		},
	})
	opened()
	if err != nil {
		l.cut()
		return nil, fmt.Errorf("connect: %w", err)
	}
	stop := context.AfterFunc(life, l.cut)
	ended := l.conn.NotifyClose(make(chan *amqp.Error, 1))
	go func() { // owned by the connection, which always ends
		defer close(l.broken)
		for range ended { // it is closed in the end
			continue
		}
		stop()
	}()
	return l, nil
}

// cut ends the connection without a word, which nothing can delay.
func (l *link) cut() {
	if l.socket != nil {
		_ = l.socket.Close()
	}
}

// close ends the connection so that the server knows at once.
func (l *link) close() {
	if err := l.conn.CloseDeadline(time.Now().Add(closeLimit)); err != nil && !errors.Is(err, amqp.ErrClosed) {
		l.cut()
	}
	<-l.broken
}

func (l *link) alive() bool {
	select {
	case <-l.broken:
		return false
	default:
		return !l.conn.IsClosed()
	}
}

// with runs fn on a channel of its own: a refused request closes the channel.
func (l *link) with(fn func(*amqp.Channel) error) error {
	ch, err := l.conn.Channel()
	if err != nil {
		return fmt.Errorf("open channel: %w", err)
	}
	defer func() { _ = ch.Close() }() // refused requests have closed it
	return fn(ch)
}
