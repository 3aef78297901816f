package work_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

// A verdict is written whatever the store does, and once.
func TestVerdictsOutliveFaults(t *testing.T) {
	t.Parallel()
	for _, kind := range []memory.Kind{memory.Fail, memory.UnknownWritten, memory.UnknownLost, memory.UnknownLate} {
		synctest.Test(t, func(t *testing.T) {
			var left atomic.Int64
			f := start(t, one(func() memory.Kind {
				if left.Add(-1) >= 0 {
					return kind
				}
				return memory.None
			}), work.Config{Run: func(_ context.Context, item work.Item) work.Verdict {
				left.Store(5)
				if item.ID == "gone" {
					return gone
				}
				return finish
			}})
			defer f.stop()
			f.create(t, f.due("done"))
			pass(time.Minute)
			f.create(t, f.due("gone"))
			pass(time.Minute)
			if f.runs("done") != 1 || f.runs("gone") != 1 || f.get(t, "done").Status != work.Done || f.count(t) != 1 {
				t.Errorf("kind %d: they ran %v and %d are left", kind, f.all(), f.count(t))
			}
			if n := f.logs.count("level=ERROR"); n > 2 {
				t.Errorf("kind %d: %d errors were logged", kind, n)
			}
		})
	}
}

// While the store fails that is said once, and nothing is dropped.
func TestStoreIsAwayForLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var away atomic.Bool
		c := memory.Config{Partitions: 1, ReadFault: func(method string) error {
			if away.Load() && method != "Records" {
				return errBoom
			}
			return nil
		}}
		c.Fault = func(store.Partition, []store.Batch) memory.Fault {
			if away.Load() {
				return memory.Fault{Kind: memory.Fail}
			}
			return memory.Fault{}
		}
		f := start(t, memory.New(c), work.Config{Parallel: 5, Run: func(context.Context, work.Item) work.Verdict {
			time.Sleep(time.Minute)
			return gone
		}})
		defer f.stop()
		f.many(t, "act", f.clock.now(), 100)
		for _, id := range ids(100) {
			item := f.due(id)
			item.Action, item.Due = "later", item.Due.Add(30*time.Minute)
			f.create(t, item)
		}
		pass(time.Second)
		away.Store(true)
		pass(time.Hour)
		errs := f.logs.count("level=ERROR")
		if f.count(t) != 200 || errs < 2 || errs > 3 {
			t.Errorf("%d are left, %d errors were logged:\n%s", f.count(t), errs, f.logs.text.String())
		}
		away.Store(false)
		pass(time.Hour)
		for id, n := range f.all() {
			if n != 1 {
				t.Errorf("%s ran %d times", id, n)
			}
		}
		if f.count(t) != 0 || f.logs.count("works again") != errs {
			t.Errorf("%d are left, and it works again:\n%s", f.count(t), f.logs.text.String())
		}
	})
}

// history is what is known of items across the lives of a process.
type history struct {
	mu      sync.Mutex
	created map[string]store.Partition
	ended   map[string]bool // the store does not have them any more
}

// Whatever the store does and whenever the process ends, what was created runs
// until its verdict is durable, and no later.
func TestKilledAtAnyPoint(t *testing.T) {
	t.Parallel()
	for seed := range uint64(10) {
		synctest.Test(t, func(t *testing.T) {
			roll := dice(seed, memory.None, memory.None, memory.None, memory.Fail, memory.UnknownWritten, memory.UnknownLost, memory.UnknownLate)
			var calm atomic.Bool
			s := memory.New(memory.Config{Partitions: 3, Fault: func(store.Partition, []store.Batch) memory.Fault {
				if calm.Load() {
					return memory.Fault{}
				}
				return memory.Fault{Kind: roll()}
			}})
			h := &history{created: map[string]store.Partition{}, ended: map[string]bool{}}
			r := rand.New(rand.NewPCG(seed, 2))
			for life := range 8 {
				calm.Store(life == 7)
				h.live(t, s, r, life)
			}
			if len(h.ended) != len(h.created) || len(h.created) < 20 {
				t.Errorf("seed %d: %d of %d have ended", seed, len(h.ended), len(h.created))
			}
		})
	}
}

