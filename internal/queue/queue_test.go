package queue_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/talix-dev/talix/broker"
	brokermemory "github.com/talix-dev/talix/broker/memory"
	"github.com/talix-dev/talix/internal/deliver"
	"github.com/talix-dev/talix/internal/journal"
	"github.com/talix-dev/talix/internal/queue"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/stuck"
	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/source"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

// Messages of a key are done in order, those of several at once, and nothing is
// kept of those that succeed.
func TestOrderByKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var running, most atomic.Int32
		w := newWorld(t, memory.Config{}, brokermemory.Config{}, func(context.Context, broker.Message, work.Item) deliver.Run {
			if n := running.Add(1); n > most.Load() {
				most.Store(n)
			}
			time.Sleep(time.Second)
			running.Add(-1)
			return deliver.Run{}
		})
		h := w.start()
		for k := range 5 {
			w.publish(fmt.Sprint("k", k), idsOf(fmt.Sprint("k", k, "-"), 1, 10)...)
		}
		w.publish("", "alone1", "alone2")
		time.Sleep(time.Minute)
		for k := range 5 {
			w.expect(fmt.Sprint("k", k), idsOf(fmt.Sprint("k", k, "-"), 1, 10)...)
		}
		if n := most.Load(); n != 7 {
			t.Errorf("%d ran at once, want one of each of 5 keys and 2 without", n)
		}
		if w.records(work.Space)+w.records(queue.Seen) != 0 {
			t.Error("records were written")
		}
		h.stop()
		h = w.start()
		time.Sleep(time.Minute)
		w.expect("k0", idsOf("k0-", 1, 10)...) // all were acknowledged
		h.stop()
	})
}

// A6: what fails for good is parked with what stands behind it and holds up no
// other key, across a restart; a replay after the fix finishes it in order.
func TestPoisonIsParkedAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, brokermemory.Config{}, func(_ context.Context, m broker.Message, _ work.Item) deliver.Run {
			if m.ID == "a3" {
				panic("a bug")
			}
			return deliver.Run{}
		})
		h := w.start()
		for i := 1; i <= 10; i++ {
			w.publish("a", fmt.Sprint("a", i))
			w.publish("b", fmt.Sprint("b", i))
		}
		time.Sleep(time.Hour)
		for range 2 {
			w.expect("a", "a1", "a2")
			w.expect("b", idsOf("b", 1, 10)...)
			lane, behind, err := h.queues.Inspect(t.Context(), "message/act/a/a3", 0, 100)
			if err != nil {
				t.Fatal(err)
			}
			if lane.Status != work.Parked || lane.Attempts != 10 || lane.Behind != 7 || lane.Message.ID != "a3" || string(lane.Message.Data) != "data" {
				t.Errorf("parked as %+v with %d behind", lane.Item, lane.Behind)
			}
			var got []string
			for _, s := range behind {
				got = append(got, s.Message.ID)
			}
			if !slices.Equal(got, idsOf("a", 4, 10)) {
				t.Errorf("behind it: %v", got)
			}
			h.one()
			h.stop()
			h = w.start()
			time.Sleep(time.Hour)
		}
		w.publish("a", "a11")
		synctest.Wait()
		w.become(ok)
		if n, err := h.queues.Replay(t.Context(), "act"); n != 1 || err != nil {
			t.Errorf("replayed %d: %v", n, err)
		}
		synctest.Wait()
		w.expect("a", idsOf("a", 1, 11)...)
		if n := w.records(work.Space); n != 0 {
			t.Errorf("%d items are left", n)
		}
		w.publish("a", "a12")
		synctest.Wait()
		w.expect("a", idsOf("a", 1, 12)...)
		h.stop()
	})
}

