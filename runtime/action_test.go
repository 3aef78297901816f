package runtime_test

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

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/source"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

// mirror is an action that puts each coin of a purse into its mirror.
func mirror(w *world, handled func(talix.Recorded[Put]) error) {
	w.extra = append(w.extra, talix.OnEvent("mirror", func(ctx talix.ActionContext, e talix.Recorded[Put]) error {
		if strings.HasPrefix(e.EntityID, "mirror-") {
			return nil
		}
		if _, err := talix.Run(ctx, w.put, "mirror-"+e.EntityID, coins{e.Data.Coins}); err != nil {
			return err
		}
		return handled(e)
	}))
}

// A1 and A2: at least once, in order per entity, effects once, though every
// delivery fails now and then after its effect, and the runtime is restarted.
func TestActionOnEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := checked(t, memory.Config{})
		const purses, puts = 5, 20
		var mu sync.Mutex
		seen := map[string][]int64{}
		tries := map[store.ID]int{}
		w := newWorld()
		mirror(w, func(e talix.Recorded[Put]) error {
			mu.Lock()
			defer mu.Unlock()
			tries[e.EventID]++
			if e.Version%7 == 0 && tries[e.EventID] < 4 {
				return errors.New("the outside is away")
			}
			if e.Version%5 == 0 && tries[e.EventID] < 2 {
				panic("a bug that goes away")
			}
			seen[e.EntityID] = append(seen[e.EntityID], e.Version)
			return nil
		})
		for round := range 3 {
			rt := start(t, w, s)
			for i := range puts {
				for p := range purses {
					if _, err := talix.Run(rt.Context(t.Context()), w.put, fmt.Sprint("p", p), coins{1 + i}); err != nil {
						t.Fatal(err)
					}
				}
			}
			if round == 2 {
				time.Sleep(time.Hour) // of the bubble's clock: all retries
				synctest.Wait()
			}
			rt.Stop()
		}
		for p := range purses {
			id := fmt.Sprint("p", p)
			want, _ := coinsIn(t, s, id)
			if got, n := coinsIn(t, s, "mirror-"+id); got != want || n != 3*puts {
				t.Errorf("the mirror of %s holds %d coins in %d events, want %d in %d", id, got, n, want, 3*puts)
			}
			if last := firstTimes(seen[id]); last != 3*puts {
				t.Errorf("%s was handled in this order, which skips after %d: %v", id, last, seen[id])
			}
		}
	})
}

// firstTimes is how far versions go when each may come again, but none before
// the one below it.
func firstTimes(versions []int64) (last int64) {
	for _, v := range versions {
		if v > last+1 {
			return last
		}
		last = max(last, v)
	}
	return last
}

func TestActionsOfDifferentEntitiesRunInParallel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		var done atomic.Int32
		w.extra = talix.Components{talix.OnEvent("slow", func(ctx talix.ActionContext, e talix.Recorded[Put]) error {
			if e.EntityID == "stuck" {
				<-ctx.Done()
				return ctx.Err()
			}
			done.Add(1)
			return nil
		})}
		rt := start(t, w, checked(t, memory.Config{Partitions: 1}))
		for _, id := range []string{"stuck", "stuck", "a", "b", "a"} {
			if _, err := talix.Run(rt.Context(t.Context()), w.put, id, coins{1}); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if done.Load() != 3 {
			t.Errorf("%d of 3 others were done while one was stuck", done.Load())
		}
		rt.Stop()
	})
}

func TestActionStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := checked(t, memory.Config{})
		w := newWorld()
		put := func(rt *runtime.Runtime) {
			if _, err := talix.Run(rt.Context(t.Context()), w.put, "p", coins{1}); err != nil {
				t.Fatal(err)
			}
		}
		rt := start(t, w, s)
		put(rt)
		rt.Stop()
		time.Sleep(time.Hour)
		synctest.Wait()
		later := time.Now()

		var mu sync.Mutex
		got := map[string][]int64{}
		on := func(name string, opts ...talix.ActionOption) *talix.Action {
			return talix.OnEvent(name, func(_ talix.ActionContext, e talix.Recorded[Put]) error {
				mu.Lock()
				defer mu.Unlock()
				got[name] = append(got[name], e.Version)
				return nil
			}, opts...)
		}
		w.extra = talix.Components{on("all"), on("now", talix.FromNow()), on("time", talix.FromTime(later))}
		rt = start(t, w, s)
		put(rt)
		synctest.Wait()
		rt.Stop()
		rt = start(t, w, s)
		put(rt)
		synctest.Wait()
		rt.Stop()
		for name, want := range map[string][]int64{"all": {1, 2, 3}, "now": {2, 3}, "time": {2, 3}} {
			if !slices.Equal(got[name], want) {
				t.Errorf("%s: versions %v, want %v", name, got[name], want)
			}
		}
	})
}

