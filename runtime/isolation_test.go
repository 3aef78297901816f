package runtime_test

import (
	"context"
	"errors"
	"fmt"
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

func contextWithCancel(t *testing.T) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	return ctx, cancel
}

// E8: a panicking handler harms no one else, and not its own entity either.
func TestPanickingHandler(t *testing.T) {
	t.Parallel()
	s := checked(t, memory.Config{})
	w := newWorld()
	rt := start(t, w, s)
	ctx := rt.Context(t.Context())
	if _, err := talix.Run(ctx, w.put, "p", coins{1}); err != nil {
		t.Fatal(err)
	}
	_, err := talix.Run(ctx, w.failing, "p", struct{}{})
	if !errors.Is(err, talix.ErrInternal) {
		t.Fatalf("a panic got %v", err)
	}
	if e, _ := errors.AsType[*talix.Error](err); strings.Contains(e.Message, "a bug") {
		t.Errorf("the message tells the caller of internals: %q", e.Message)
	}
	if got, err := talix.Run(ctx, w.put, "p", coins{1}); err != nil || got != (held{2, 2}) {
		t.Errorf("afterwards: %v, %v", got, err)
	}
}

// E8: an entity that cannot be folded is poisoned alone.
func TestPoisonedEntity(t *testing.T) {
	t.Parallel()
	s := memory.New(memory.Config{})
	stream := store.Stream{Type: "purse", ID: "bad"}
	o := s.Commit(t.Context(), store.PartitionOf(stream, s.Partitions()), []store.Batch{{Appends: []store.Append{{
		Stream: stream, Events: []store.Event{{ID: store.ID{1}, Stream: stream, Version: 1, Type: "PURSE:FORGOTTEN", Data: []byte("{}")}},
	}}}})
	if o[0].Status != store.Durable {
		t.Fatal(o)
	}
	w := newWorld()
	rt := start(t, w, s)
	_, err := talix.Run(rt.Context(t.Context()), w.put, "bad", coins{1})
	if !errors.Is(err, talix.ErrInternal) || !strings.Contains(err.Error(), "PURSE:FORGOTTEN") {
		t.Errorf("the error does not name the event: %v", err)
	}
	if _, err := talix.Load(rt.Context(t.Context()), w.purses, "bad"); !errors.Is(err, talix.ErrInternal) {
		t.Errorf("load: %v", err)
	}
	if _, err := talix.Run(rt.Context(t.Context()), w.put, "good", coins{1}); err != nil {
		t.Error(err)
	}
}

func TestRejectionLeavesNoTrace(t *testing.T) {
	t.Parallel()
	w := newWorld()
	rt := start(t, w, checked(t, memory.Config{}))
	ctx := rt.Context(t.Context())
	for i := range 3 {
		if n, err := talix.Run(ctx, w.add, "s", "book"); err != nil || n != i+1 {
			t.Fatal(n, err)
		}
		if _, err := talix.Run(ctx, w.refuse, "s", "book"); !errors.Is(err, talix.ErrRejected) {
			t.Fatal(err)
		}
	}
	if got, err := talix.Load(ctx, w.shelves, "s"); err != nil || got.State.Items["book"] != 3 || got.Version != 3 {
		t.Errorf("%v, %v", got, err)
	}
}

// States that refer to maps are read while others change them; the race
// detector watches.
func TestReadersGetCopies(t *testing.T) {
	t.Parallel()
	w := newWorld()
	rt := start(t, w, checked(t, memory.Config{}))
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 50 {
				if _, err := talix.Run(rt.Context(t.Context()), w.add, "s", fmt.Sprint(j%5)); err != nil {
					t.Error(err)
				}
				got, err := talix.Load(rt.Context(t.Context()), w.shelves, "s")
				if err != nil {
					t.Error(err)
				}
				sum := 0
				for _, n := range copyOf(got.State.Items) {
					sum += n
				}
				if sum != int(got.Version) {
					t.Errorf("%d items at version %d", sum, got.Version)
				}
				got.State.Items["mine"] = i
			}
		})
	}
	all.Wait()
}

