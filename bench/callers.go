package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// caller does one operation and waits for its answer.
type caller func() error

// load is what callers did together.
type load struct {
	operations int
	started    time.Time
	took       time.Duration
}

// perSecond is the rate.
func (l load) perSecond() float64 { return float64(l.operations) / l.took.Seconds() }

// closedLoop lets n callers work until the time is over, each beginning its
// next operation when the last one is answered. The first error ends it.
func closedLoop(ctx context.Context, n int, each time.Duration, newCaller func(i int) caller) (load, error) {
	var over atomic.Bool
	var failed atomic.Pointer[error]
	var operations atomic.Int64
	var all sync.WaitGroup
	end := func() { over.Store(true) }
	defer time.AfterFunc(each, end).Stop()
	defer context.AfterFunc(ctx, end)()
	l := load{started: time.Now()}
	for i := range n {
		call := newCaller(i)
		all.Go(func() {
			done := 0
			for !over.Load() {
				if err := call(); err != nil {
					failed.CompareAndSwap(nil, &err)
					end()
					break
				}
				done++
			}
			operations.Add(int64(done))
		})
	}
	all.Wait()
	l.took, l.operations = time.Since(l.started), int(operations.Load())
	if err := failed.Load(); err != nil {
		return l, *err
	}
	return l, ctx.Err()
}
