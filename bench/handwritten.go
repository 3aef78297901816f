package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// handWritten is what one writes without a framework: a transaction for each
// command on one connection, with prepared statements, as durable as ours.
type handWritten struct {
	mu   sync.Mutex
	conn *sqlite.Conn
}

const handWrittenSchema = `
CREATE TABLE accounts(id TEXT PRIMARY KEY, balance INTEGER NOT NULL, version INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE events(position INTEGER PRIMARY KEY, id TEXT NOT NULL, version INTEGER NOT NULL, data TEXT NOT NULL, UNIQUE(id, version));
`

// openHandWritten makes the database, with an account for each id.
func openHandWritten(path string, ids []string) (*handWritten, error) {
	conn, err := openDurable(path, handWrittenSchema)
	if err != nil {
		return nil, err
	}
	h := &handWritten{conn: conn}
	if err := h.fill(ids); err != nil {
		return nil, fmt.Errorf("fill accounts: %w", errors.Join(err, conn.Close()))
	}
	return h, nil
}

// openDurable makes a database that syncs each transaction.
func openDurable(path, schema string) (*sqlite.Conn, error) {
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite|sqlite.OpenCreate|sqlite.OpenWAL)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	err = sqlitex.ExecuteTransient(conn, "PRAGMA synchronous=FULL", nil)
	if err == nil {
		err = sqlitex.ExecuteScript(conn, schema, nil)
	}
	if err != nil {
		return nil, fmt.Errorf("make schema: %w", errors.Join(err, conn.Close()))
	}
	return conn, nil
}

func (h *handWritten) fill(ids []string) (err error) {
	end, err := sqlitex.ImmediateTransaction(h.conn)
	if err != nil {
		return err
	}
	defer end(&err)
	for _, id := range ids {
		if err := h.change(id, note()); err != nil {
			return err
		}
	}
	return nil
}

// write is one command: read, decide, append, upsert, commit.
func (h *handWritten) write(id string, in Note) (err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	end, err := sqlitex.ImmediateTransaction(h.conn)
	if err != nil {
		return err
	}
	defer end(&err)
	return h.change(id, in)
}

func (h *handWritten) change(id string, in Note) error {
	var balance, version int64
	err := sqlitex.Execute(h.conn, `SELECT balance, version FROM accounts WHERE id = ?`, &sqlitex.ExecOptions{
		Args:       []any{id},
		ResultFunc: func(s *sqlite.Stmt) error { balance, version = s.ColumnInt64(0), s.ColumnInt64(1); return nil },
	})
	if err != nil {
		return err
	}
	data, err := json.Marshal(Noted(in))
	if err != nil {
		return err
	}
	err = sqlitex.Execute(h.conn, `INSERT INTO events(id, version, data) VALUES(?, ?, ?)`,
		&sqlitex.ExecOptions{Args: []any{id, version + 1, string(data)}})
	if err != nil {
		return err
	}
	return sqlitex.Execute(h.conn, `INSERT INTO accounts(id, balance, version) VALUES(?, ?, ?)
		ON CONFLICT(id) DO UPDATE SET balance = excluded.balance, version = excluded.version`,
		&sqlitex.ExecOptions{Args: []any{id, balance + in.Amount, version + 1}})
}

// busy lets callers write to accounts chosen at random.
func (h *handWritten) busy(ids []string, callers int) side {
	return func(ctx context.Context, each time.Duration) (float64, error) {
		l, err := closedLoop(ctx, callers, each, func(i int) caller {
			random, in := rand.New(rand.NewPCG(1, uint64(i))), note()
			return func() error { return h.write(ids[random.IntN(len(ids))], in) }
		})
		return l.perSecond(), err
	}
}

func (h *handWritten) close() error { return h.conn.Close() }