// E3: handlers that read each other's entities do not wait for each other,
// though each has its turn while the other reads.
func TestLoadingEachOther(t *testing.T) {
	t.Parallel()
	w := newWorld()
	arrived := make(chan struct{})
	meet := func() { // both handlers are inside
		select {
		case arrived <- struct{}{}:
		case <-arrived:
		case <-time.After(time.Second): // one of them decides anew
		}
	}
	look := talix.NewCommand(w.shelves, "look", func(c talix.CommandContext[Shelf], at string) (int64, error) {
		meet()
		other, err := talix.Load(c, w.shelves, at)
		return other.Version, err
	})
	lookFlat := talix.NewCommand(w.purses, "look-at", func(c talix.CommandContext[Purse], at string) (int64, error) {
		meet()
		other, err := talix.Load(c, w.purses, at)
		return other.Version, err
	})
	w.extra = talix.Components{look, lookFlat}
	rt := start(t, w, checked(t, memory.Config{}))
	for _, id := range []string{"a", "b"} {
		if _, err := talix.Run(rt.Context(t.Context()), w.put, id, coins{1}); err != nil {
			t.Fatal(err)
		}
		if _, err := talix.Run(rt.Context(t.Context()), w.add, id, "book"); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for _, command := range []*talix.Command[string, int64]{look, lookFlat} {
		var all sync.WaitGroup
		for _, ids := range [][2]string{{"a", "b"}, {"b", "a"}} {
			all.Go(func() {
				if version, err := talix.Run(rt.Context(ctx), command, ids[0], ids[1]); err != nil || version != 1 {
					t.Errorf("%s sees version %d of %s, %v", ids[0], version, ids[1], err)
				}
			})
		}
		all.Wait()
	}
}

// A command that was decided on events that did not come to be is decided anew,
// though another writer brought the entity to the version that it expects.
func TestDecisionsOnWhatDidNotHappen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		open := make(chan struct{})
		var calls atomic.Int32
		s := checked(t, memory.Config{Partitions: 1, Fault: func(store.Partition, []store.Batch) memory.Fault {
			if calls.Add(1) == 1 {
				<-open
			}
			return memory.Fault{}
		}})
		w := newWorld()
		rt := start(t, w, s)
		var all sync.WaitGroup
		put := func(n int) {
			all.Go(func() {
				if _, err := talix.Run(rt.Context(t.Context()), w.put, "p", coins{n}); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		put(1) // its commit is under way, and will find a conflict
		all.Go(func() {
			got, err := talix.Run(rt.Context(t.Context()), w.take, "p", coins{1})
			if err == nil && got.Coins < 0 {
				err = errors.New("it took a coin that was not there")
			}
			if err != nil && !errors.Is(err, talix.ErrRejected) {
				t.Error(err)
			}
		})
		synctest.Wait()
		other := store.Stream{Type: "purse", ID: "p"}
		o := s.Commit(t.Context(), 0, []store.Batch{{Appends: []store.Append{{Stream: other, Events: []store.Event{
			{ID: store.ID{1}, Stream: other, Version: 1, Type: "PURSE:PUT", Schema: 1, Time: time.Now().UTC(), Data: []byte(`{"coins":0}`)},
		}}}}})
		if o[0].Status != store.Durable {
			t.Fatal(o)
		}
		close(open)
		all.Wait()
		balance := 0
		for e, err := range s.Load(t.Context(), other, 0) {
			if err != nil {
				t.Fatal(err)
			}
			var change struct{ Coins int }
			decode(t, e.Data, &change)
			if e.Type == "PURSE:TAKEN" {
				change.Coins = -change.Coins
			}
			if balance += change.Coins; balance < 0 {
				t.Fatalf("version %d takes a coin that is not there", e.Version)
			}
		}
		rt.Stop()
	})
}

// E9: what is not used leaves memory, and comes back as it was.
func TestPassivation(t *testing.T) {
	t.Parallel()
	w := newWorld()
	rt := start(t, w, checked(t, memory.Config{}), func(c *runtime.Config) {
		c.Entities.MaxLive = 64
	})
	for range 2 {
		for i := range 1000 {
			if _, err := talix.Run(rt.Context(t.Context()), w.put, fmt.Sprint(i), coins{1}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := rt.Stats().Live; n > 128 {
		t.Errorf("%d entities are live, the bound is 64 and a part of it for each shard", n)
	}
	if got, err := talix.Load(rt.Context(t.Context()), w.purses, "1"); err != nil || got.State.Coins != 2 {
		t.Errorf("%v, %v", got, err)
	}
}

// E9: the bound by bytes looks at what states hold on to.
func TestPassivationByBytes(t *testing.T) {
	t.Parallel()
	w := newWorld()
	rt := start(t, w, checked(t, memory.Config{}), func(c *runtime.Config) { c.Entities.MaxBytes = 1 << 20 })
	large := strings.Repeat("x", 10_000)
	for i := range 400 {
		id := fmt.Sprint(i)
		if _, err := talix.Run(rt.Context(t.Context()), w.add, id, large); err != nil {
			t.Fatal(err)
		}
		if _, err := talix.Load(rt.Context(t.Context()), w.shelves, id); err != nil {
			t.Fatal(err)
		}
	}
	if st := rt.Stats(); st.Live > 350 || st.Live == 0 {
		t.Errorf("%d entities of 10 kB are live, about %d bytes; the bound is 1 MiB", st.Live, st.Bytes)
	}
}

// E9: what is idle leaves after its time, and not before.
func TestPassivationByTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		rt := start(t, w, checked(t, memory.Config{}), func(c *runtime.Config) { c.Entities.Idle = time.Minute })
		if _, err := talix.Run(rt.Context(t.Context()), w.put, "p", coins{1}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Second)
		synctest.Wait()
		if n := rt.Stats().Live; n != 1 {
			t.Errorf("%d entities are live before their time is over", n)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := rt.Stats().Live; n != 0 {
			t.Errorf("%d entities are live after their time", n)
		}
		rt.Stop()
	})
}

func TestLoadOfNothing(t *testing.T) {
	t.Parallel()
	w := newWorld()
	rt := start(t, w, checked(t, memory.Config{}))
	for i := range 100 {
		if _, err := talix.Load(rt.Context(t.Context()), w.purses, fmt.Sprint(i)); !errors.Is(err, talix.ErrNotFound) {
			t.Fatal(err)
		}
	}
	if n := rt.Stats().Live; n != 0 {
		t.Errorf("%d entities without events stay in memory", n)
	}
}

// An entity whose id is young is taken for new without looking. Where it is
// not, no reply, rejection or read may come of that.
func TestYoungIDsOfKnownEntities(t *testing.T) {
	t.Parallel()
	w := newWorld()
	for name, use := range map[string]func(rt *runtime.Runtime, id string) (coins int, err error){
		"put": func(rt *runtime.Runtime, id string) (int, error) {
			got, err := talix.Run(rt.Context(t.Context()), w.put, id, coins{4})
			return got.Coins - 4, err
		},
		"take": func(rt *runtime.Runtime, id string) (int, error) {
			got, err := talix.Run(rt.Context(t.Context()), w.take, id, coins{3})
			return got.Coins + 3, err
		},
		"look": func(rt *runtime.Runtime, id string) (int, error) {
			got, err := talix.Run(rt.Context(t.Context()), w.look, id, struct{}{})
			return got.Coins, err
		},
		"load": func(rt *runtime.Runtime, id string) (int, error) {
			got, err := talix.Load(rt.Context(t.Context()), w.purses, id)
			return got.State.Coins, err
		},
		"load beside a rejection": func(rt *runtime.Runtime, id string) (int, error) {
			if _, err := talix.Run(rt.Context(t.Context()), w.take, id, coins{999}); !errors.Is(err, talix.ErrRejected) {
				return 0, fmt.Errorf("want a rejection, got %w", err)
			}
			got, err := talix.Load(rt.Context(t.Context()), w.purses, id)
			return got.State.Coins, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := checked(t, memory.Config{})
			first := start(t, newWorld(), s)
			id := talix.NewID(first.Context(t.Context()))
			second := start(t, w, s)
			if _, err := talix.Run(first.Context(t.Context()), w.put, id, coins{5}); !errors.Is(err, talix.ErrInternal) {
				t.Fatalf("a command of another runtime's world ran: %v", err)
			}
			other := newWorld()
			if _, err := talix.Run(start(t, other, s).Context(t.Context()), other.put, id, coins{5}); err != nil {
				t.Fatal(err)
			}
			if got, err := use(second, id); err != nil || got != 5 {
				t.Errorf("it held %d coins, want 5; %v", got, err)
			}
		})
	}
}

// A look-up that fails leaves nothing of what was tried on the guess to the
// command that comes next.
func TestYoungIDWhoseLookUpFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var faults atomic.Int32
		w := newWorld()
		inside, leave := make(chan struct{}), make(chan struct{})
		waver := talix.NewCommand(w.shelves, "waver", func(c talix.CommandContext[Shelf], item string) (struct{}, error) {
			close(inside)
			<-leave
			c.Emit(Stored{item})
			return struct{}{}, talix.Reject("rather not")
		})
		w.extra = talix.Components{waver}
		rt := start(t, w, checked(t, memory.Config{ReadFault: func(method string) error {
			if method == "Load" && faults.Add(1) == 1 {
				return errors.New("the store is away")
			}
			return nil
		}}))
		ctx := rt.Context(t.Context())
		id := talix.NewID(ctx)
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := talix.Run(ctx, waver, id, "book"); !errors.Is(err, talix.ErrUnavailable) {
				t.Errorf("a rejection that rests on a guess: %v", err)
			}
		})
		<-inside
		all.Go(func() {
			if n, err := talix.Run(ctx, w.add, id, "book"); n != 1 || err != nil {
				t.Errorf("the first book is number %d, %v", n, err)
			}
		})
		synctest.Wait()
		close(leave)
		all.Wait()
		rt.Stop()
	})
}

