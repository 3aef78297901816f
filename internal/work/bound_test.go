package work_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

// gauge knows how many there are at a time, and how many there were at most.
type gauge struct{ now, most atomic.Int64 }

func (g *gauge) up() {
	n := g.now.Add(1)
	for m := g.most.Load(); n > m && !g.most.CompareAndSwap(m, n); m = g.most.Load() {
	}
}

func (g *gauge) down() { g.now.Add(-1) }

// many writes items of an action that are due at the same moment.
func (f *fixture) many(tb testing.TB, action string, due time.Time, n int) {
	tb.Helper()
	for p := range f.groups {
		var changes []store.Change
		for _, id := range ids(n) {
			item := work.Item{ID: action + id, Kind: work.Timer, Action: action, Status: work.Ready, Due: due}
			changes = append(changes, f.Change(item))
		}
		b := f.groups[p].Submit(store.Batch{Records: changes}, nil)
		b.Wait(context.Background())
		if b.Outcome().Status != store.Durable {
			tb.Fatal(b.Outcome().Err)
		}
		f.Wake(store.Partition(p), due)
	}
}

// However many items of an action are due and stuck, those of others run.
func TestStuckActionHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stuck := make(chan struct{})
		var slow gauge
		f := start(t, memory.New(memory.Config{Partitions: 2}), work.Config{Parallel: 8, Run: func(_ context.Context, item work.Item) work.Verdict {
			if item.Action == "stuck" {
				slow.up()
				<-stuck
				slow.down()
			}
			return gone
		}})
		defer f.stop()
		now := f.clock.now()
		f.many(t, "stuck", now, 2000)
		synctest.Wait()
		f.many(t, "quick", now.Add(-time.Second), 600) // before them
		f.many(t, "rapid", now.Add(time.Second), 600)  // behind them
		synctest.Wait()
		pass(10 * time.Second)
		f.create(t, f.due("late"))
		synctest.Wait()
		if n := f.InFlight(); n > 8+256 {
			t.Errorf("%d are in flight", n)
		}
		if got := slow.now.Load(); f.count(t) != 4000 || f.runs("late") != 1 || got != 8 {
			t.Errorf("%d are left, %d of them run", f.count(t), got)
		}
		close(stuck)
		synctest.Wait()
		if got := slow.most.Load(); f.count(t) != 0 || got > 8 {
			t.Errorf("%d are left, and %d ran at a time", f.count(t), got)
		}
		for id, n := range f.all() {
			if n > 2 || n > 1 && id == "late" { // the ids are those of both partitions
				t.Errorf("%s ran %d times", id, n)
			}
		}
	})
}

// What is in flight is bounded, and each action goes on within that.
func TestInFlightIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stuck := make(chan struct{})
		var all gauge
		f := start(t, one(nil), work.Config{Parallel: 10, InFlight: 100, Run: func(_ context.Context, item work.Item) work.Verdict {
			all.up()
			defer all.down()
			if item.Action[0] == 's' {
				<-stuck
			}
			return gone
		}})
		defer f.stop()
		now := f.clock.now()
		for i := range 20 {
			f.many(t, fmt.Sprint("s", i, "/"), now, 50)
		}
		synctest.Wait()
		before := all.now.Load()
		for i := range 5 {
			f.many(t, fmt.Sprint("quick", i, "/"), now.Add(time.Duration(i)*time.Second), 40)
		}
		pass(time.Minute)
		if n := f.InFlight(); n > 100+20 {
			t.Errorf("%d are in flight", n)
		}
		if left := f.count(t); left != 1000 || before > 70 || before < 50 {
			t.Errorf("%d are left, %d run", left, before)
		}
		close(stuck)
		synctest.Wait()
		if left := f.count(t); left != 0 || all.most.Load() > 75 {
			t.Errorf("%d are left, %d ran at a time", left, all.most.Load())
		}
		for id, n := range f.all() {
			if n != 1 {
				t.Errorf("%s ran %d times", id, n)
			}
		}
	})
}

// A backlog is read a few times, not once for each item.
func TestBacklogIsReadInPages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var pages atomic.Int64
		s := memory.New(memory.Config{Partitions: 1, ReadFault: func(method string) error {
			if method == "Due" {
				pages.Add(1)
			}
			return nil
		}})
		f := setUp(t, s, work.Config{})
		defer f.stop()
		f.many(t, "act", f.clock.now(), 3000)
		f.run()
		synctest.Wait()
		if n := pages.Load(); f.count(t) != 0 || n > 120 {
			t.Errorf("%d pages were read, %d are left", n, f.count(t))
		}
	})
}

// What waited for its slot is looked at again before it runs.
func TestWhatWaitedIsRunAsItIsThen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stuck := make(chan struct{})
		var mu sync.Mutex
		seen := map[string]int{}
		f := start(t, one(nil), work.Config{Parallel: 1, Run: func(_ context.Context, item work.Item) work.Verdict {
			if item.ID == "0" {
				<-stuck
			}
			mu.Lock()
			defer mu.Unlock()
			seen[item.ID] = item.Signals
			return gone
		}})
		defer f.stop()
		for _, id := range []string{"0", "changed", "gone", "later", "parked", "same", "other action"} {
			f.create(t, f.due(id))
			synctest.Wait()
		}
		change := func(id string, fn func(*work.Item) *work.Item) {
			if _, err := f.Update(t.Context(), 0, id, func(i work.Item) (*work.Item, []store.Change, error) { return fn(&i), nil, nil }); err != nil {
				t.Fatal(err)
			}
		}
		change("changed", func(i *work.Item) *work.Item { i.Signals = 7; return i })
		change("gone", func(*work.Item) *work.Item { return nil })
		change("later", func(i *work.Item) *work.Item { i.Signals, i.Due = 8, i.Due.Add(time.Hour); return i })
		change("parked", func(i *work.Item) *work.Item { i.Status = work.Parked; return i })
		change("other action", func(i *work.Item) *work.Item { i.Action = "other"; return i })
		close(stuck)
		synctest.Wait()
		mu.Lock()
		got := fmt.Sprint(seen)
		mu.Unlock()
		if got != "map[0:0 changed:7 other action:0 same:0]" {
			t.Errorf("these ran: %s", got)
		}
		pass(time.Hour)
		mu.Lock()
		defer mu.Unlock()
		if seen["later"] != 8 || f.runs("later") != 1 || f.count(t) != 1 {
			t.Errorf("later: %v, %d are left", seen, f.count(t))
		}
	})
}
