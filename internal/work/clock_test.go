package work_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

func TestClockJumpsAhead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := start(t, one(nil), work.Config{})
		defer f.stop()
		item := f.due("a")
		item.Due = item.Due.Add(time.Hour)
		f.create(t, item)
		pass(90 * time.Second)
		f.clock.jump(time.Hour)
		pass(time.Second)
		if f.runs("a") != 1 {
			t.Error("it did not run within a second")
		}
	})
}

func TestClockJumpsBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stuck := make(chan struct{})
		f := start(t, one(nil), work.Config{Parallel: 1, Run: func(_ context.Context, item work.Item) work.Verdict {
			if item.ID == "stuck" {
				<-stuck
			}
			return gone
		}})
		defer f.stop()
		f.create(t, f.due("stuck"))
		synctest.Wait()
		for _, id := range ids(1000) { // most of them are left in the store
			f.create(t, f.due(id))
		}
		synctest.Wait()
		f.clock.jump(-time.Hour)
		f.create(t, f.due("z")) // before all that
		other := f.due("other")
		other.Action, other.Due = "other", other.Due.Add(time.Minute)
		f.create(t, other)
		pass(30 * time.Second)
		if f.runs("other") != 0 {
			t.Error("it ran before it was due")
		}
		close(stuck)
		pass(time.Minute)
		if f.runs("other") != 1 || f.runs("z") != 1 {
			t.Errorf("they ran %d and %d times", f.runs("other"), f.runs("z"))
		}
		pass(time.Hour)
		if f.count(t) != 0 {
			t.Errorf("%d are left when the time has come again", f.count(t))
		}
		for id, n := range f.all() {
			if n != 1 {
				t.Errorf("%s ran %d times", id, n)
			}
		}
	})
}

// What had no room when the clock was set back is due again later.
func TestClockJumpsBackBehindABacklog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stuck := make(chan struct{})
		f := start(t, one(nil), work.Config{Parallel: 1, InFlight: 1, Run: func(context.Context, work.Item) work.Verdict {
			<-stuck
			return gone
		}})
		defer f.stop()
		f.many(t, "act", f.clock.now(), 10)
		synctest.Wait()
		f.clock.jump(-time.Hour)
		close(stuck)
		pass(time.Minute)
		if n := f.count(t); n != 9 {
			t.Errorf("%d are left before it is time", n)
		}
		pass(time.Hour)
		if n := f.count(t); n != 0 {
			t.Errorf("%d are left", n)
		}
	})
}

// Without anything due, the store is left in peace.
func TestPollingDoesNotAskTheStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		s := memory.New(memory.Config{Partitions: 3, ReadFault: func(string) error { asked.Add(1); return nil }})
		f := start(t, s, work.Config{Look: -1})
		defer f.stop()
		item := f.due("a")
		item.Due = item.Due.Add(time.Hour)
		f.create(t, item)
		synctest.Wait()
		before := asked.Load()
		pass(time.Hour - time.Second)
		if n := asked.Load() - before; n != 0 {
			t.Errorf("it was asked %d times", n)
		}
		pass(time.Second)
		if f.runs("a") != 1 {
			t.Error("it did not run")
		}
	})
}

// Work that was written without a word is found nevertheless.
func TestLook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := start(t, one(nil), work.Config{Look: time.Minute})
		defer f.stop()
		f.create(t, f.due("a"))
		pass(time.Hour)
		item := f.due("b")
		item.Due = item.Due.Add(-2 * time.Hour)
		f.groups[0].Submit(store.Batch{Records: []store.Change{f.Change(item)}}, nil).Wait(t.Context())
		pass(time.Minute)
		if f.runs("b") != 1 {
			t.Errorf("it ran %d times", f.runs("b"))
		}
	})
}