// A message that is kept or is on record as done is not done again, however
// often it comes.
func TestRepeatedMessage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, brokermemory.Config{}, failAt("a1", errBug))
		h := w.start()
		w.publish("a", "a1", "a2", "a1", "a2")
		time.Sleep(time.Hour)
		if s := h.one(); s.Behind != 1 {
			t.Errorf("%d behind", s.Behind)
		}
		w.become(ok)
		if err := h.queues.Retry(t.Context(), "message/act/a/a1"); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		w.publish("a", "a1", "a2")
		synctest.Wait()
		w.expect("a", "a1", "a2")
		h.stop()
		h = w.start()
		w.publish("a", "a2")
		synctest.Wait()
		w.expect("a", "a1", "a2")
		if n := w.records(queue.Seen); n != 2 {
			t.Errorf("%d on record", n)
		}
		time.Sleep(25 * time.Hour)
		if n := w.records(queue.Seen); n != 0 {
			t.Errorf("%d on record after a day", n)
		}
		h.stop()
	})
}

// A message whose run has a journal is on record before it is acknowledged, and
// its journal ends then.
func TestJournaledMessage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var acks atomic.Int32
		b := brokermemory.Config{Fault: func(c brokermemory.Call) brokermemory.Fault {
			if c.Op == brokermemory.Ack && acks.Add(1) <= 100 {
				return brokermemory.Fault{Before: errBug}
			}
			return brokermemory.Fault{}
		}}
		w := newWorld(t, memory.Config{Partitions: 1}, b, nil)
		w.become(func(_ context.Context, _ broker.Message, item work.Item) deliver.Run {
			o := w.store.Commit(context.Background(), item.Partition, []store.Batch{{Records: []store.Change{{
				Record: store.Record{Space: journal.Space, Key: item.Run + "/0001", Rev: w.ids.New()}, Blind: true,
			}}}})
			return deliver.Run{Journal: item.Run, Err: o[0].Err}
		})
		h := w.start()
		w.publish("a", "a1")
		time.Sleep(time.Minute)
		if w.expect("a", "a1"); w.records(journal.Space) != 0 || w.records(queue.Seen) != 1 {
			t.Errorf("%d entries of the journal, %d on record", w.records(journal.Space), w.records(queue.Seen))
		}
		h.stop() // it was not acknowledged
		acks.Store(100)
		h = w.start()
		synctest.Wait()
		w.expect("a", "a1")
		h.stop()
	})
}

// A run that may have had a journal, and has none, leaves no record.
func TestMessageWithoutJournal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, brokermemory.Config{}, func(_ context.Context, _ broker.Message, item work.Item) deliver.Run {
			return deliver.Run{Journal: item.Run}
		})
		h := w.start()
		w.publish("a", "a1")
		synctest.Wait()
		if w.expect("a", "a1"); w.records(queue.Seen) != 0 {
			t.Error("it is on record")
		}
		h.stop()
	})
}

// With a dead-letter queue, what fails for good goes there, and its key goes
// on.
func TestDeadLetters(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var begun atomic.Bool
		w := newWorld(t, memory.Config{}, brokermemory.Config{}, func(_ context.Context, m broker.Message, _ work.Item) deliver.Run {
			switch {
			case m.ID == "a2":
				return deliver.Run{Err: errBug}
			case m.ID == "b1" && !begun.Swap(true):
				return deliver.Run{Err: &registry.Interrupt{Until: time.Now().Add(time.Minute)}}
			case m.ID == "b1":
				return deliver.Run{Err: errBug} // of a message that was acknowledged
			}
			return deliver.Run{}
		})
		w.action.Queue.Dead, w.action.Retry.Attempts = true, 3
		h := w.start()
		w.publish("a", "a1", "a2", "a3")
		w.publish("b", "b1", "b2")
		if err := w.broker.Publish(t.Context(), topic, broker.Message{ID: "c1", Key: "c", Data: []byte("poison")}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		w.expect("a", "a1", "a3")
		w.expect("b", "b2")
		dead := w.dead(t.Context())
		if len(dead) != 3 || dead["a2"] != "a bug" || dead["b1"] != "a bug" || !strings.Contains(dead["c1"], "cannot be read: a bug") {
			t.Errorf("dead letters: %v", dead)
		}
		if n := w.records(work.Space); n != 0 {
			t.Errorf("%d items are left", n)
		}
		h.stop()
	})
}

