package work_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

// waiting is an item that is not run by time.
func waiting(id string) work.Item {
	return work.Item{ID: id, Kind: work.Workflow, Action: "act", Status: work.Waiting, Input: []byte("input"), Base: store.ID{1}}
}

func TestCreateOnce(t *testing.T) {
	t.Parallel()
	f := setUp(t, one(nil), work.Config{})
	first := f.create(t, waiting("a"))
	if first.Created.IsZero() || first.Changed.IsZero() || first.Rev.IsZero() {
		t.Errorf("it was made as %+v", first)
	}
	other := waiting("a")
	other.Action, other.Rev = "other", f.ids.New()
	got, made, err := f.Create(context.Background(), other)
	if err != nil || made || got.Action != "act" || got.Rev != first.Rev {
		t.Errorf("the second one: %+v, %t, %v", got, made, err)
	}
	other.ID = "b" // a copy of another
	if got, made, err := f.Create(context.Background(), other); err != nil || !made || got.Rev == other.Rev {
		t.Errorf("a copy: %+v, %t, %v", got, made, err)
	}
}

func TestItemComesBackAsItWas(t *testing.T) {
	t.Parallel()
	f := setUp(t, one(nil), work.Config{})
	item := work.Item{
		ID: "a", Kind: work.Event, Action: "act", Status: work.Parked, Attempts: 3, Error: "boom", Code: "internal",
		Stream: store.Stream{Type: "t", ID: "i"}, Version: 7, Lane: "lane", Input: []byte{0, 255}, Header: map[string]string{"a": "b"},
		Output: []byte("out"), Base: store.ID{1}, Correlation: store.ID{2}, Causation: store.ID{3}, Due: f.clock.now().Add(time.Hour),
		Failing: time.Unix(5, 0).UTC(), Run: "run", Awaits: "signal", Signals: 2, Undo: true, Failure: []byte("no"), Cancel: true, Hold: true,
	}
	made := f.create(t, item)
	got := f.get(t, "a")
	if !equal(got, made) {
		t.Errorf("%+v came back as %+v", made, got)
	}
	item.Rev, item.Created, item.Changed, item.Due = made.Rev, made.Created, made.Changed, made.Due
	if !equal(item, made) {
		t.Errorf("%+v was made %+v", item, made)
	}
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	f := setUp(t, one(nil), work.Config{})
	made := f.create(t, waiting("a"))
	got, err := f.Update(context.Background(), 0, "a", func(i work.Item) (*work.Item, []store.Change, error) {
		if !equal(i, made) {
			t.Errorf("it is %+v", i)
		}
		i.Signals, i.ID, i.Partition = 5, "other", 7
		return &i, []store.Change{{Record: store.Record{Space: "x", Key: "k", Rev: f.ids.New()}}}, nil
	})
	if err != nil || got.Signals != 5 || got.ID != "a" || got.Rev == made.Rev || !equal(got, f.get(t, "a")) {
		t.Errorf("it became %+v, %v", got, err)
	}
	if _, found, _ := f.keeper().Record(context.Background(), 0, "x", "k"); !found {
		t.Error("what goes with it is not there")
	}
	if _, err := f.Update(context.Background(), 0, "a", func(work.Item) (*work.Item, []store.Change, error) { return nil, nil, errBoom }); !errors.Is(err, errBoom) {
		t.Errorf("what the change says: %v", err)
	}
	if got, err := f.Update(context.Background(), 0, "a", func(work.Item) (*work.Item, []store.Change, error) { return nil, nil, nil }); err != nil || got.ID != "a" || f.count(t) != 0 {
		t.Errorf("deleted: %+v, %v", got, err)
	}
	_, err = f.Update(context.Background(), 0, "a", func(work.Item) (*work.Item, []store.Change, error) { return nil, nil, nil })
	if !errors.Is(err, work.ErrNotFound) {
		t.Errorf("gone: %v", err)
	}
}

