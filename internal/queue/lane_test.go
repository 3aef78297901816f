package queue_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/talix-dev/talix/broker"
	brokermemory "github.com/talix-dev/talix/broker/memory"
	"github.com/talix-dev/talix/internal/deliver"
	"github.com/talix-dev/talix/internal/journal"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

// A backlog behind a message is done in order, also one that is longer than
// what one run takes.
func TestLongBacklog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, brokermemory.Config{}, failAt("a1", errBug))
		h := w.start()
		w.publish("a", idsOf("a", 1, 200)...)
		time.Sleep(time.Hour)
		w.become(ok)
		if _, err := h.queues.Replay(t.Context(), "act"); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		w.expect("a", idsOf("a", 1, 200)...)
		h.stop()
	})
}

// A lane whose first item stood behind another when the process ended goes on.
func TestLaneWithoutItsFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, brokermemory.Config{}, failAt("a1", errBug))
		h := w.start()
		w.publish("a", "a1", "a2", "a3")
		time.Sleep(time.Hour)
		h.stop()
		h, err := w.open(t.Context(), w.store)
		if err != nil {
			t.Fatal(err)
		}
		_, err = h.runner.Update(t.Context(), h.one().Partition, "message/act/a/a1", func(work.Item) (*work.Item, []store.Change, error) {
			return nil, nil, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		h.stop()
		h = w.start()
		synctest.Wait()
		w.expect("a", "a2", "a3")
		h.stop()
	})
}

// A message that is being kept behind another, while that one is done, goes on.
func TestLastOneIsDoneMeanwhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var slow, read atomic.Bool
		w := newWorld(t, memory.Config{
			Partitions: 1,
			Fault: func(_ store.Partition, batches []store.Batch) (f memory.Fault) {
				for _, b := range batches {
					for _, c := range b.Records {
						if c.Key == "message/act/a/a2" && c.Space == work.Space && c.Op == store.Put && slow.CompareAndSwap(true, false) {
							read.Store(true)
							f.Kind = memory.UnknownWritten
						}
					}
				}
				return f
			},
			ReadFault: func(method string) error {
				if method == "Record" && read.CompareAndSwap(true, false) {
					<-time.After(time.Hour) // until then it is not known that a2 is kept
				}
				return nil
			},
		}, brokermemory.Config{}, failAt("a1", errBug))
		h := w.start()
		w.publish("a", "a1")
		time.Sleep(time.Hour)
		slow.Store(true)
		w.publish("a", "a2")
		synctest.Wait()
		w.become(ok)
		if err := h.queues.Retry(t.Context(), "message/act/a/a1"); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		w.expect("a", "a1")
		time.Sleep(2 * time.Hour)
		w.expect("a", "a1", "a2")
		h.stop()
	})
}

// An item that is told to run though it stands behind another waits for its
// turn, and one that no lane knows is removed.
func TestItemOutOfTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, brokermemory.Config{}, failAt("a1", errBug))
		h := w.start()
		w.publish("a", "a1", "a2", "a3")
		time.Sleep(time.Hour)
		p := h.one().Partition
		_, err := h.runner.Update(t.Context(), p, "message/act/a/a2", func(item work.Item) (*work.Item, []store.Change, error) {
			item.Status, item.Due, item.Cancel = work.Ready, time.Now(), true
			return &item, nil, nil
		})
		if err != nil {
			t.Error(err)
		}
		stray := work.Item{ID: "message/act/a/a0", Partition: p, Kind: work.Message, Action: "act", Status: work.Ready, Due: time.Now(), Lane: "a", Run: "message/act/a/a0", Input: []byte("{}")}
		if _, _, err := h.runner.Create(t.Context(), stray); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if s := h.one(); s.Message.ID != "a1" || s.Behind != 2 {
			t.Errorf("%s with %d behind", s.Message.ID, s.Behind)
		}
		w.become(ok)
		if err := h.queues.Retry(t.Context(), "message/act/a/a1"); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		w.expect("a", "a1", "a3") // the second was cancelled
		h.stop()
	})
}

// An item that is due at once is not run before its lane knows of it.
func TestItemIsDueAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int32
		var written, read atomic.Bool
		w := newWorld(t, memory.Config{
			Partitions: 1,
			Fault: func(_ store.Partition, batches []store.Batch) (f memory.Fault) {
				if len(batches[0].Records) > 0 && written.CompareAndSwap(false, true) {
					read.Store(true)
					f.Kind = memory.UnknownWritten
				}
				return f
			},
			ReadFault: func(method string) error {
				if method == "Record" && read.CompareAndSwap(true, false) {
					<-time.After(time.Hour) // until then it is not known that it is kept
				}
				return nil
			},
		}, brokermemory.Config{}, func(context.Context, broker.Message, work.Item) deliver.Run {
			if runs.Add(1) == 1 {
				return deliver.Run{Err: &registry.Interrupt{Signal: "approved"}} // which may have come already
			}
			return deliver.Run{}
		})
		h := w.start()
		w.publish("a", "a1", "a2")
		time.Sleep(2 * time.Hour)
		w.expect("a", "a1", "a2")
		h.stop()
	})
}

