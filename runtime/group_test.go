package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
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

// move takes coins out of one purse and puts them into another, or does
// neither.
func (w *world) move(ctx talix.ActionContext, from, to string, n int) (held, held, error) {
	take, put := talix.Do(w.take, from, coins{n}), talix.Do(w.put, to, coins{n})
	err := talix.Group(ctx, take, put)
	return take.Reply(), put.Reply(), err
}

// A thousand transfers between ten purses at once, while others put coins in
// and look: the sum is what it was and what was put in, each transfer is whole,
// and those that were refused changed nothing.
func TestGroupKeepsTheSum(t *testing.T) {
	t.Parallel()
	for _, partitions := range []int{1, 4} {
		t.Run(fmt.Sprint(partitions, " partitions"), func(t *testing.T) {
			t.Parallel()
			w, s := newWorld(), checked(t, memory.Config{Partitions: partitions})
			rt := start(t, w, s)
			const purses, each = 10, 20
			name := func(i int) string { return fmt.Sprint("purse-", i) }
			for i := range purses {
				if _, err := talix.Run(rt.Context(t.Context()), w.put, name(i), coins{each}); err != nil {
					t.Fatal(err)
				}
			}
			var moved, refused, put atomic.Int64
			var all sync.WaitGroup
			for range 50 {
				all.Go(func() {
					for i := range 20 {
						from := rand.IntN(purses)
						to := (from + 1 + rand.IntN(purses-1)) % purses
						_, _, err := w.move(rt.Context(t.Context()), name(from), name(to), 1+rand.IntN(each))
						e, _ := errors.AsType[*talix.Error](err)
						switch {
						case err == nil:
							moved.Add(1)
						case errors.Is(err, talix.ErrRejected) && e.Entity == "purse/"+name(from):
							refused.Add(1)
						default:
							t.Errorf("transfer from %s: %v", name(from), err)
						}
						if i%5 == 0 {
							if _, err := talix.Run(rt.Context(t.Context()), w.put, name(to), coins{1}); err != nil {
								t.Error(err)
							}
							put.Add(1)
						}
					}
				})
			}
			all.Wait()
			var sum, versions int
			for i := range purses {
				n, v := coinsIn(t, s, name(i))
				if n < 0 {
					t.Errorf("%s holds %d", name(i), n)
				}
				sum, versions = sum+n, versions+v
			}
			if want := purses*each + int(put.Load()); sum != want {
				t.Errorf("the purses hold %d, want %d", sum, want)
			}
			if want := purses + 2*int(moved.Load()) + int(put.Load()); versions != want {
				t.Errorf("there are %d events, want %d", versions, want)
			}
			if moved.Load()+refused.Load() != 1000 || moved.Load() == 0 || refused.Load() == 0 {
				t.Errorf("%d were moved and %d refused", moved.Load(), refused.Load())
			}
		})
	}
}

// The store's faults hit groups as they hit single commands: each has its
// effect once, or not at all, or is reported as unknown.
func TestGroupsUnderFaults(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 7))
			var mu sync.Mutex
			var calm atomic.Bool
			s := checked(t, memory.Config{Fault: func(store.Partition, []store.Batch) memory.Fault {
				mu.Lock()
				defer mu.Unlock()
				if calm.Load() || random.IntN(4) > 0 {
					return memory.Fault{}
				}
				return memory.Fault{Kind: memory.Kind(random.IntN(5))}
			}})
			w := newWorld()
			rt := start(t, w, s)
			const purses = 5
			name := func(i int) string { return fmt.Sprint("purse-", i) }
			calm.Store(true)
			for i := range purses {
				if _, err := talix.Run(rt.Context(t.Context()), w.put, name(i), coins{1000}); err != nil {
					t.Fatal(err)
				}
			}
			calm.Store(false)
			var acked atomic.Int64
			var all sync.WaitGroup
			for n := range 8 {
				all.Go(func() {
					for i := range 15 {
						ctx := rt.ContextWithKey(t.Context(), fmt.Sprint(n, "-", i))
						_, _, err := w.move(ctx, name((n+i)%purses), name((n+i+1+i%3)%purses), 1)
						for tries := 0; err != nil && tries < 100; tries++ { // with the same key
							if !errors.Is(err, talix.ErrUnknown) && !errors.Is(err, talix.ErrUnavailable) {
								t.Error(err)
								return
							}
							ctx = rt.ContextWithKey(t.Context(), fmt.Sprint(n, "-", i))
							_, _, err = w.move(ctx, name((n+i)%purses), name((n+i+1+i%3)%purses), 1)
						}
						if err == nil {
							acked.Add(1)
						}
					}
				})
			}
			all.Wait()
			calm.Store(true)
			var sum, versions int
			for i := range purses {
				if _, err := talix.Run(rt.Context(t.Context()), w.put, name(i), coins{1}); err != nil { // lets all land that is late
					t.Fatal(err)
				}
				n, v := coinsIn(t, s, name(i))
				sum, versions = sum+n, versions+v
			}
			if acked.Load() != 8*15 || sum != purses*1001 || versions != 2*purses+2*8*15 {
				t.Errorf("%d were acknowledged; %d coins after %d events, want %d after %d", acked.Load(), sum, versions, purses*1001, 2*purses+2*8*15)
			}
		})
	}
}

