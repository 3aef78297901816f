package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// link is a place for one connection, which is made when it is needed. One
// goroutine at a time has it.
type link struct {
	dialer *dialer
	conn   *pgx.Conn
	used   time.Time
	fresh  func(ctx context.Context, conn *pgx.Conn) // told of each new connection; may be nil
	extra  bool                                      // beyond the places of its pool
}

// stale is how long a connection may lie unused before it is asked whether it
// still stands.
const stale = time.Second

// get is the connection, made anew if there is none that works.
func (l *link) get(ctx context.Context) (*pgx.Conn, error) {
	if l.conn != nil && (l.conn.IsClosed() || time.Since(l.used) > stale && !l.answers(ctx)) {
		l.drop()
	}
	if l.conn == nil {
		conn, err := l.dialer.dial(ctx)
		if err != nil {
			return nil, err
		}
		l.conn = conn
		if l.fresh != nil {
			l.fresh(ctx, conn)
		}
	}
	l.used = time.Now()
	return l.conn, nil
}

func (l *link) answers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, l.dialer.timeout)
	defer cancel()
	return l.conn.Ping(ctx) == nil
}

// drop ends the connection, if there is one.
func (l *link) drop() {
	if l.conn != nil {
		l.dialer.hangUp(l.conn)
		l.conn = nil
	}
}
