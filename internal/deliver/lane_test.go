package deliver_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/talix-dev/talix/internal/deliver"
	"github.com/talix-dev/talix/internal/journal"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/stuck"
	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

const laneID = "event/act/thing/a"

var errBug = errors.New("a bug")

// ok is an action that always succeeds.
func ok(context.Context, *store.Event) deliver.Run { return deliver.Run{} }

// failAt fails at one version.
func failAt(v store.Version, err error) act {
	return func(_ context.Context, e *store.Event) deliver.Run {
		if e.Version == v {
			return deliver.Run{Err: err}
		}
		return deliver.Run{}
	}
}

func (w *world) expect(entity string, want ...store.Version) {
	w.tb.Helper()
	if got := w.doneOf(entity); !slices.Equal(got, want) {
		w.tb.Errorf("%s: %v were done, want %v", entity, got, want)
	}
}

// one is the only lane.
func (h *host) one() deliver.Lane {
	h.tb.Helper()
	lanes := h.lanes()
	if len(lanes) != 1 {
		h.tb.Fatalf("%d lanes", len(lanes))
	}
	return lanes[0]
}

// An outage is nobody's fault: it leaves no record and is waited for.
func TestOutageIsWaitedFor(t *testing.T) {
	t.Parallel()
	for _, outage := range []error{
		registry.Faultf(registry.Unavailable, "away"), registry.Faultf(registry.Overloaded, "busy"),
		&registry.Interrupt{Kind: registry.Broken, Cause: errBug},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, memory.Config{}, failAt(2, outage))
			w.action.Retry.Attempts = 3
			h := w.start()
			h.make("a", 3)
			time.Sleep(24 * time.Hour)
			if w.expect("a", 1); w.items() != 0 {
				t.Errorf("there are %d items", w.items())
			}
			w.become(ok)
			time.Sleep(time.Minute)
			w.expect("a", 1, 2, 3)
			h.stop()
		})
	}
}

// Failures are retried with a pause that doubles, and then parked.
func TestBackoff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var at []time.Time
		w := newWorld(t, memory.Config{}, func(context.Context, *store.Event) deliver.Run {
			at = append(at, time.Now())
			return deliver.Run{Err: errBug}
		})
		w.action.Retry = registry.Retry{First: 8 * time.Second, Max: 20 * time.Second, Attempts: 5}
		h := w.start()
		h.make("a", 1)
		time.Sleep(24 * time.Hour)
		if len(at) != 5 {
			t.Fatalf("it was tried %d times", len(at))
		}
		for i, most := range []float64{8, 16, 20, 20} {
			if pause := at[i+1].Sub(at[i]).Seconds(); pause < most/2 || pause > most+1 {
				t.Errorf("pause %d took %v s, want %v to %v", i, pause, most/2, most)
			}
		}
		if lane := h.one(); lane.Status != work.Parked || lane.Error != "a bug" || lane.Attempts != 5 {
			t.Errorf("%+v", lane.Item)
		}
		h.stop()
	})
}

func TestSkipAndRetry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, failAt(2, errBug))
		h := w.start()
		h.make("a", 4)
		time.Sleep(time.Hour)
		if err := h.dispatcher.Retry(t.Context(), laneID); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		time.Sleep(time.Millisecond)
		if lane := h.one(); lane.Attempts != 1 || lane.Status != work.Ready {
			t.Errorf("after the retry: %+v", lane.Item)
		}
		time.Sleep(time.Hour)
		if err := h.dispatcher.Skip(t.Context(), laneID); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Second)
		w.expect("a", 1, 3, 4)
		for _, err := range []error{h.dispatcher.Skip(t.Context(), laneID), h.dispatcher.Retry(t.Context(), laneID)} {
			if !errors.Is(err, stuck.ErrNotFound) {
				t.Errorf("of a lane that is gone: %v", err)
			}
		}
		skipped := 0
		for _, s := range h.dispatcher.Status() {
			skipped += s.Skipped
		}
		if skipped != 1 {
			t.Errorf("%d were skipped", skipped)
		}
		h.stop()
	})
}

// Nobody meddles with what runs.
func TestBusyLaneIsNotChanged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, failAt(1, errBug))
		h := w.start()
		h.make("a", 1)
		synctest.Wait()
		w.become(func(context.Context, *store.Event) deliver.Run {
			time.Sleep(time.Hour)
			return deliver.Run{}
		})
		time.Sleep(time.Minute)
		for _, err := range []error{h.dispatcher.Skip(t.Context(), laneID), h.dispatcher.Retry(t.Context(), laneID)} {
			if !errors.Is(err, stuck.ErrBusy) {
				t.Errorf("of a lane that runs: %v", err)
			}
		}
		time.Sleep(2 * time.Hour)
		w.expect("a", 1)
		h.stop()
	})
}

