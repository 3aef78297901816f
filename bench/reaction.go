package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/talix-dev/talix/runtime"
)

func reactionRows() []row {
	return []row{
		{"reaction", "event's commit → action's own command durable, idle", "nothing", "ms", added,
			atMost(5), bound{}, prepareReaction},
		{"backlog", "a backlog of 100,000 events, each with one command of an action", "the same commands by 64 callers", "commands/s", ratio,
			bound{}, bound{}, prepareBacklog},
	}
}

// prepareReaction measures from the reply, which comes when the event is
// durable.
func prepareReaction(ctx context.Context, l *lab) (contest, error) {
	durable := make(chan time.Time, 1)
	e, err := l.engine(ctx, echoing(durable))
	if err != nil {
		return contest{}, err
	}
	ours := func(ctx context.Context, each time.Duration) (float64, error) {
		return idleMedian(ctx, each, func(i int) (time.Duration, error) {
			if err := e.write(ctx, fmt.Sprint("ledger-", i%100), note()); err != nil {
				return 0, err
			}
			committed := time.Now()
			select {
			case at := <-durable:
				return max(0, at.Sub(committed)), nil
			case <-time.After(10 * time.Second):
				return 0, errors.New("wait for the action: it did not end within 10 s")
			}
		})
	}
	nothing := func(context.Context, time.Duration) (float64, error) { return 0, nil }
	return contest{ours, nothing}, nil
}

func prepareBacklog(_ context.Context, l *lab) (contest, error) {
	a := ledgers(l.scaled(1000), 100)
	events := a.entities * a.events
	rate := func(once func(ctx context.Context, dir string) (time.Duration, error)) side {
		return func(ctx context.Context, _ time.Duration) (float64, error) {
			dir, err := l.folder()
			if err != nil {
				return 0, err
			}
			if err := a.write(ctx, dir); err != nil {
				return 0, err
			}
			took, err := once(ctx, dir)
			return float64(events) / took.Seconds(), err
		}
	}
	return contest{
		ours: rate(func(ctx context.Context, dir string) (time.Duration, error) { return workOff(ctx, dir, events) }),
		base: rate(func(ctx context.Context, dir string) (time.Duration, error) { return byCallers(ctx, dir, a) }),
	}, nil
}

// workOff is how long an action takes that is new to a log of many events.
func workOff(ctx context.Context, dir string, events int) (took time.Duration, err error) {
	durable := make(chan time.Time, 1024)
	started := time.Now()
	e, err := openEngine(ctx, dir, runtime.EntityConfig{}, echoing(durable))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, e.close()) }()
	for range events {
		select {
		case <-durable:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	return time.Since(started), nil
}

// byCallers is how long 64 callers take for the same commands.
func byCallers(ctx context.Context, dir string, a archive) (took time.Duration, err error) {
	e, err := openEngine(ctx, dir, runtime.EntityConfig{}, plain())
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, e.close()) }()
	var next atomic.Int64
	errs := make([]error, 64)
	started := time.Now()
	var all sync.WaitGroup
	for n := range errs {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(a.entities*a.events) && errs[n] == nil; i = next.Add(1) - 1 {
				errs[n] = e.write(ctx, echoPrefix+a.id(int(i)%a.entities), note())
			}
		})
	}
	all.Wait()
	return time.Since(started), errors.Join(errs...)
}
