package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"
)

// result is a row with what was measured, a figure for each round.
type result struct {
	row
	ours, base, compared []float64
}

// measure prepares a row, lets both sides warm up, and has them take turns.
func measure(ctx context.Context, r row, o options, dir string) (res result, err error) {
	l := &lab{dir: filepath.Join(dir, r.name), quick: o.quick, profile: o.profile}
	defer func() { err = errors.Join(err, l.close()) }()
	c, err := r.prepare(ctx, l)
	if err != nil {
		return result{}, fmt.Errorf("prepare: %w", err)
	}
	if o.profile != "" {
		c.base = nil
	}
	if _, _, err := c.round(ctx, o.each/4, false); err != nil {
		return result{}, fmt.Errorf("warm up: %w", err)
	}
	res.row = r
	for i := range o.rounds {
		ours, base, err := c.round(ctx, o.each, i%2 == 1)
		if err != nil {
			return result{}, err
		}
		res.ours, res.base = append(res.ours, ours), append(res.base, base)
		res.compared = append(res.compared, r.compare.of(ours, base))
	}
	return res, nil
}

// round measures both sides once. Which one comes first changes from round to
// round, so that neither always finds the machine as the other left it.
func (c contest) round(ctx context.Context, each time.Duration, oursFirst bool) (ours, base float64, err error) {
	run := func(s side, figure *float64) {
		if s == nil || err != nil {
			return
		}
		runtime.GC()
		*figure, err = s(ctx, each)
	}
	base = math.NaN()
	if oursFirst {
		run(c.ours, &ours)
		run(c.base, &base)
		return ours, base, err
	}
	run(c.base, &base)
	run(c.ours, &ours)
	return ours, base, err
}

// lab is where a row works: a folder of its own, and what has to be closed.
type lab struct {
	dir     string
	quick   bool
	profile string
	closers []func() error
	folders int
}

// folder makes a new, empty folder.
func (l *lab) folder() (string, error) {
	l.folders++
	dir := filepath.Join(l.dir, fmt.Sprint(l.folders))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make folder: %w", err)
	}
	return dir, nil
}

// file names a new file in a new folder.
func (l *lab) file(name string) (string, error) {
	dir, err := l.folder()
	return filepath.Join(dir, name), err
}

// later closes something at the end of the row, last opened first.
func (l *lab) later(closer func() error) { l.closers = append(l.closers, closer) }

func (l *lab) close() error {
	var errs []error
	for _, c := range slices.Backward(l.closers) {
		errs = append(errs, c())
	}
	return errors.Join(append(errs, os.RemoveAll(l.dir))...)
}

// scaled is a size, or a hundredth of it where a quick look is enough.
func (l *lab) scaled(n int) int {
	if l.quick {
		return max(1, n/100)
	}
	return n
}
