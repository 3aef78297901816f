package runtime_test

import (
	"context"
	"fmt"
	"log/slog"
	gort "runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store/sqlite"
)

// durable runs a world on the embedded store, which syncs before it answers.
func durable(tb testing.TB, w *world, more ...talix.Part) *runtime.Runtime {
	tb.Helper()
	s, err := sqlite.Open(tb.Context(), sqlite.Config{Dir: tb.TempDir()})
	if err != nil {
		tb.Fatal(err)
	}
	rt, err := runtime.New(tb.Context(), runtime.Config{
		Store: s, Parts: append(more, w.service()), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		s.Close()
		tb.Fatal(err)
	}
	rt.Start()
	tb.Cleanup(func() {
		rt.Stop()
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return rt
}

// BenchmarkHotEntity shows the output gate at work: commands of one entity
// share group commits, so that 64 clients are many times as fast as one, which
// waits for a sync after each command. The ratio is a metric of clients=64.
func BenchmarkHotEntity(b *testing.B) {
	rates := map[int]float64{}
	for _, clients := range []int{1, 64} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			w := newWorld()
			rt := durable(b, w)
			if err := putFrom(b.Context(), rt, w, clients, clients); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.ResetTimer()
			if err := putFrom(b.Context(), rt, w, clients, b.N); err != nil {
				b.Fatal(err)
			}
			rates[clients] = float64(b.N) / b.Elapsed().Seconds()
			b.ReportMetric(rates[clients], "commands/s")
			if one := rates[1]; clients > 1 && one > 0 {
				b.ReportMetric(rates[clients]/one, "×-one-client")
			}
		})
	}
}

// putFrom runs n commands on one entity, from so many clients at once.
func putFrom(ctx context.Context, rt *runtime.Runtime, w *world, clients, n int) error {
	var left atomic.Int64
	left.Store(int64(n))
	errs := make(chan error, clients)
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for left.Add(-1) >= 0 {
				if _, err := talix.Run(rt.Context(ctx), w.put, "hot", coins{1}); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	all.Wait()
	close(errs)
	return <-errs
}

// A command costs a bounded number of allocations, from the call down to the
// disk, whatever its rate; being told of it costs an observer none.
func TestAllocationsPerCommand(t *testing.T) {
	// Not parallel: it counts the allocations of the whole process.
	const most, more = 60, 3
	without := allocationsPerCommand(t)
	if without > most {
		t.Errorf("%.1f allocations a command, want at most %d", without, most)
	}
	with := allocationsPerCommand(t, talix.Use(idle{}))
	t.Logf("%.1f allocations a command, with an observer %.1f", without, with)
	if with > without+more {
		t.Errorf("%.1f allocations a command with an observer, want at most %.1f", with, without+more)
	}
}

func allocationsPerCommand(t *testing.T, parts ...talix.Part) float64 {
	t.Helper()
	const commands = 200
	w := newWorld()
	rt := durable(t, w, parts...)
	if err := putFrom(t.Context(), rt, w, 1, commands); err != nil {
		t.Fatal(err)
	}
	var before, after gort.MemStats
	gort.ReadMemStats(&before)
	if err := putFrom(t.Context(), rt, w, 1, commands); err != nil {
		t.Fatal(err)
	}
	gort.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / commands
}

// idle is an observer that does nothing.
type idle struct{}

func (idle) Name() string { return "idle" }

func (idle) Begin(ctx context.Context, _ talix.Operation) context.Context { return ctx }

func (idle) Carry(context.Context, func(name, value string)) {}

func (idle) Report(context.Context, talix.Report) {}