func TestGroupRejection(t *testing.T) {
	t.Parallel()
	w, s := newWorld(), checked(t, memory.Config{})
	rt := start(t, w, s)
	ctx := rt.Context(t.Context())
	shelf := talix.Do(w.add, "shelf", "book")
	for range 2 {
		err := talix.Group(ctx, talix.Do(w.put, "a", coins{3}), shelf, talix.Do(w.take, "poor", coins{5}))
		e, _ := errors.AsType[*talix.Error](err)
		if !errors.Is(err, talix.ErrRejected) || e.Entity != "purse/poor" || e.Message != `purse "poor": there are only 0 coins` {
			t.Fatalf("%+v", err)
		}
	}
	if shelf.Reply() != 0 {
		t.Errorf("a rejected group has the reply %d", shelf.Reply())
	}
	if _, version := coinsIn(t, s, "a"); version != 0 {
		t.Errorf("%d events are left of it", version)
	}
	err := talix.Group(ctx, talix.Do(w.put, "a", coins{3}), shelf, talix.Do(w.put, "poor", coins{5}))
	if err != nil || shelf.Reply() != 1 {
		t.Errorf("afterwards: %d, %v", shelf.Reply(), err)
	}
	if err := talix.Group(ctx, talix.Do(w.add, "shelf", "book"), talix.Do(w.failing, "a", struct{}{})); !errors.Is(err, talix.ErrInternal) {
		t.Errorf("a panic got %v", err)
	}
	got, err := talix.Load(ctx, w.shelves, "shelf")
	if err != nil || got.State.Items["book"] != 1 || got.Version != 1 {
		t.Errorf("the shelf is %+v, %v", got, err)
	}
}

// All events of a group have one time and one command.
func TestGroupIsOneCommand(t *testing.T) {
	t.Parallel()
	w, s := newWorld(), checked(t, memory.Config{})
	var ticks atomic.Int64
	rt := start(t, w, s, func(c *runtime.Config) {
		c.Now = func() time.Time { return time.Date(2026, 3, 1, 0, 0, int(ticks.Add(1)), 0, time.UTC) }
	})
	ids := []string{"a", "b", "c", "d"}
	var parts []talix.GroupPart
	for _, id := range ids {
		parts = append(parts, talix.Do(w.put, id, coins{1}))
	}
	if err := talix.Group(rt.ContextWithKey(t.Context(), "once"), parts...); err != nil {
		t.Fatal(err)
	}
	var first store.Event
	for _, id := range ids {
		for e := range s.Load(t.Context(), store.Stream{Type: "purse", ID: id}, 0) {
			if first.ID.IsZero() {
				first = e
			}
			if !e.Time.Equal(first.Time) || e.Command != first.Command || e.Correlation != first.Correlation {
				t.Errorf("%s has %+v, another one %+v", id, e, first)
			}
		}
	}
}

// The same key gets the first replies, in whatever order the group is given,
// and also where it would now be rejected; another input is refused.
func TestGroupKey(t *testing.T) {
	t.Parallel()
	w, s := newWorld(), checked(t, memory.Config{})
	rt := start(t, w, s)
	if _, err := talix.Run(rt.Context(t.Context()), w.put, "a", coins{5}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		from, to, err := w.move(rt.ContextWithKey(t.Context(), "key"), "a", "b", 5)
		if err != nil || from != (held{0, 2}) || to != (held{5, 1}) {
			t.Fatalf("%v, %v, %v", from, to, err)
		}
	}
	put, take := talix.Do(w.put, "b", coins{5}), talix.Do(w.take, "a", coins{5})
	if err := talix.Group(rt.ContextWithKey(t.Context(), "key"), put, take); err != nil || take.Reply() != (held{0, 2}) {
		t.Errorf("in another order: %v, %v", take.Reply(), err)
	}
	if _, _, err := w.move(rt.ContextWithKey(t.Context(), "key"), "a", "b", 4); !errors.Is(err, talix.ErrInvalid) {
		t.Errorf("another input got %v", err)
	}
	if n, v := coinsIn(t, s, "b"); n != 5 || v != 1 {
		t.Errorf("%d coins after %d events", n, v)
	}
}