// Nor may a read that comes while the first command is being decided.
func TestYoungIDReadDuringItsFirstTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := checked(t, memory.Config{})
		other := newWorld()
		first := start(t, other, s)
		id := talix.NewID(first.Context(t.Context()))
		if _, err := talix.Run(first.Context(t.Context()), other.put, id, coins{5}); err != nil {
			t.Fatal(err)
		}
		w := newWorld()
		inside, leave := make(chan struct{}, 2), make(chan struct{})
		slow := talix.NewCommand(w.purses, "slow", func(talix.CommandContext[Purse], struct{}) (struct{}, error) {
			inside <- struct{}{}
			<-leave
			return struct{}{}, nil
		})
		w.extra = talix.Components{slow}
		rt := start(t, w, s)
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := talix.Run(rt.Context(t.Context()), slow, id, struct{}{}); err != nil {
				t.Error(err)
			}
		})
		<-inside
		all.Go(func() {
			if got, err := talix.Load(rt.Context(t.Context()), w.purses, id); err != nil || got.State.Coins != 5 {
				t.Errorf("%v, %v", got, err)
			}
		})
		synctest.Wait()
		close(leave)
		all.Wait()
		rt.Stop()
		first.Stop()
	})
}

// E11: a handler's time is that of its events.
func TestTimeOfEvents(t *testing.T) {
	t.Parallel()
	s := checked(t, memory.Config{})
	w := newWorld()
	now := time.Date(2025, 3, 14, 9, 26, 53, 589793238, time.UTC)
	rt := start(t, w, s, func(c *runtime.Config) { c.Now = func() time.Time { return now } })
	if _, err := talix.Run(rt.Context(t.Context()), w.put, "p", coins{1}); err != nil {
		t.Fatal(err)
	}
	for e, err := range s.Load(t.Context(), store.Stream{Type: "purse", ID: "p"}, 0) {
		if want := now.Truncate(time.Microsecond); err != nil || !e.Time.Equal(want) {
			t.Errorf("the event's time is %v, want %v; %v", e.Time, want, err)
		}
	}
}

func TestInputIsChecked(t *testing.T) {
	t.Parallel()
	w := newWorld()
	rt := start(t, w, checked(t, memory.Config{}))
	_, err := talix.Run(rt.Context(t.Context()), w.put, "p", coins{0})
	if e, _ := errors.AsType[*talix.Error](err); e == nil || e.Code != talix.CodeInvalid || len(e.Fields) != 1 {
		t.Errorf("got %v", err)
	}
	if _, err := talix.Run(rt.Context(t.Context()), w.put, "", coins{1}); !errors.Is(err, talix.ErrInvalid) {
		t.Errorf("an empty id: %v", err)
	}
	if w.decided.Load() != 0 {
		t.Error("the handler ran")
	}
}
