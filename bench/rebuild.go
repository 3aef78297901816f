package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store"
	driver "github.com/talix-dev/talix/store/sqlite"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

func rebuildRows() []row {
	return []row{
		{"rebuild", "rebuild of a table view, 1M events of 100,000 entities", "scan of the log, and the same rows inserted by plain SQL in batches", "events/s", ratio,
			atLeast(0.60), bound{}, prepareRebuild},
	}
}

func prepareRebuild(ctx context.Context, l *lab) (contest, error) {
	a := ledgers(l.scaled(100_000), 10)
	dir, err := l.folder()
	if err != nil {
		return contest{}, err
	}
	if err := a.write(ctx, dir); err != nil {
		return contest{}, err
	}
	events := float64(a.entities * a.events)
	rate := func(once func(ctx context.Context) (time.Duration, error)) side {
		return func(ctx context.Context, _ time.Duration) (float64, error) {
			took, err := once(ctx)
			return events / took.Seconds(), err
		}
	}
	return contest{
		ours: rate(func(ctx context.Context) (time.Duration, error) { return rebuild(ctx, dir) }),
		base: rate(func(ctx context.Context) (time.Duration, error) { return l.scanAndInsert(ctx, dir, a) }),
	}, nil
}

// rebuild is how long it takes until the view is whole, in a folder without
// view tables.
func rebuild(ctx context.Context, dir string) (took time.Duration, err error) {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.RemoveAll(filepath.Join(dir, "views.db"+suffix)); err != nil {
			return 0, err
		}
	}
	e, err := openEngine(ctx, dir, runtime.EntityConfig{}, viewed())
	if err != nil {
		return 0, fmt.Errorf("start runtime: %w", err)
	}
	defer func() { err = errors.Join(err, e.close()) }()
	started := time.Now()
	for e.Views().Status()[0].Rebuild != nil {
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	return time.Since(started), nil
}

// scanAndInsert reads the log, and writes as many rows as there are entities.
func (l *lab) scanAndInsert(ctx context.Context, dir string, a archive) (took time.Duration, err error) {
	path, err := l.file("plain.db")
	if err != nil {
		return 0, err
	}
	s, err := driver.Open(ctx, driver.Config{Dir: dir})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	started := time.Now()
	if err := scan(ctx, s, a.entities*a.events); err != nil {
		return 0, err
	}
	if err := insertRows(path, a); err != nil {
		return 0, err
	}
	return time.Since(started), nil
}

func scan(ctx context.Context, s store.Store, want int) error {
	n := 0
	for after := store.Position(0); ; {
		events, err := s.Log(ctx, 0, after, 8192)
		if err != nil {
			return err
		}
		if len(events) == 0 {
			break
		}
		n, after = n+len(events), events[len(events)-1].Position
	}
	if n != want {
		return fmt.Errorf("the log has %d events, not %d", n, want)
	}
	return nil
}

// insertRows writes the rows in the order of their ids.
func insertRows(path string, a archive) (err error) {
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite, sqlite.OpenCreate, sqlite.OpenWAL)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	for _, sql := range []string{
		"PRAGMA synchronous = NORMAL", "PRAGMA wal_autocheckpoint = 4000", "PRAGMA cache_size = -65536",
		"CREATE TABLE ledgers(id TEXT PRIMARY KEY NOT NULL, balance INTEGER NOT NULL, notes INTEGER NOT NULL) STRICT, WITHOUT ROWID",
	} {
		if err := sqlitex.ExecuteTransient(conn, sql, nil); err != nil {
			return err
		}
	}
	insert, err := conn.Prepare("INSERT INTO ledgers VALUES (?, ?, ?)")
	if err != nil {
		return err
	}
	const portion = 1000
	for from := 0; from < a.entities; from += portion {
		if err := insertPortion(conn, insert, a, from, min(from+portion, a.entities)); err != nil {
			return err
		}
	}
	return nil
}

func insertPortion(conn *sqlite.Conn, insert *sqlite.Stmt, a archive, from, to int) (err error) {
	defer sqlitex.Save(conn)(&err)
	for entity := from; entity < to; entity++ {
		insert.BindText(1, a.id(entity))
		insert.BindInt64(2, int64(a.events))
		insert.BindInt64(3, int64(a.events))
		if _, err := insert.Step(); err != nil {
			return err
		}
		if err := insert.Reset(); err != nil {
			return err
		}
	}
	return nil
}