func TestWhatGoesWithItConflicts(t *testing.T) {
	t.Parallel()
	f := setUp(t, one(nil), work.Config{})
	f.create(t, waiting("a"))
	wrong := store.Change{Op: store.Delete, Record: store.Record{Space: "x", Key: "k"}, From: store.ID{9}}
	_, err := f.Update(context.Background(), 0, "a", func(i work.Item) (*work.Item, []store.Change, error) { return &i, []store.Change{wrong}, nil })
	if !errors.Is(err, work.ErrConflict) {
		t.Errorf("update: %v", err)
	}
	if _, made, err := f.Create(context.Background(), waiting("b"), wrong); made || !errors.Is(err, work.ErrConflict) {
		t.Errorf("create: %t, %v", made, err)
	}
	twice := store.Change{Record: store.Record{Space: work.Space, Key: "b", Rev: f.ids.New()}}
	if _, made, err := f.Create(context.Background(), waiting("b"), twice); made || err == nil {
		t.Errorf("what is malformed: %t, %v", made, err)
	}
}

// That what goes with an item conflicts is found out after doubt too.
func TestConflictInDoubt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		lost := true
		f := setUp(t, one(func() memory.Kind {
			if lost {
				lost = false
				return memory.UnknownLost
			}
			return memory.None
		}), work.Config{})
		defer f.stop()
		wrong := store.Change{Op: store.Delete, Record: store.Record{Space: "x", Key: "k"}, From: store.ID{9}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if _, _, err := f.Create(ctx, waiting("a"), wrong); !errors.Is(err, work.ErrConflict) {
			t.Error(err)
		}
	})
}

func TestDeletionInDoubt(t *testing.T) {
	t.Parallel()
	kind := memory.None
	f := setUp(t, one(func() memory.Kind { return kind }), work.Config{})
	f.create(t, waiting("a"))
	kind = memory.UnknownWritten
	if _, err := f.Update(t.Context(), 0, "a", func(work.Item) (*work.Item, []store.Change, error) { return nil, nil, nil }); err != nil {
		t.Error(err)
	}
}

