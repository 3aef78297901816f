package deliver_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/talix-dev/talix/internal/deliver"
	"github.com/talix-dev/talix/internal/journal"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

// failing makes the commits fail that hold a change for which which is true,
// as long as on is.
func failing(on *atomic.Bool, which func(store.Change) bool) func(store.Partition, []store.Batch) memory.Fault {
	return func(_ store.Partition, batches []store.Batch) (f memory.Fault) {
		for _, b := range batches {
			if on.Load() && slices.ContainsFunc(b.Records, which) {
				f.Kind = memory.Fail
			}
		}
		return f
	}
}

// Until a lane's item is durable, the mark does not pass its event.
func TestMarkWaitsForTheLane(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var away atomic.Bool
		away.Store(true)
		w := newWorld(t, memory.Config{Partitions: 1, Fault: failing(&away, func(c store.Change) bool {
			return c.Space == work.Space && c.Op == store.Put
		})}, failAt(1, errBug))
		h := w.start()
		h.make("a", 1)
		h.make("b", 0)
		time.Sleep(time.Minute)
		if mark := h.dispatcher.Status()[0].Mark; mark != 0 {
			t.Errorf("the mark is at %d", mark)
		}
		away.Store(false)
		time.Sleep(2 * time.Minute)
		if lane := h.one(); lane.Version != 1 {
			t.Errorf("%+v", lane.Item)
		}
		if mark := h.dispatcher.Status()[0].Mark; mark == 0 {
			t.Error("the mark stands still")
		}
		h.stop()
	})
}

// Events that come while a lane is being removed wait until that is durable.
func TestEventsWaitForTheLanesEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var away atomic.Bool
		var failures atomic.Int32
		w := newWorld(t, memory.Config{Partitions: 1, Fault: failing(&away, func(c store.Change) bool {
			return c.Space == work.Space && c.Op == store.Delete
		})}, func(_ context.Context, e *store.Event) deliver.Run {
			if e.Version == 1 && failures.Add(1) < 4 {
				return deliver.Run{Err: errBug}
			}
			return deliver.Run{}
		})
		h := w.start()
		h.make("a", 1)
		away.Store(true)
		time.Sleep(10 * time.Second)
		h.make("a", 2)
		time.Sleep(10 * time.Second)
		w.expect("a", 1)
		away.Store(false)
		time.Sleep(2 * time.Minute)
		w.expect("a", 1, 2, 3)
		if n := w.items(); n != 0 {
			t.Errorf("%d items are left", n)
		}
		h.stop()
	})
}

// An event that comes while a lane looks for its next is not lost.
func TestEventComesAtTheLanesEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var loads, failures atomic.Int32
		w := newWorld(t, memory.Config{Partitions: 1, ReadFault: func(method string) error {
			if method == "Load" && loads.Add(1) == 4 { // it looks behind the event that succeeded
				<-time.After(time.Second)
			}
			return nil
		}}, func(_ context.Context, e *store.Event) deliver.Run {
			if e.Version == 1 && failures.Add(1) < 4 {
				return deliver.Run{Err: errBug}
			}
			return deliver.Run{}
		})
		h := w.start()
		h.make("a", 1)
		for len(w.doneOf("a")) == 0 {
			time.Sleep(10 * time.Millisecond)
		}
		h.make("a", 1)
		time.Sleep(time.Minute)
		w.expect("a", 1, 2)
		h.stop()
	})
}

// What tells that a lane is done does not stay, though it was written while the
// mark moved.
func TestGuardComesWhileOthersGo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var healthy, slow, late atomic.Bool
		release := make(chan struct{})
		failed := map[string]bool{}
		w := newWorld(t, memory.Config{
			Partitions: 1,
			Fault: func(store.Partition, []store.Batch) (f memory.Fault) {
				if slow.Load() {
					f.Delay = 10 * time.Millisecond
				}
				return f
			},
			ReadFault: func(method string) error {
				if method == "Record" && late.CompareAndSwap(true, false) {
					<-release
				}
				return nil
			},
		}, nil)
		var mu sync.Mutex
		w.become(func(_ context.Context, e *store.Event) deliver.Run {
			mu.Lock()
			defer mu.Unlock()
			id := e.Stream.ID
			switch {
			case id == "held" && !healthy.Load():
				return deliver.Run{Err: registry.Faultf(registry.Unavailable, "away")}
			case id != "held" && !failed[id]:
				failed[id] = true
				return deliver.Run{Err: errBug}
			}
			late.Store(id == "late") // its lane is about to be closed
			return deliver.Run{}
		})
		h := w.start()
		h.make("held", 1)
		for i := range 10 {
			h.make(fmt.Sprint("e", i), 1)
		}
		time.Sleep(time.Minute)
		h.make("late", 1)
		time.Sleep(time.Minute)
		healthy.Store(true)
		slow.Store(true)
		for w.items() == 11 {
			time.Sleep(time.Millisecond)
		}
		close(release)
		time.Sleep(time.Minute)
		if n := w.items(); n != 0 {
			t.Errorf("%d items are left", n)
		}
		h.stop()
	})
}

