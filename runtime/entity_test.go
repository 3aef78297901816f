package runtime_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

func decode(t *testing.T, data []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatal(err)
	}
}

// E1: two runtimes that know nothing of each other write on one store.
func TestTwoRuntimesNeverLoseOrRepeatAWrite(t *testing.T) {
	t.Parallel()
	s := checked(t, memory.Config{})
	const ids, each = 3, 100
	var acked [ids]atomic.Int64
	var all sync.WaitGroup
	for n := range 2 {
		w := newWorld()
		rt := start(t, w, s)
		for range 4 {
			all.Go(func() {
				for i := range each {
					id := (i + n) % ids
					_, err := talix.Run(rt.Context(t.Context()), w.put, fmt.Sprint("p", id), coins{1})
					switch {
					case err == nil:
						acked[id].Add(1)
					case !errors.Is(err, talix.ErrUnavailable):
						t.Error(err)
					}
				}
			})
		}
	}
	all.Wait()
	for id := range ids {
		if got, _ := coinsIn(t, s, fmt.Sprint("p", id)); got != int(acked[id].Load()) {
			t.Errorf("p%d: %d coins, though %d puts were acknowledged", id, got, acked[id].Load())
		}
	}
}

// E2, and versions as replies tell them.
func TestCommandsOfOneEntityTakeTurns(t *testing.T) {
	t.Parallel()
	s := checked(t, memory.Config{})
	w := newWorld()
	rt := start(t, w, s)
	const n = 1000
	versions := make([]int, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			got, err := talix.Run(rt.Context(t.Context()), w.put, "hot", coins{1})
			if err != nil {
				t.Error(err)
			}
			if got.Coins != int(got.Version) {
				t.Errorf("version %d holds %d coins", got.Version, got.Coins)
			}
			versions[i] = int(got.Version)
		})
	}
	all.Wait()
	slices.Sort(versions)
	for i, v := range versions {
		if v != i+1 {
			t.Fatalf("version %d was answered where %d should", v, i+1)
		}
	}
	if got, version := coinsIn(t, s, "hot"); got != n || version != n {
		t.Errorf("%d coins at version %d", got, version)
	}
}

// E4: nothing leaves before what it rests on is durable.
func TestOutputGate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		open := make(chan struct{})
		s := checked(t, memory.Config{Fault: func(store.Partition, []store.Batch) memory.Fault {
			<-open
			return memory.Fault{}
		}})
		w := newWorld()
		rt := start(t, w, s)
		var left atomic.Int32
		var all sync.WaitGroup
		run := func(f func() error) {
			all.Go(func() {
				if err := f(); err != nil {
					t.Error(err)
				}
				left.Add(1)
			})
			synctest.Wait()
		}
		ctx := rt.Context(t.Context())
		run(func() error { _, err := talix.Run(ctx, w.put, "p", coins{1}); return err })
		run(func() error {
			_, err := talix.Run(ctx, w.take, "p", coins{5})
			if !errors.Is(err, talix.ErrRejected) {
				return fmt.Errorf("want a rejection, got %w", err)
			}
			return nil
		})
		run(func() error {
			got, err := talix.Run(ctx, w.look, "p", struct{}{})
			if err == nil && got.Coins != 1 {
				err = fmt.Errorf("look saw %d coins", got.Coins)
			}
			return err
		})
		run(func() error {
			got, err := talix.Load(ctx, w.purses, "p")
			if err == nil && got.State.Coins != 1 {
				err = fmt.Errorf("load saw %d coins", got.State.Coins)
			}
			return err
		})
		if w.decided.Load() != 3 {
			t.Errorf("%d commands were decided while the append was under way, want 3", w.decided.Load())
		}
		if left.Load() != 0 {
			t.Errorf("%d answers left before the append was durable", left.Load())
		}
		close(open)
		all.Wait()
	})
}