// An event whose commit's outcome was not known reaches its actions all the
// same, and without another event after it.
func TestEventOfUnknownOutcomeIsDelivered(t *testing.T) {
	t.Parallel()
	for _, kind := range []memory.Kind{memory.UnknownWritten, memory.UnknownLost} {
		t.Run(fmt.Sprint(kind), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var calls atomic.Int32
				s := checked(t, memory.Config{Partitions: 1, Fault: func(store.Partition, []store.Batch) memory.Fault {
					if calls.Add(1) == 1 {
						return memory.Fault{Kind: kind}
					}
					return memory.Fault{}
				}})
				var handled atomic.Int32
				w := newWorld()
				w.extra = talix.Components{talix.OnEvent("count", func(talix.ActionContext, talix.Recorded[Put]) error {
					handled.Add(1)
					return nil
				})}
				rt := start(t, w, s)
				if _, err := talix.Run(rt.Context(t.Context()), w.put, "p", coins{1}); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				if handled.Load() != 1 {
					t.Errorf("the action ran %d times", handled.Load())
				}
				rt.Stop()
			})
		})
	}
}

// letters is an outside system that sends each letter until it is accepted.
type letters []source.Message

func (l letters) Receive(ctx context.Context, deliver func(context.Context, source.Message) error) error {
	for _, m := range l {
		for ctx.Err() == nil && deliver(ctx, m) != nil {
		}
	}
	<-ctx.Done()
	return nil
}

func TestActionOnAnOutsideTrigger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		type letter struct{ Coins int }
		s := checked(t, memory.Config{})
		w := newWorld()
		var tries atomic.Int32
		trigger := source.Trigger[letter]{Name: "letters", Source: letters{
			{ID: "1", Data: []byte(`{"coins": 3}`)},
			{ID: "2", Data: []byte(`{"coins": 4}`)},
			{ID: "1", Data: []byte(`{"coins": 3}`)}, // delivered again
		}}
		w.extra = talix.Components{talix.On("on-letter", trigger, func(ctx talix.ActionContext, l letter) error {
			if _, err := talix.Run(ctx, w.put, "p", coins{l.Coins}); err != nil {
				return err
			}
			if tries.Add(1) == 1 {
				return errors.New("fails after its effect")
			}
			return nil
		})}
		rt := start(t, w, s)
		synctest.Wait()
		if got, _ := coinsIn(t, s, "p"); got != 7 {
			t.Errorf("%d coins, want 7", got)
		}
		rt.Stop()
	})
}

func TestGet(t *testing.T) {
	t.Parallel()
	type greeter interface{ Greet() string }
	w := newWorld()
	var got string
	act := func(ctx talix.ActionContext, _ talix.Recorded[Put]) error {
		got = talix.Get[greeter](ctx).Greet()
		return nil
	}
	w.extra = talix.Components{talix.OnEvent("greet", act), talix.Needs[greeter]()}
	cfg := runtime.Config{Store: checked(t, memory.Config{}), Parts: []talix.Part{w.service()}}
	if _, err := runtime.New(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "talix.Provide[runtime_test.greeter]") {
		t.Errorf("a missing service does not read as a fault at start: %v", err)
	}
	synctest.Test(t, func(t *testing.T) {
		rt := start(t, w, memory.New(memory.Config{}), func(c *runtime.Config) {
			c.Parts = append(c.Parts, talix.Provide[greeter](english{}))
		})
		if _, err := talix.Run(rt.Context(t.Context()), w.put, "p", coins{1}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got != "hello" {
			t.Errorf("got %q", got)
		}
		rt.Stop()
	})
}

type english struct{}

func (english) Greet() string { return "hello" }

// All faults of wiring are told at once, each with its place.
func TestFaults(t *testing.T) {
	t.Parallel()
	w, other := newWorld(), newWorld()
	w.extra = talix.Components{
		other.purses,
		talix.NewCommand(w.purses, "put", func(talix.CommandContext[Purse], int) (int, error) { return 0, nil }),
		talix.OnEvent("not a name", func(talix.ActionContext, talix.Recorded[Put]) error { return nil }),
		talix.OnHTTP("/no-method", func(talix.ActionContext, struct{}) (struct{}, error) { return struct{}{}, nil }),
		talix.NewTable("rows", talix.When(func(*Row, talix.Recorded[Put]) {})),
		nil,
	}
	_, err := runtime.New(t.Context(), runtime.Config{Store: memory.New(memory.Config{}), Parts: []talix.Part{w.service()}})
	if err == nil {
		t.Fatal("no fault was found")
	}
	for _, want := range []string{
		`entity type "purse" is also defined`, `command "put" of entity "purse" is also defined`,
		`action "not a name"`, `pattern "/no-method"`, `table "rows" needs a place`, "a component is nil",
		"runtime/action_test.go:",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("this is missing: %s\n%v", want, err)
		}
	}
}

type Row struct{ ID string }