// Who gave an event up while it ran has the last word, if it fails.
func TestSkippedWhileItRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		var runs atomic.Int32
		w := newWorld(t, memory.Config{Partitions: 1}, nil)
		w.become(func(_ context.Context, e *store.Event) deliver.Run {
			if e.Version != 1 {
				return deliver.Run{}
			}
			if runs.Add(1) == 2 {
				<-gate
				w.note(laneID + "/1/0001")
			}
			return deliver.Run{Err: errBug}
		})
		h := w.start()
		h.make("a", 2)
		time.Sleep(time.Second)
		_, err := h.runner.Update(t.Context(), 0, laneID, func(item work.Item) (*work.Item, []store.Change, error) {
			item.Version++
			return &item, nil, nil
		})
		if err != nil {
			t.Error(err)
		}
		close(gate)
		time.Sleep(time.Minute)
		if w.expect("a", 2); w.entries() != 0 {
			t.Errorf("%d entries of its journal are left", w.entries())
		}
		h.stop()
	})
}

// Notes that do not fit the journal as it is are left out.
func TestNotesThatConflict(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{Partitions: 1}, nil)
		w.become(func(context.Context, *store.Event) deliver.Run {
			note := store.Change{Record: store.Record{Space: journal.Space, Key: laneID + "/1/0001", Rev: w.ids.New()}}
			return deliver.Run{Err: errBug, Notes: []store.Change{note}}
		})
		w.note(laneID + "/1/0001")
		h := w.start()
		h.make("a", 1)
		time.Sleep(time.Hour)
		if lane := h.one(); lane.Status != work.Parked || lane.Attempts != 10 {
			t.Errorf("%+v", lane.Item)
		}
		h.stop()
	})
}

// A lane that someone pauses stands still until it is told to go on.
func TestPausedLane(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{Partitions: 1}, failAt(1, errBug))
		h := w.start()
		h.make("a", 2)
		synctest.Wait()
		hold := func(hold bool) {
			_, err := h.runner.Update(t.Context(), 0, laneID, func(item work.Item) (*work.Item, []store.Change, error) {
				if item.Hold = hold; !hold {
					item.Status, item.Due = work.Ready, time.Now()
				}
				return &item, nil, nil
			})
			if err != nil {
				t.Error(err)
			}
		}
		hold(true)
		w.become(ok)
		time.Sleep(time.Hour)
		if lane := h.one(); lane.Status != work.Suspended {
			t.Errorf("%+v", lane.Item)
		}
		w.expect("a")
		hold(false)
		time.Sleep(time.Minute)
		w.expect("a", 1, 2)
		h.stop()
	})
}

// A run is fresh only if it is certain that it has no journal.
func TestFreshRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		fresh := map[string][]bool{}
		w := newWorld(t, memory.Config{Partitions: 1}, nil)
		w.become(func(ctx context.Context, e *store.Event) deliver.Run {
			is := ctx.Value(freshKey{}).(bool)
			mu.Lock()
			fresh[e.Stream.ID] = append(fresh[e.Stream.ID], is)
			n := len(fresh[e.Stream.ID])
			mu.Unlock()
			switch {
			case e.Stream.ID == "out" && n < 3:
				return deliver.Run{Err: registry.Faultf(registry.Unavailable, "away")}
			case e.Stream.ID == "bug" && n < 3:
				return deliver.Run{Err: errBug}
			}
			return deliver.Run{}
		})
		h := w.start()
		h.make("out", 1)
		h.make("bug", 1)
		time.Sleep(time.Minute)
		h.stop()
		h, err := w.open(t.Context(), w.store)
		if err != nil {
			t.Fatal(err)
		}
		h.make("waited", 1) // for the next runtime
		h.stop()
		w.note("event/act/thing/waited/1/0001")
		h = w.start()
		h.make("new", 1)
		time.Sleep(time.Minute)
		h.stop()
		for entity, want := range map[string][]bool{
			"out": {true, false, false}, "bug": {true, false, false}, "waited": {false}, "new": {true},
		} {
			if !slices.Equal(fresh[entity], want) {
				t.Errorf("%s: fresh %v, want %v", entity, fresh[entity], want)
			}
		}
	})
}