// E5: whatever a commit answers, each acknowledged command has its effect once,
// and each refused one has none.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { faultyRun(t, seed) })
		})
	}
}

func faultyRun(t *testing.T, seed uint64) {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(seed, 1))
	var calm atomic.Bool
	s := checked(t, memory.Config{Fault: func(store.Partition, []store.Batch) memory.Fault {
		mu.Lock()
		defer mu.Unlock()
		if calm.Load() || random.IntN(3) > 0 {
			return memory.Fault{Delay: time.Duration(random.IntN(1000)) * time.Microsecond}
		}
		kinds := []memory.Kind{memory.Fail, memory.UnknownWritten, memory.UnknownLost, memory.UnknownLate}
		return memory.Fault{Kind: kinds[random.IntN(len(kinds))]}
	}})
	w := newWorld()
	rt := start(t, w, s)
	const clients, each, purses = 16, 20, 3
	var low, high [purses]atomic.Int64 // known to be there; may be there
	var told [purses]sync.Map          // by version: what a reply said that it led to
	var all sync.WaitGroup
	for c := range clients {
		all.Go(func() {
			for i := range each {
				id := (c + i) % purses
				amount := int64(1 + c)
				reply, err := talix.Run(rt.Context(t.Context()), w.put, fmt.Sprint("p", id), coins{int(amount)})
				switch {
				case err == nil:
					told[id].Store(reply.Version, reply.Coins)
					low[id].Add(amount)
					high[id].Add(amount)
				case errors.Is(err, talix.ErrUnknown):
					high[id].Add(amount)
				case !errors.Is(err, talix.ErrUnavailable):
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	calm.Store(true)
	for id := range purses {
		name := fmt.Sprint("p", id)
		reply, err := talix.Run(rt.Context(t.Context()), w.put, name, coins{1}) // lets the late ones land
		if err != nil {
			t.Fatal(err)
		}
		got, _ := coinsIn(t, s, name)
		if l, h := int(low[id].Load())+1, int(high[id].Load())+1; got < l || got > h {
			t.Errorf("%s: %d coins, want %d to %d", name, got, l, h)
		}
		if reply.Coins != got {
			t.Errorf("%s: the live entity has %d coins, the log %d", name, reply.Coins, got)
		}
		wantReplies(t, s, name, &told[id])
	}
}

// wantReplies holds replies, by version, against what the log adds up to there:
// each was decided on the events that stand before its own.
func wantReplies(t *testing.T, s store.Store, id string, told *sync.Map) {
	t.Helper()
	sum := 0
	for e, err := range s.Load(t.Context(), store.Stream{Type: "purse", ID: id}, 0) {
		var put Put
		if err == nil {
			err = json.Unmarshal(e.Data, &put)
		}
		if err != nil {
			t.Fatal(err)
		}
		sum += put.Coins
		if said, ok := told.Load(int64(e.Version)); ok && said != sum {
			t.Errorf("%s: the reply at version %d told of %v coins, the log has %d", id, e.Version, said, sum)
		}
	}
}

// E6: the first reply stands.
func TestKey(t *testing.T) {
	t.Parallel()
	s := checked(t, memory.Config{})
	w := newWorld()
	rt := start(t, w, s)
	put := func(key string, n int) (held, error) {
		return talix.Run(rt.ContextWithKey(t.Context(), key), w.put, "p", coins{n})
	}
	first, err := put("a", 5)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := put("b", 7); err != nil {
		t.Fatal(err)
	}
	if again, err := put("a", 5); err != nil || again != first {
		t.Errorf("a repeat got %v, %v; the first got %v", again, err, first)
	}
	if _, err := put("a", 6); !errors.Is(err, talix.ErrInvalid) {
		t.Errorf("the same key with another input: %v", err)
	}
	if got, version := coinsIn(t, s, "p"); got != 12 || version != 2 {
		t.Errorf("%d coins at version %d", got, version)
	}
}

func TestKeyOfARejectionIsNotRemembered(t *testing.T) {
	t.Parallel()
	w := newWorld()
	rt := start(t, w, checked(t, memory.Config{}))
	take := func() error {
		_, err := talix.Run(rt.ContextWithKey(t.Context(), "k"), w.take, "p", coins{1})
		return err
	}
	if err := take(); !errors.Is(err, talix.ErrRejected) {
		t.Fatal(err)
	}
	if _, err := talix.Run(rt.Context(t.Context()), w.put, "p", coins{1}); err != nil {
		t.Fatal(err)
	}
	if err := take(); err != nil {
		t.Errorf("the same key after the state changed: %v", err)
	}
	if err := take(); err != nil {
		t.Errorf("a repeat that would be rejected now gets the first reply, not %v", err)
	}
}

func TestKeyOfAReplyWithoutEvents(t *testing.T) {
	t.Parallel()
	w := newWorld()
	rt := start(t, w, checked(t, memory.Config{}))
	look := func() int {
		got, err := talix.Run(rt.ContextWithKey(t.Context(), "k"), w.look, "p", struct{}{})
		if err != nil {
			t.Fatal(err)
		}
		return got.Coins
	}
	before := look()
	if _, err := talix.Run(rt.Context(t.Context()), w.put, "p", coins{3}); err != nil {
		t.Fatal(err)
	}
	if after := look(); after != before {
		t.Errorf("a repeat got %d, the first %d", after, before)
	}
}

func TestManyRepeatsAtOnce(t *testing.T) {
	t.Parallel()
	s := checked(t, memory.Config{})
	w := newWorld()
	rt := start(t, w, s)
	var all sync.WaitGroup
	for i := range 64 {
		all.Go(func() {
			if _, err := talix.Run(rt.ContextWithKey(t.Context(), fmt.Sprint(i%4)), w.put, "p", coins{1}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got, _ := coinsIn(t, s, "p"); got != 4 {
		t.Errorf("%d coins for 4 keys", got)
	}
}

// E7: bounds answer at once, and who went away is dropped before the start.
func TestQueueBounds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inside, leave := make(chan struct{}), make(chan struct{})
		w := newWorld()
		slow := talix.NewCommand(w.purses, "slow", func(c talix.CommandContext[Purse], _ struct{}) (held, error) {
			close(inside)
			<-leave
			return held{}, nil
		})
		w.extra = talix.Components{slow}
		rt := start(t, w, checked(t, memory.Config{}), func(c *runtime.Config) {
			c.Entities.MaxQueue, c.Entities.MaxWait = 2, time.Second
		})
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := talix.Run(rt.Context(t.Context()), slow, "p", struct{}{}); err != nil {
				t.Error(err)
			}
		})
		<-inside
		gone, goAway := contextWithCancel(t)
		all.Go(func() {
			if _, err := talix.Run(rt.Context(gone), w.put, "p", coins{1}); !errors.Is(err, talix.ErrUnavailable) {
				t.Errorf("who went away got %v", err)
			}
		})
		all.Go(func() {
			if _, err := talix.Run(rt.Context(t.Context()), w.put, "p", coins{1}); !errors.Is(err, talix.ErrOverloaded) {
				t.Errorf("who waited too long got %v", err)
			}
		})
		synctest.Wait()
		if _, err := talix.Run(rt.Context(t.Context()), w.put, "p", coins{1}); !errors.Is(err, talix.ErrOverloaded) {
			t.Errorf("the queue is full, but the answer was %v", err)
		}
		goAway()
		time.Sleep(2 * time.Second) // of the bubble's clock
		synctest.Wait()
		close(leave)
		all.Wait()
		if w.decided.Load() != 0 {
			t.Errorf("%d commands ran that should not", w.decided.Load())
		}
		if _, err := talix.Run(rt.Context(t.Context()), w.put, "p", coins{1}); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}