// A run that sleeps is gone on with then, and one that waits for a signal when
// it comes, or at the time-out. Others go on meanwhile.
func TestRunThatWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		var runs atomic.Int32
		sleep := begun.Add(time.Hour)
		w := newWorld(t, memory.Config{}, func(_ context.Context, e *store.Event) deliver.Run {
			runs.Add(1)
			if e.Stream.ID == "a" && e.Version == 1 && time.Now().Before(sleep) {
				return deliver.Run{Err: &registry.Interrupt{Until: sleep}}
			}
			return deliver.Run{}
		})
		h := w.start()
		h.make("a", 2)
		h.make("b", 1)
		synctest.Wait()
		lane := h.one()
		if lane.Status != work.Waiting || !lane.Due.Equal(sleep) || lane.Run != laneID+"/1" || lane.Behind != 1 {
			t.Errorf("it sleeps as %+v with %d behind", lane.Item, lane.Behind)
		}
		w.expect("b", 1)
		time.Sleep(time.Until(sleep) + time.Second)
		w.expect("a", 1, 2)
		if n := runs.Load(); n != 4 {
			t.Errorf("%d runs", n)
		}
		h.stop()
	})
}

func TestRunThatAwaitsASignal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int32
		timeout := time.Now().Add(time.Hour)
		gate := make(chan struct{})
		w := newWorld(t, memory.Config{}, func(context.Context, *store.Event) deliver.Run {
			n := runs.Add(1)
			if n == 3 {
				<-gate
			}
			if n <= 3 {
				return deliver.Run{Err: &registry.Interrupt{Until: timeout, Signal: "approved"}}
			}
			return deliver.Run{}
		})
		h := w.start()
		h.make("a", 1)
		synctest.Wait()
		// The signal may have come before there was an item to tell: a second
		// run looks.
		lane := h.one()
		if lane.Status != work.Waiting || lane.Awaits != "approved" || !lane.Due.Equal(timeout) || runs.Load() != 2 {
			t.Errorf("after %d runs it waits as %+v", runs.Load(), lane.Item)
		}
		if err := h.dispatcher.Retry(t.Context(), laneID); err != nil {
			t.Error(err)
		}
		synctest.Wait() // a third one has looked and goes on to wait
		_, err := h.runner.Update(t.Context(), lane.Partition, lane.ID, func(item work.Item) (*work.Item, []store.Change, error) {
			item.Signals++
			item.Due = timeout
			return &item, nil, nil
		})
		if err != nil {
			t.Error(err)
		}
		close(gate)
		synctest.Wait()
		w.expect("a", 1)
		h.stop()
	})
}

// What a run is asked to end is given up, whether it is under way or not.
func TestCancel(t *testing.T) {
	t.Parallel()
	for _, busy := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			gate := make(chan struct{})
			w := newWorld(t, memory.Config{}, failAt(1, &registry.Interrupt{Until: time.Now().Add(time.Hour)}))
			h := w.start()
			h.make("a", 2)
			synctest.Wait()
			if busy {
				w.become(func(_ context.Context, e *store.Event) deliver.Run {
					if e.Version == 1 {
						<-gate
						return deliver.Run{Err: &registry.Interrupt{Kind: registry.Cancelled, Cause: errBug}}
					}
					return deliver.Run{}
				})
				time.Sleep(2 * time.Hour)
			}
			_, err := h.runner.Update(t.Context(), h.one().Partition, laneID, func(item work.Item) (*work.Item, []store.Change, error) {
				item.Cancel, item.Due = true, time.Now()
				return &item, nil, nil
			})
			if err != nil {
				t.Error(err)
			}
			close(gate)
			time.Sleep(time.Second)
			w.expect("a", 2)
			if n := w.items(); n != 0 {
				t.Errorf("%d items are left", n)
			}
			h.stop()
		})
	}
}