func TestGroupOfWrongSize(t *testing.T) {
	t.Parallel()
	w := newWorld()
	rt := start(t, w, checked(t, memory.Config{}))
	ctx := rt.Context(t.Context())
	if err := talix.Group(ctx); !errors.Is(err, talix.ErrInvalid) {
		t.Errorf("an empty group got %v", err)
	}
	twice := talix.Group(ctx, talix.Do(w.put, "a", coins{1}), talix.Do(w.put, "b", coins{1}), talix.Do(w.take, "a", coins{1}))
	if !errors.Is(twice, talix.ErrInvalid) || !strings.Contains(twice.Error(), `purse "a" stands twice`) {
		t.Errorf("the same entity twice got %v", twice)
	}
	if err := talix.Group(ctx, talix.Do(w.put, "a", coins{1}), talix.Do(w.put, "b", coins{0})); !errors.Is(err, talix.ErrInvalid) {
		t.Errorf("a bad input got %v", err)
	}
	many := make([]talix.GroupPart, talix.MaxGroup+1)
	for i := range many {
		many[i] = talix.Do(w.put, fmt.Sprint(i), coins{1})
	}
	if err := talix.Group(ctx, many...); !errors.Is(err, talix.ErrInvalid) {
		t.Errorf("too many got %v", err)
	}
	if err := talix.Group(ctx, many[1:]...); err != nil {
		t.Error(err)
	}
}

// A group whose entities others change again and again ends, and names the one.
func TestGroupNamesTheLoser(t *testing.T) {
	t.Parallel()
	var s *memory.Store
	other := store.Stream{Type: "purse", ID: "busy"}
	var meddling atomic.Bool
	s = checked(t, memory.Config{Fault: func(_ store.Partition, batches []store.Batch) (f memory.Fault) {
		touches := slices.ContainsFunc(batches, func(b store.Batch) bool {
			return slices.ContainsFunc(b.Appends, func(a store.Append) bool { return a.Stream == other })
		})
		if touches && meddling.CompareAndSwap(true, false) {
			v := store.Version(0)
			for e := range s.Load(context.Background(), other, 0) {
				v = e.Version
			}
			p := store.PartitionOf(other, s.Partitions())
			s.Commit(context.Background(), p, []store.Batch{{Appends: []store.Append{{Stream: other, Expect: v, Events: []store.Event{{
				ID: store.ID{9}, Stream: other, Version: v + 1, Type: "PURSE:PUT", Schema: 1, Command: store.ID{8}, Data: []byte(`{"coins":1}`),
			}}}}}})
			meddling.Store(true)
		}
		return f
	}})
	w := newWorld()
	rt := start(t, w, s)
	meddling.Store(true)
	for _, others := range []string{"a", "z"} { // either side in the order
		err := talix.Group(rt.Context(t.Context()), talix.Do(w.put, others, coins{1}), talix.Do(w.put, "busy", coins{1}))
		e, _ := errors.AsType[*talix.Error](err)
		if !errors.Is(err, talix.ErrUnavailable) || e.Entity != "purse/busy" || !strings.Contains(e.Message, "busy") {
			t.Errorf("%+v", err)
		}
		if _, v := coinsIn(t, s, others); v != 0 {
			t.Errorf("%s has %d events", others, v)
		}
	}
	meddling.Store(false)
	if err := talix.Group(rt.Context(t.Context()), talix.Do(w.put, "a", coins{1}), talix.Do(w.put, "busy", coins{1})); err != nil {
		t.Error(err)
	}
}

// A delivery that comes again has its group's effect once, also where the
// action fails behind it, and where its work is kept.
func TestGroupOfDeliveries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		var tries atomic.Int64
		var replies []held
		w.extra = talix.Components{talix.OnEvent("share", func(ctx talix.ActionContext, _ talix.Recorded[Stored]) error {
			a, b := talix.Do(w.put, "a", coins{1}), talix.Do(w.put, "b", coins{2})
			if err := talix.Group(ctx, b, a); err != nil {
				return err
			}
			replies = append(replies, a.Reply(), b.Reply())
			if tries.Add(1) >= 2 { // what stands behind it is kept
				if _, err := talix.Step(ctx, "step", func(context.Context) (int, error) { return 1, nil }); err != nil {
					return err
				}
			}
			if tries.Load() < 4 {
				return errors.New("not yet")
			}
			_, err := talix.Run(ctx, w.put, "done", coins{1})
			return err
		})}
		s := checked(t, memory.Config{})
		rt := start(t, w, s)
		if _, err := talix.Run(rt.Context(t.Context()), w.add, "shelf", "book"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		for id, want := range map[string]int{"a": 1, "b": 2, "done": 1} {
			if n, v := coinsIn(t, s, id); n != want || v != 1 {
				t.Errorf("%s has %d coins after %d events", id, n, v)
			}
		}
		for i, got := range replies {
			if want := (held{1 + i%2, 1}); got != want {
				t.Errorf("reply %d is %v, want %v", i, got, want)
			}
		}
		rt.Stop()
	})
}