// Where the dead-letter queue does not take a message, it is parked.
func TestDeadLetterThatIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := brokermemory.Config{Fault: func(c brokermemory.Call) (f brokermemory.Fault) {
			if c.Op == brokermemory.Dead {
				f.Before = broker.ErrTooLarge
			}
			return f
		}}
		w := newWorld(t, memory.Config{}, b, failAt("a1", errBug))
		w.action.Queue.Dead, w.action.Retry.Attempts = true, 3
		h := w.start()
		w.publish("a", "a1", "a2")
		time.Sleep(time.Hour)
		if s := h.one(); s.Status != work.Parked || s.Error != "a bug" {
			t.Errorf("%+v", s.Item)
		}
		h.stop()
	})
}

// What cannot be read is parked at once.
func TestUnreadableMessage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, brokermemory.Config{}, ok)
		h := w.start()
		if err := w.broker.Publish(t.Context(), topic, broker.Message{ID: "p/1", Data: []byte("poison")}); err != nil {
			t.Fatal(err)
		}
		w.publish("", "x")
		synctest.Wait()
		w.expect("", "x")
		s := h.one()
		if s.ID != "message/act/p%2F1/p%2F1" || s.Status != work.Parked || s.Attempts != 1 || !strings.Contains(s.Error, "cannot be read") {
			t.Errorf("%+v", s.Item)
		}
		if _, _, err := h.queues.Inspect(t.Context(), s.ID, 0, 1); err != nil {
			t.Error(err)
		}
		h.stop()
	})
}

// An outage of the surroundings is waited for, in memory.
func TestOutageIsWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, brokermemory.Config{}, failAt("a1", registry.Faultf(registry.Unavailable, "away")))
		w.action.Retry.Attempts = 2
		h := w.start()
		w.publish("a", "a1", "a2")
		time.Sleep(24 * time.Hour)
		if w.expect("a"); w.records(work.Space) != 0 {
			t.Error("it was kept")
		}
		h.stop() // it is given back
		w.become(ok)
		h = w.start()
		synctest.Wait()
		w.expect("a", "a1", "a2")
		h.stop()
	})
}

// A run that waits holds up its key alone, and nothing at the broker.
func TestRunThatWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		until := time.Now().Add(time.Hour)
		w := newWorld(t, memory.Config{}, brokermemory.Config{}, func(_ context.Context, m broker.Message, _ work.Item) deliver.Run {
			if m.ID == "a1" && time.Now().Before(until) {
				return deliver.Run{Err: &registry.Interrupt{Until: until}}
			}
			return deliver.Run{}
		})
		w.action.Queue.InFlight = 2
		h := w.start()
		w.publish("a", idsOf("a", 1, 5)...)
		w.publish("b", "b1")
		synctest.Wait()
		w.expect("b", "b1")
		if s := h.one(); s.Status != work.Waiting || !s.Due.Equal(until) || s.Behind != 4 {
			t.Errorf("%+v with %d behind", s.Item, s.Behind)
		}
		time.Sleep(time.Hour + time.Second)
		w.expect("a", idsOf("a", 1, 5)...)
		h.stop()
	})
}

func TestSkip(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, brokermemory.Config{}, failAt("a1", errBug))
		h := w.start()
		w.publish("a", "a1", "a2")
		time.Sleep(time.Hour)
		for _, err := range []error{h.queues.Skip(t.Context(), "message/act/a/a2"), h.queues.Retry(t.Context(), "message/act/a/a2")} {
			if !errors.Is(err, queue.ErrBehind) {
				t.Errorf("of one that stands behind: %v", err)
			}
		}
		if err := h.queues.Skip(t.Context(), "message/act/a/a1"); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		w.expect("a", "a2")
		for _, id := range []string{"message/act/a/a1", "message/other/a/a1", "what"} {
			if err := h.queues.Skip(t.Context(), id); !errors.Is(err, stuck.ErrNotFound) {
				t.Errorf("of %s: %v", id, err)
			}
		}
		if s := h.queues.Status(); len(s) != 1 || s[0].Skipped != 1 || s[0].Kept != 0 {
			t.Errorf("%+v", s)
		}
		h.stop()
	})
}

