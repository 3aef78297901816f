package postgres

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// dialer makes connections to one database with the session's settings.
type dialer struct {
	config  *pgx.ConnConfig
	timeout time.Duration
	setup   string // SQL that each new session begins with
	leaving sync.WaitGroup
}

func newDialer(dsn string, timeout time.Duration, setup string) (*dialer, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("read the config's DSN: %w", err)
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = min(timeout, 5*time.Second)
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "talix"
	}
	return &dialer{config: config, timeout: timeout, setup: setup}, nil
}

// sessionSetup is not part of the start-up message, because poolers take few
// settings there. Statements are known and few, so they are planned once, and
// for tables that will be large. Time-outs see to it that a server which was
// stopped does not go on, minutes later, with what nobody waits for.
func sessionSetup(c Config) string {
	return fmt.Sprintf(`
		SET search_path = %s, pg_temp;
		SET client_encoding = 'UTF8';
		SET default_transaction_isolation = 'read committed';
		SET statement_timeout = %d;
		SET lock_timeout = %d;
		SET idle_in_transaction_session_timeout = %d;
		SET plan_cache_mode = force_generic_plan;
		SET jit = off; SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off`,
		quoted(c.Schema), c.Timeout.Milliseconds(), max(c.Timeout.Milliseconds()/2, 1), c.Timeout.Milliseconds())
}

func (d *dialer) dial(ctx context.Context) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, d.config.Copy())
	if err != nil {
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	if _, err := conn.PgConn().Exec(ctx, d.setup).ReadAll(); err != nil {
		d.hangUp(conn)
		return nil, fmt.Errorf("set up session: %w", err)
	}
	return conn, nil
}

// hangUp ends a connection, with or without the server. What is left to do then,
// such as telling the server that nobody waits any more, goes on by itself.
func (d *dialer) hangUp(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx) // it is of no more use
	d.leaving.Go(func() { <-conn.PgConn().CleanupDone() })
}

// close waits until nothing is left of connections that were ended.
func (d *dialer) close() { d.leaving.Wait() }
