package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"time"
	"unsafe"

	talixruntime "github.com/talix-dev/talix/runtime"
)

func memoryRows() []row {
	return []row{
		{"idle", "bytes of an idle live entity beside its state's own, 100,000 entities; no goroutine", "–", "B", alone,
			atMost(500), atMost(1000), prepareIdle},
		{"allocs", "allocations a command, Go API, one caller", "–", "", alone,
			atMost(25), atMost(60), prepareAllocations},
	}
}

func prepareIdle(ctx context.Context, l *lab) (contest, error) {
	ours := func(ctx context.Context, _ time.Duration) (bytes float64, err error) {
		dir, err := l.folder()
		if err != nil {
			return 0, err
		}
		first, further := l.scaled(25_000), l.scaled(100_000)
		all := talixruntime.EntityConfig{MaxLive: 2 * (first + further), MaxBytes: 1 << 30} // none leaves
		e, err := openEngine(ctx, dir, all, plain())
		if err != nil {
			return 0, err
		}
		defer func() { err = errors.Join(err, e.close()) }()
		return e.idleBytes(ctx, first, further)
	}
	return contest{ours: ours}, nil
}

// idleBytes is by how much the heap grows with each further entity. The first
// ones fill what is there once, such as the tail of the newest events.
func (e *engine) idleBytes(ctx context.Context, first, further int) (float64, error) {
	if _, err := e.warm(ctx, first); err != nil {
		return 0, err
	}
	before, goroutines := heap(), runtime.NumGoroutine()
	if _, err := e.warm(ctx, further); err != nil {
		return 0, err
	}
	after := heap()
	if n := runtime.NumGoroutine() - goroutines; n > 10 {
		return 0, fmt.Errorf("count goroutines: %d more for %d idle entities", n, further)
	}
	if live := e.Stats().Live; live < first+further {
		return 0, fmt.Errorf("count live entities: %d of %d are in memory", live, first+further)
	}
	return (after-before)/float64(further) - float64(unsafe.Sizeof(Ledger{})), nil
}

func heap() float64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

func prepareAllocations(ctx context.Context, l *lab) (contest, error) {
	e, ids, err := warmed(ctx, l, plain())
	if err != nil {
		return contest{}, err
	}
	const commands = 2000
	ours := func(ctx context.Context, _ time.Duration) (float64, error) {
		random, in := rand.New(rand.NewPCG(3, 3)), note()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range commands {
			if err := e.write(ctx, ids[random.IntN(len(ids))], in); err != nil {
				return 0, err
			}
		}
		runtime.ReadMemStats(&after)
		return float64(after.Mallocs-before.Mallocs) / commands, nil
	}
	return contest{ours: ours}, nil
}