// live is one life of a process.
func (h *history) live(t *testing.T, s store.Store, r *rand.Rand, life int) {
	f := start(t, s, work.Config{Parallel: 4, Look: time.Second, Run: func(_ context.Context, item work.Item) work.Verdict {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.ended[item.ID] {
			t.Errorf("%s ran after it had ended", item.ID)
		}
		return gone
	}})
	for i := range 30 {
		item := f.due(fmt.Sprint(life, ".", i))
		item.Partition, item.Action = store.Partition(i%3), fmt.Sprint("act", i%5)
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(r.IntN(200))*time.Millisecond)
		_, made, err := f.Create(ctx, item)
		cancel()
		if err == nil && !made {
			t.Errorf("%s was there already", item.ID)
		}
		if made {
			h.created[item.ID] = item.Partition
		}
	}
	pass(time.Duration(r.IntN(3000)) * time.Millisecond)
	if life == 7 {
		pass(time.Minute)
	}
	f.stop()
	for id, p := range h.created {
		if _, found, err := f.Get(t.Context(), p, id); err == nil && !found {
			h.ended[id] = true
		}
	}
}

// What has room again is looked for until the store can be read.
func TestUnreadableStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var away atomic.Bool
		s := memory.New(memory.Config{Partitions: 1, ReadFault: func(method string) error {
			if away.Load() && method == "Due" {
				return errBoom
			}
			return nil
		}})
		f := start(t, s, work.Config{Parallel: 1, InFlight: 1, Run: func(context.Context, work.Item) work.Verdict {
			time.Sleep(time.Second)
			away.Store(true)
			return gone
		}})
		defer f.stop()
		f.many(t, "act", f.clock.now(), 3)
		for range 3 {
			pass(time.Minute)
			away.Store(false)
		}
		pass(time.Minute)
		if f.count(t) != 0 {
			t.Errorf("%d are left", f.count(t))
		}
	})
}

// Two runtimes on one store may run an item twice, but lose nothing.
func TestTwoRunners(t *testing.T) {
	t.Parallel()
	s := memory.New(memory.Config{Partitions: 2})
	var verdicts atomic.Int64
	var runners []*fixture
	for range 2 {
		runners = append(runners, start(t, s, work.Config{Look: 50 * time.Millisecond, Run: func(context.Context, work.Item) work.Verdict {
			return func(now work.Item) (*work.Item, []store.Change) {
				verdicts.Add(1)
				if now.Attempts++; now.Attempts == 5 {
					now.Status, now.Due = work.Done, time.Time{}
				}
				return &now, nil
			}
		}}))
	}
	var all sync.WaitGroup
	for i, f := range runners {
		all.Go(func() {
			for _, id := range ids(200) {
				item := f.due(fmt.Sprint(i, id))
				item.Partition = store.Partition(i)
				f.create(t, item)
				if err := signalIn(f, item.Partition, item.ID); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	for i, f := range runners {
		for _, id := range ids(200) {
			item, found, err := f.Wait(context.Background(), store.Partition(i), fmt.Sprint(i, id))
			if err != nil || !found || item.Attempts < 5 || item.Signals != 1 {
				t.Errorf("%s: %+v, %t, %v", id, item, found, err)
			}
		}
	}
	t.Logf("%d verdicts on %d items", verdicts.Load(), 400)
}

func TestRunEndsWithWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := one(nil)
		f := start(t, s, work.Config{Parallel: 2, Run: func(ctx context.Context, _ work.Item) work.Verdict {
			<-ctx.Done()
			time.Sleep(time.Second) // it takes a while to end
			return finish
		}})
		for _, id := range ids(10) {
			f.create(t, f.due(id))
		}
		synctest.Wait()
		began := time.Now()
		f.stop()
		done := 0
		for _, id := range ids(10) {
			if f.get(t, id).Status == work.Done {
				done++
			}
		}
		if len(f.all()) != 2 || done != 2 || time.Since(began) != time.Second {
			t.Errorf("%d ran, %d are done, after %v", len(f.all()), done, time.Since(began))
		}
	})
}

func TestStoreThatFailsHoldsUpTheEndForALittle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var away atomic.Bool
		f := start(t, one(func() memory.Kind {
			if away.Load() {
				return memory.Fail
			}
			return memory.None
		}), work.Config{Run: func(context.Context, work.Item) work.Verdict { away.Store(true); return finish }})
		f.create(t, f.due("a"))
		pass(time.Minute)
		began := time.Now()
		f.end()
		<-f.over
		if took := time.Since(began); took < 4*time.Second || took > 6*time.Second || f.get(t, "a").Status != work.Ready {
			t.Errorf("it ended after %v", took)
		}
	})
}
