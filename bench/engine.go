package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store/sqlite"
)

// engine is a runtime on the embedded store in its default configuration:
// what is acknowledged was synced.
type engine struct {
	*runtime.Runtime
	close func() error
}

// openEngine starts a runtime on a folder.
func openEngine(ctx context.Context, dir string, live runtime.EntityConfig, parts ...talix.Part) (*engine, error) {
	events, err := sqlite.Open(ctx, sqlite.Config{Dir: dir})
	if err != nil {
		return nil, err
	}
	tables, err := sqlite.OpenTables(ctx, sqlite.TablesConfig{Dir: dir})
	if err != nil {
		return nil, errors.Join(err, events.Close())
	}
	rt, err := runtime.New(ctx, runtime.Config{
		Store: events, Tables: tables, Parts: parts,
		Log:       slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		QueryWait: time.Hour, // views that fall behind are waited for, and the wait is counted
		Entities:  live,
	})
	if err != nil {
		return nil, errors.Join(err, tables.Close(), events.Close())
	}
	rt.Start()
	return &engine{rt, func() error {
		rt.Stop()
		return errors.Join(tables.Close(), events.Close())
	}}, nil
}

// engine starts a runtime in a new folder, until the end of the row.
func (l *lab) engine(ctx context.Context, parts ...talix.Part) (*engine, error) {
	dir, err := l.folder()
	if err != nil {
		return nil, err
	}
	e, err := openEngine(ctx, dir, runtime.EntityConfig{}, parts...)
	if err != nil {
		return nil, fmt.Errorf("start runtime: %w", err)
	}
	l.later(e.close)
	return e, nil
}

// bareFile starts a bare file, until the end of the row.
func (l *lab) bareFile() (*bareFile, error) {
	path, err := l.file("bare")
	if err != nil {
		return nil, err
	}
	b, err := openBareFile(path)
	if err != nil {
		return nil, err
	}
	l.later(b.close)
	return b, nil
}

// write runs the command once. Each call is a cause of its own, as it is for
// those who embed the runtime.
func (e *engine) write(ctx context.Context, id string, in Note) error {
	_, err := talix.Run(e.Context(ctx), Write, id, in)
	return err
}

// warm makes n entities, each with an event, and tells their ids.
func (e *engine) warm(ctx context.Context, n int) ([]string, error) {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = talix.NewID(e.Context(ctx))
	}
	return ids, inParallel(n, func(i int) error { return e.write(ctx, ids[i], note()) })
}