// Writers of one item lose nothing of each other, whatever the outcomes.
func TestNoUpdateIsLost(t *testing.T) {
	t.Parallel()
	s := one(dice(3, memory.None, memory.None, memory.None, memory.UnknownWritten, memory.UnknownLost, memory.UnknownLate))
	runners := []*fixture{setUp(t, s, work.Config{}), setUp(t, s, work.Config{})}
	runners[0].create(t, waiting("a"))
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 10 {
				if err := signal(runners[i/4], "a"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	// Of two runtimes, a write that came late may have been made twice: what
	// counts is that none is missing.
	if got := runners[0].get(t, "a").Signals; got < 80 {
		t.Errorf("%d of 80 updates are there", got)
	}
}

func TestUpdatesCountOnce(t *testing.T) {
	t.Parallel()
	f := setUp(t, one(dice(4, memory.None, memory.UnknownWritten, memory.UnknownLost, memory.UnknownLate)), work.Config{})
	f.create(t, waiting("a"))
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			for range 10 {
				if err := signal(f, "a"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if got := f.get(t, "a").Signals; got != 50 {
		t.Errorf("50 updates made it %d", got)
	}
}

func signal(f *fixture, id string) error {
	_, err := f.Update(context.Background(), 0, id, func(i work.Item) (*work.Item, []store.Change, error) {
		i.Signals++
		return &i, nil, nil
	})
	return err
}

// A runner that is fast does not make a creation seem not to have happened.
func TestCreateOfUnknownOutcome(t *testing.T) {
	t.Parallel()
	for _, kind := range []memory.Kind{memory.UnknownWritten, memory.UnknownLost, memory.UnknownLate} {
		synctest.Test(t, func(t *testing.T) {
			first := true
			f := start(t, one(func() memory.Kind {
				if !first {
					return memory.None
				}
				first = false
				return kind
			}), work.Config{Look: time.Second})
			defer f.stop()
			if _, made, err := f.Create(t.Context(), f.due("a")); err != nil || !made {
				t.Errorf("kind %d: %t, %v", kind, made, err)
			}
			pass(time.Minute)
			if f.runs("a") != 1 || f.count(t) != 0 {
				t.Errorf("kind %d: it ran %d times, %d are left", kind, f.runs("a"), f.count(t))
			}
		})
	}
}

func TestStoreThatFailsIsTheCallersMatter(t *testing.T) {
	t.Parallel()
	kind := memory.Fail
	f := setUp(t, one(func() memory.Kind { return kind }), work.Config{})
	if _, _, err := f.Create(context.Background(), waiting("a")); !errors.Is(err, memory.ErrInjected) || errors.Is(err, work.ErrUnknown) {
		t.Errorf("create: %v", err)
	}
	kind = memory.UnknownLost
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, _, err := f.Create(ctx, waiting("a")); !errors.Is(err, work.ErrUnknown) {
		t.Errorf("create, never known: %v", err)
	}
}

func TestListAndGet(t *testing.T) {
	t.Parallel()
	f := setUp(t, one(nil), work.Config{})
	for _, id := range []string{"a/1", "a/2", "a/3", "b/1"} {
		f.create(t, waiting(id))
	}
	bad := store.Change{Record: store.Record{Space: work.Space, Key: "a/25", Rev: f.ids.New(), Data: []byte("{")}}
	f.groups[0].Submit(store.Batch{Records: []store.Change{bad}}, nil).Wait(context.Background())
	page, err := f.List(context.Background(), 0, "a/", "a/1", 2)
	if err != nil || len(page) != 2 || page[0].ID != "a/2" || page[1].ID != "a/25" || page[1].Error == "" || page[1].Status != "" {
		t.Errorf("%+v, %v", page, err)
	}
	if _, found, err := f.Get(context.Background(), 0, "c"); found || err != nil {
		t.Errorf("nothing: %t, %v", found, err)
	}
	if item, found, err := f.Get(context.Background(), 0, "a/25"); !found || err == nil || item.Rev.IsZero() {
		t.Errorf("what cannot be read: %+v, %t, %v", item, found, err)
	}
	if err := signal(f, "a/25"); err == nil {
		t.Error("what cannot be read was written over")
	}
}

func TestWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := setUp(t, one(nil), work.Config{})
		defer f.stop()
		if _, found, err := f.Wait(t.Context(), 0, "a"); found || err != nil {
			t.Errorf("nothing: %t, %v", found, err)
		}
		f.create(t, waiting("a"))
		var all sync.WaitGroup
		wait := func(ctx context.Context, want work.Status, wantErr error) {
			all.Go(func() {
				if item, found, err := f.Wait(ctx, 0, "a"); !found || item.Status != want || !errors.Is(err, wantErr) {
					t.Errorf("waited for %+v, %t, %v", item, found, err)
				}
			})
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		wait(ctx, work.Waiting, context.DeadlineExceeded)
		pass(2 * time.Minute)
		began := time.Now()
		wait(t.Context(), work.Done, nil)
		synctest.Wait()
		if err := signal(f, "a"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		finished := func(i work.Item) (*work.Item, []store.Change, error) { i.Status = work.Done; return &i, nil, nil }
		if _, err := f.Update(t.Context(), 0, "a", finished); err != nil {
			t.Fatal(err)
		}
		all.Wait()
		if took := time.Since(began); took != 0 {
			t.Errorf("it was told %v late", took)
		}
	})
}

// What someone else wrote is seen a moment later.
func TestWaitForAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := one(nil)
		f, other := setUp(t, s, work.Config{}), setUp(t, s, work.Config{})
		defer f.stop()
		defer other.stop()
		f.create(t, waiting("a"))
		go func() {
			time.Sleep(time.Hour)
			_, _ = other.Update(context.Background(), 0, "a", func(work.Item) (*work.Item, []store.Change, error) { return nil, nil, nil })
		}()
		began := time.Now()
		item, found, err := f.Wait(t.Context(), 0, "a")
		if err != nil || !found || item.Status != work.Waiting || time.Since(began) > time.Hour+2*time.Second {
			t.Errorf("after %v: %+v, %t, %v", time.Since(began), item, found, err)
		}
	})
}
