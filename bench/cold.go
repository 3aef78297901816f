package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/runtime"
)

// prepareCold writes the same history for both sides: long entities whose
// events stand far apart.
func prepareCold(ctx context.Context, l *lab) (contest, error) {
	a := ledgers(l.scaled(100), 1000)
	dir, err := l.folder()
	if err != nil {
		return contest{}, err
	}
	if err := a.write(ctx, dir); err != nil {
		return contest{}, err
	}
	path, err := l.file("events.db")
	if err != nil {
		return contest{}, err
	}
	if err := a.writePlainly(path); err != nil {
		return contest{}, err
	}
	return contest{a.loads(dir), a.queries(path)}, nil
}

const plainSchema = `CREATE TABLE events(position INTEGER PRIMARY KEY, id TEXT NOT NULL, version INTEGER NOT NULL, data TEXT NOT NULL, UNIQUE(id, version));`

// writePlainly makes a plain table of events with an index by entity.
func (a archive) writePlainly(path string) (err error) {
	conn, err := openDurable(path, plainSchema)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	end, err := sqlitex.ImmediateTransaction(conn)
	if err != nil {
		return err
	}
	defer end(&err)
	data, err := json.Marshal(a.data)
	if err != nil {
		return err
	}
	for version := range a.events {
		for entity := range a.entities {
			err := sqlitex.Execute(conn, `INSERT INTO events(id, version, data) VALUES(?, ?, ?)`,
				&sqlitex.ExecOptions{Args: []any{a.id(entity), version + 1, string(data)}})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// loads starts a runtime that knows no entity, and loads each one once: the
// median in milliseconds.
func (a archive) loads(dir string) side {
	return func(ctx context.Context, _ time.Duration) (ms float64, err error) {
		e, err := openEngine(ctx, dir, runtime.EntityConfig{SnapshotEvery: -1}, plain())
		if err != nil {
			return 0, err
		}
		defer func() { err = errors.Join(err, e.close()) }()
		took, err := medianTime(ctx, a.entities, func(i int) error {
			loaded, err := e.load(ctx, a.id(i))
			return a.complete(loaded.State, err)
		})
		return took.Seconds() * 1000, err
	}
}

// queries opens the plain table and folds each entity once: the median in
// milliseconds.
func (a archive) queries(path string) side {
	return func(ctx context.Context, _ time.Duration) (ms float64, err error) {
		conn, err := sqlite.OpenConn(path, sqlite.OpenReadOnly|sqlite.OpenWAL)
		if err != nil {
			return 0, err
		}
		defer func() { err = errors.Join(err, conn.Close()) }()
		took, err := medianTime(ctx, a.entities, func(i int) error {
			state, err := foldPlainly(conn, a.id(i))
			return a.complete(state, err)
		})
		return took.Seconds() * 1000, err
	}
}

func foldPlainly(conn *sqlite.Conn, id string) (state Ledger, err error) {
	err = sqlitex.Execute(conn, `SELECT data FROM events WHERE id = ? ORDER BY version`, &sqlitex.ExecOptions{
		Args: []any{id},
		ResultFunc: func(s *sqlite.Stmt) error {
			data := make([]byte, s.ColumnLen(0))
			s.ColumnBytes(0, data)
			var e Noted
			if err := json.Unmarshal(data, &e); err != nil {
				return err
			}
			e.Apply(&state, talix.Meta{})
			return nil
		},
	})
	return state, err
}

// complete tells whether a state is the sum of all events.
func (a archive) complete(state Ledger, err error) error {
	if err == nil && state.Notes != int64(a.events) {
		err = fmt.Errorf("load entity: it has %d events, want %d", state.Notes, a.events)
	}
	return err
}