// What is kept for an action that is gone stays, and goes on once it is back.
func TestOrphan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, brokermemory.Config{}, failAt("a1", errBug))
		h := w.start()
		w.publish("a", "a1", "a2")
		synctest.Wait()
		h.stop()
		action := w.action
		w.action = nil
		h = w.start()
		time.Sleep(time.Hour)
		if s := h.one(); !s.Orphan || s.Status != work.Parked || s.Behind != 1 {
			t.Errorf("%+v", s)
		}
		if err := h.queues.Retry(t.Context(), "message/act/a/a1"); !errors.Is(err, stuck.ErrOrphan) {
			t.Error(err)
		}
		h.stop()
		w.action = action
		w.become(ok)
		h = w.start()
		synctest.Wait()
		w.expect("a", "a1", "a2")
		h.stop()
	})
}

// Messages of outside systems are durable before they are acknowledged, and
// done once though they come again.
func TestIntake(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, brokermemory.Config{}, ok)
		w.fromSource()
		h, err := w.open(t.Context(), w.store) // it does not run yet
		if err != nil {
			t.Fatal(err)
		}
		take := func(id, data string) {
			if err := h.queues.Intake(t.Context(), w.action, source.Message{ID: id, Data: []byte(data)}); err != nil {
				t.Error(err)
			}
		}
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() { take(fmt.Sprint("m", i%10), "data") })
		}
		all.Wait()
		if n := w.records(work.Space); n != 10 {
			t.Errorf("%d are kept", n)
		}
		h.stop()
		h = w.start()
		synctest.Wait()
		take("m3", "data")
		take("bad", "poison")
		synctest.Wait()
		slices.Sort(w.done[""])
		w.expect("", idsOf("m", 0, 9)...)
		if s := h.one(); s.Status != work.Parked || s.Message.ID != "bad" {
			t.Errorf("%+v", s.Item)
		}
		if err := h.queues.Intake(t.Context(), &registry.Action{Name: "other"}, source.Message{ID: "x"}); err == nil {
			t.Error("a message of no action was taken")
		}
		h.stop()
	})
}

// failing is a broker that cannot go on receiving.
type failing struct {
	broker.Broker
	calls atomic.Int32
}

func (f *failing) Receive(context.Context, broker.Subscription, func(*broker.Delivery)) error {
	f.calls.Add(1)
	return errBug
}

// A broker that fails to receive is asked again, with a pause that grows.
func TestReceiveThatFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, brokermemory.Config{}, ok)
		var f failing
		w.wrap = func(b broker.Broker) broker.Broker { f.Broker = b; return &f }
		h := w.start()
		time.Sleep(time.Hour)
		if n := f.calls.Load(); n < 50 || n > 200 {
			t.Errorf("it was asked %d times in an hour", n)
		}
		h.stop()
	})
}

func TestMissingBroker(t *testing.T) {
	t.Parallel()
	w := newWorld(t, memory.Config{}, brokermemory.Config{}, ok)
	w.action.Queue.Broker = "none"
	if _, err := w.open(t.Context(), w.store); err == nil || !strings.Contains(err.Error(), `no broker named "none"`) {
		t.Errorf("%v", err)
	}
}

// Names that are long or odd make items all the same.
func TestOddNames(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		long := strings.Repeat("/", 1024)
		w := newWorld(t, memory.Config{}, brokermemory.Config{}, failAt(long[:255], errBug))
		h := w.start()
		w.publish(long, long[:255], "next/%")
		time.Sleep(time.Hour)
		s := h.one()
		w.become(ok)
		if err := h.queues.Retry(t.Context(), s.ID); err != nil || s.Behind != 1 {
			t.Errorf("%d behind: %v", s.Behind, err)
		}
		synctest.Wait()
		w.expect(long, long[:255], "next/%")
		h.stop()
	})
}