// What was not settled when the runtime stops is given back, and does not hold
// it up.
func TestStopGivesBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, brokermemory.Config{}, nil)
		w.become(func(ctx context.Context, _ broker.Message, _ work.Item) deliver.Run {
			<-ctx.Done()
			return deliver.Run{Err: ctx.Err()}
		})
		h := w.start()
		for k := range 3 {
			w.publish(fmt.Sprint("k", k), idsOf(fmt.Sprint("k", k, "-"), 1, 5)...)
		}
		synctest.Wait()
		if s := h.queues.Status(); s[0].Begun != 15 {
			t.Errorf("%+v", s)
		}
		began := time.Now()
		h.stop()
		if d := time.Since(began); d > time.Second {
			t.Errorf("stopping took %v", d)
		}
		w.become(ok)
		h = w.start()
		synctest.Wait()
		w.expect("k1", idsOf("k1-", 1, 5)...)
		h.stop()
	})
}

// Nobody runs what was cancelled; what runs is given up if it fails.
func TestCancelledMessageIsNotRun(t *testing.T) {
	t.Parallel()
	for _, busy := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			var runs int32
			gate := make(chan struct{})
			w := newWorld(t, memory.Config{}, brokermemory.Config{}, func(context.Context, broker.Message, work.Item) deliver.Run {
				if runs++; runs == 2 {
					<-gate
				}
				return deliver.Run{Err: errBug}
			})
			w.action.Retry.Attempts = 1
			h := w.start()
			w.publish("a", "a1")
			synctest.Wait()
			id, want := h.one().ID, int32(1)
			if busy {
				want = 2
				if err := h.queues.Retry(t.Context(), id); err != nil {
					t.Error(err)
				}
				synctest.Wait()
			}
			if err := h.queues.Skip(t.Context(), id); err != nil {
				t.Error(err)
			}
			close(gate)
			synctest.Wait()
			if runs != want || len(h.stuck()) != 0 {
				t.Errorf("it ran %d times, %d are stuck", runs, len(h.stuck()))
			}
			h.stop()
		})
	}
}

// One that is paused stands still until it is told to go on.
func TestPausedMessage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, brokermemory.Config{}, failAt("a1", errBug))
		h := w.start()
		w.publish("a", "a1")
		synctest.Wait()
		s := h.one()
		_, err := h.runner.Update(t.Context(), s.Partition, s.ID, func(item work.Item) (*work.Item, []store.Change, error) {
			item.Hold = true
			return &item, nil, nil
		})
		if err != nil {
			t.Error(err)
		}
		w.become(ok)
		time.Sleep(time.Hour)
		if s := h.one(); s.Status != work.Suspended {
			t.Errorf("%+v", s.Item)
		}
		w.expect("a")
		h.stop()
	})
}

// Notes that do not fit the journal as it is are left out.
func TestNotesThatConflict(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, brokermemory.Config{}, nil)
		w.become(func(_ context.Context, _ broker.Message, item work.Item) deliver.Run {
			note := store.Record{Space: journal.Space, Key: item.Run + "/0001", Rev: w.ids.New()}
			w.store.Commit(context.Background(), item.Partition, []store.Batch{{Records: []store.Change{{Record: note, Blind: true}}}})
			return deliver.Run{Err: errBug, Notes: []store.Change{{Record: note}}}
		})
		h := w.start()
		w.publish("a", "a1")
		time.Sleep(time.Hour)
		if s := h.one(); s.Status != work.Parked || s.Attempts != 10 {
			t.Errorf("%+v", s.Item)
		}
		h.stop()
	})
}

// A run is fresh only if it is certain that it has no journal.
func TestFreshRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		fresh := map[string][]bool{}
		w := newWorld(t, memory.Config{Partitions: 1}, brokermemory.Config{}, nil)
		w.become(func(ctx context.Context, m broker.Message, _ work.Item) deliver.Run {
			mu.Lock()
			fresh[m.ID] = append(fresh[m.ID], ctx.Value(freshKey{}).(bool))
			n := len(fresh[m.ID])
			mu.Unlock()
			switch {
			case m.ID == "out" && n < 3:
				return deliver.Run{Err: registry.Faultf(registry.Unavailable, "away")}
			case m.ID == "stop" && n == 1:
				<-ctx.Done()
				return deliver.Run{Err: ctx.Err()}
			case m.ID == "bug" && n < 3:
				return deliver.Run{Err: errBug}
			}
			return deliver.Run{}
		})
		h := w.start()
		w.publish("", "out", "bug", "stop")
		time.Sleep(time.Minute)
		h.stop()
		w.store.Commit(t.Context(), 0, []store.Batch{{Records: []store.Change{{
			Record: store.Record{Space: journal.Space, Key: "message/act/x/x/0001", Rev: w.ids.New()},
		}}}})
		h = w.start()
		w.publish("", "new")
		time.Sleep(time.Minute)
		h.stop()
		for id, want := range map[string][]bool{
			"out": {true, false, false}, "bug": {true, false, false}, "stop": {true, false}, "new": {false},
		} {
			if !slices.Equal(fresh[id], want) {
				t.Errorf("%s: fresh %v, want %v", id, fresh[id], want)
			}
		}
	})
}
