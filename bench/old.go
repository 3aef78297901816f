package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/talix-dev/talix/runtime"
)

// prepareOld writes an entity with a long history and one with a short one, and
// has each loaded once, as they would have been in their life.
func prepareOld(ctx context.Context, l *lab) (contest, error) {
	var sides [2]side
	for i, events := range []int{l.scaled(1_000_000), 100} {
		a := ledgers(1, events)
		dir, err := l.folder()
		if err != nil {
			return contest{}, err
		}
		if err := a.write(ctx, dir); err != nil {
			return contest{}, err
		}
		if err := a.live(ctx, dir); err != nil {
			return contest{}, err
		}
		sides[i] = func(ctx context.Context, _ time.Duration) (float64, error) { return a.commands(ctx, dir) }
	}
	return contest{ours: sides[0], base: sides[1]}, nil
}

// live loads the entity, which leaves a snapshot.
func (a archive) live(ctx context.Context, dir string) (err error) {
	e, err := openEngine(ctx, dir, runtime.EntityConfig{}, plain())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.close()) }()
	loaded, err := e.load(ctx, a.id(0))
	return a.complete(loaded.State, err)
}

// commands is how long the first command takes in a runtime that has just
// started, in milliseconds: the median of a few.
func (a archive) commands(ctx context.Context, dir string) (float64, error) {
	var times []float64
	for range 9 {
		took, err := a.command(ctx, dir)
		if err != nil {
			return 0, err
		}
		times = append(times, took.Seconds()*1000)
	}
	return median(times), nil
}

func (a archive) command(ctx context.Context, dir string) (took time.Duration, err error) {
	e, err := openEngine(ctx, dir, runtime.EntityConfig{}, plain())
	if err != nil {
		return 0, fmt.Errorf("start runtime: %w", err)
	}
	defer func() { err = errors.Join(err, e.close()) }()
	started := time.Now()
	err = e.write(ctx, a.id(0), note())
	return time.Since(started), err
}