// Lanes of an action that is gone stay, and go on once it is back.
func TestOrphan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, failAt(1, errBug))
		h := w.start()
		h.make("a", 2)
		time.Sleep(time.Second)
		h.stop()
		action := w.action
		w.action = nil
		h = w.start()
		time.Sleep(time.Hour)
		if lane := h.one(); !lane.Orphan || lane.Status != work.Parked || !strings.Contains(lane.Error, "add it again") || lane.Behind != 1 {
			t.Errorf("orphan %v with %d behind: %+v", lane.Orphan, lane.Behind, lane.Item)
		}
		if err := h.dispatcher.Retry(t.Context(), laneID); !errors.Is(err, stuck.ErrOrphan) {
			t.Errorf("retry: %v", err)
		}
		if _, err := h.dispatcher.Replay(t.Context(), "act"); !errors.Is(err, stuck.ErrOrphan) {
			t.Errorf("replay: %v", err)
		}
		h.stop()
		w.action = action
		w.become(ok)
		h = w.start()
		time.Sleep(time.Second)
		w.expect("a", 1, 2)
		h.stop()
	})
}

// What cannot be read is parked at once, also where all events are taken.
func TestPoisonIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	for _, typ := range []string{"THING:MADE", "THING:UNKNOWN"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, memory.Config{}, ok)
			w.action.Event = &registry.EventTrigger{Entity: w.entity}
			w.entity.ByName["THING:MADE"].Decode = func([]byte) (any, error) { return nil, errBug }
			h := w.start()
			h.emit("THING:OTHER", "a", 1)
			h.emit(typ, "a", 1)
			h.emit("THING:OTHER", "a", 1)
			synctest.Wait()
			w.expect("a", 1)
			if lane := h.one(); lane.Status != work.Parked || lane.Attempts != 1 || lane.Behind != 1 || lane.Error == "" {
				t.Errorf("%+v", lane.Item)
			}
			h.stop()
		})
	}
}

// A lane whose events are done does not let them be run again after a crash,
// though the mark was held up below them.
func TestLaneAheadOfTheMark(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{Partitions: 1}, nil)
		var healthy atomic.Bool
		var failures atomic.Int32
		w.become(func(_ context.Context, e *store.Event) deliver.Run {
			switch {
			case e.Stream.ID == "held" && !healthy.Load():
				return deliver.Run{Err: registry.Faultf(registry.Unavailable, "away")}
			case e.Stream.ID == "a" && e.Version == 2 && failures.Add(1) < 3:
				return deliver.Run{Err: errBug}
			}
			return deliver.Run{Journal: registry.RunID("event", "act", "thing", e.Stream.ID, fmt.Sprint(e.Version))}
		})
		w.note(laneID + "/1/0001") // a journal that only the mark ends
		h := w.start()
		h.make("held", 1)
		h.make("a", 3)
		time.Sleep(time.Minute)
		h.make("a", 1)
		synctest.Wait()
		w.expect("a", 1, 2, 3, 4)
		if n := len(h.lanes()); n != 0 || w.items() != 1 {
			t.Errorf("%d lanes, %d items", n, w.items())
		}
		h.stop()
		h = w.start()
		time.Sleep(time.Minute)
		w.expect("a", 1, 2, 3, 4, 4) // 4 was done without a record
		healthy.Store(true)
		time.Sleep(2 * time.Minute)
		if n := w.items() + w.entries(); n != 0 {
			t.Errorf("%d items and entries are left", n)
		}
		w.expect("held", 1)
		h.stop()
	})
}

// A journal outlives its event until the mark has passed it, and not longer.
// Notes are written with the item.
func TestJournals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var noted atomic.Int32
		var healthy atomic.Bool
		w := newWorld(t, memory.Config{Partitions: 1}, nil)
		w.become(func(_ context.Context, e *store.Event) deliver.Run {
			run := deliver.Run{Journal: "event/act/thing/" + e.Stream.ID + "/1", Noted: func() { noted.Add(1) }}
			run.Notes = []store.Change{{Record: store.Record{Space: journal.Space, Key: run.Journal + "/0001", Rev: w.ids.New()}, Blind: true}}
			switch {
			case healthy.Load():
			case e.Stream.ID == "held":
				run.Err = registry.Faultf(registry.Unavailable, "away")
			case e.Stream.ID == "a":
				run.Err = errBug
			}
			return run
		})
		w.note("event/act/thing/b/1/0001")
		h := w.start()
		h.make("first", 1) // the mark moves
		h.make("held", 1)
		h.make("a", 1)
		h.make("b", 1)
		time.Sleep(time.Second)
		w.expect("b", 1)
		if mark := h.dispatcher.Status()[0].Mark; mark < 1 {
			t.Errorf("the mark is at %d", mark)
		}
		if w.entries() != 2 || noted.Load() != 1 {
			t.Errorf("%d entries, %d told", w.entries(), noted.Load())
		}
		healthy.Store(true)
		time.Sleep(2 * time.Minute)
		if w.expect("a", 1); w.entries() != 0 {
			t.Errorf("%d entries are left", w.entries())
		}
		h.stop()
	})
}
