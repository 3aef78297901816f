package work_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

func TestItemThatIsDueAgainRunsAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var f *fixture
		var at []time.Duration
		began := time.Now()
		f = start(t, one(nil), work.Config{Run: func(context.Context, work.Item) work.Verdict {
			at = append(at, time.Since(began))
			return func(now work.Item) (*work.Item, []store.Change) {
				switch now.Attempts++; now.Attempts {
				case 1: // at once
				case 2:
					now.Due = f.clock.now().Add(time.Minute)
				case 3: // in the past
					now.Due = f.clock.now().Add(-time.Hour)
				default:
					return nil, nil
				}
				return &now, nil
			}
		}})
		defer f.stop()
		f.create(t, f.due("a"))
		pass(time.Hour)
		if fmt.Sprint(at) != "[0s 0s 1m0s 1m0s]" || f.count(t) != 0 {
			t.Errorf("it ran at %v", at)
		}
	})
}

// A verdict is on the item as it is then, not on the one that ran.
func TestVerdictOnAnItemThatWasChanged(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		meanwhile func(work.Item) (*work.Item, []store.Change, error)
		calls     int
		left      string
	}{
		"changed": {func(i work.Item) (*work.Item, []store.Change, error) { i.Signals = 9; return &i, nil, nil }, 2, "9 true"},
		"gone":    {func(work.Item) (*work.Item, []store.Change, error) { return nil, nil, nil }, 1, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			var f *fixture
			calls := 0
			f = start(t, one(nil), work.Config{Run: func(context.Context, work.Item) work.Verdict {
				if _, err := f.Update(t.Context(), 0, "a", c.meanwhile); err != nil {
					t.Error(err)
				}
				return func(now work.Item) (*work.Item, []store.Change) {
					calls++
					now.Undo, now.Due = true, time.Time{}
					return &now, []store.Change{{Record: store.Record{Space: "x", Key: "k", Rev: f.ids.New()}}}
				}
			}})
			defer f.stop()
			f.create(t, f.due("a"))
			synctest.Wait()
			left := ""
			if item, found, _ := f.Get(t.Context(), 0, "a"); found {
				left = fmt.Sprint(item.Signals, " ", item.Undo)
			}
			_, more, _ := f.keeper().Record(t.Context(), 0, "x", "k")
			if calls != c.calls || left != c.left || more != (left != "") || f.runs("a") != 1 {
				t.Errorf("%s: %d verdicts, %d runs, left is %q, what goes with it: %t", name, calls, f.runs("a"), left, more)
			}
		})
	}
}

func TestNilVerdictLeavesTheItem(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := one(nil)
		nothing := func(context.Context, work.Item) work.Verdict { return nil }
		f := start(t, s, work.Config{Run: nothing})
		f.create(t, f.due("a"))
		f.create(t, f.due("b"))
		pass(time.Hour)
		if f.runs("a") != 1 {
			t.Errorf("it ran %d times", f.runs("a"))
		}
		if err := signal(f, "a"); err != nil {
			t.Fatal(err)
		}
		item := f.get(t, "b")
		f.groups[0].Submit(store.Batch{Records: []store.Change{f.Change(item)}}, nil).Wait(t.Context())
		f.Wake(0, item.Due)
		synctest.Wait()
		if f.runs("a") != 2 || f.runs("b") != 2 {
			t.Errorf("written again, they ran %d and %d times", f.runs("a"), f.runs("b"))
		}
		f.stop()
		f = start(t, s, work.Config{})
		defer f.stop()
		synctest.Wait()
		if f.runs("a") != 1 || f.count(t) != 0 {
			t.Errorf("after a restart it ran %d times and %d are left", f.runs("a"), f.count(t))
		}
	})
}

// An item that was written while it ran, and whose verdict is nil, runs again.
func TestNilVerdictOnAnItemThatWasChanged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var f *fixture
		f = start(t, one(nil), work.Config{Run: func(context.Context, work.Item) work.Verdict {
			if f.runs("a") < 3 {
				if err := signal(f, "a"); err != nil {
					t.Error(err)
				}
				synctest.Wait() // it was found, and let alone
			}
			return nil
		}})
		defer f.stop()
		f.create(t, f.due("a"))
		pass(time.Hour)
		if f.runs("a") != 3 {
			t.Errorf("it ran %d times", f.runs("a"))
		}
	})
}

func TestPanicIsRunAgainAfterAPause(t *testing.T) {
	t.Parallel()
	malformed := func(now work.Item) (*work.Item, []store.Change) { return &now, []store.Change{{}} }
	for name, verdict := range map[string]work.Verdict{
		"run":     nil,
		"verdict": func(work.Item) (*work.Item, []store.Change) { panic("boom") },
		"changes": malformed,
	} {
		synctest.Test(t, func(t *testing.T) {
			var f *fixture
			var at []time.Duration
			began := time.Now()
			f = start(t, one(nil), work.Config{Run: func(context.Context, work.Item) work.Verdict {
				at = append(at, time.Since(began))
				switch {
				case len(at) > 4:
					return gone
				case verdict == nil:
					panic("boom")
				}
				return verdict
			}})
			defer f.stop()
			item := f.due("a")
			item.Due = item.Due.Add(-time.Hour)
			f.create(t, item)
			pass(time.Hour)
			if fmt.Sprint(at) != "[0s 1s 3s 7s 15s]" || f.count(t) != 0 {
				t.Errorf("%s: it ran at %v and %d are left", name, at, f.count(t))
			}
			if n := f.logs.count("level=ERROR"); n != 4 {
				t.Errorf("%s: %d errors were logged", name, n)
			}
		})
	}
}

func TestWhatIsNotRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := start(t, one(nil), work.Config{})
		defer f.stop()
		// Before the others, since nobody tells the runner of it.
		bad := store.Change{Record: store.Record{Space: work.Space, Key: "bad", Rev: f.ids.New(), Due: time.Now(), Data: []byte("{")}}
		f.groups[0].Submit(store.Batch{Records: []store.Change{bad}}, nil).Wait(t.Context())
		for _, s := range []work.Status{work.Parked, work.Suspended, "other"} {
			item := f.due(string(s))
			item.Status = s
			f.create(t, item)
			item.ID, item.Due = "never "+string(s), time.Time{}
			f.create(t, item)
		}
		for _, s := range []work.Status{work.Ready, work.Waiting, work.Compensating} {
			item := f.due(string(s))
			item.Status = s
			f.create(t, item)
			item.ID, item.Due = "never "+string(s), time.Time{}
			f.create(t, item)
		}
		pass(time.Hour)
		if fmt.Sprint(f.all()) != "map[compensating:1 ready:1 waiting:1]" || f.count(t) != 10 {
			t.Errorf("these ran: %v, and %d are left", f.all(), f.count(t))
		}
		if n := f.logs.count("cannot be read"); n != 1 {
			t.Errorf("it was told %d times of what cannot be read", n)
		}
	})
}

func TestFinishedItemsAreForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := start(t, one(nil), work.Config{Forget: func(i work.Item) []store.Change {
			return []store.Change{{Op: store.DeleteUnder, Record: store.Record{Space: "step", Key: i.ID + "/"}}}
		}})
		defer f.stop()
		for _, s := range []work.Status{work.Done, work.Failed, work.Cancelled} {
			item := f.due(string(s))
			item.Status, item.Due = s, item.Due.Add(time.Hour)
			step := store.Change{Record: store.Record{Space: "step", Key: item.ID + "/1", Rev: f.ids.New()}}
			if _, made, err := f.Create(t.Context(), item, step); err != nil || !made {
				t.Fatal(err)
			}
		}
		pass(time.Hour - time.Second)
		before := f.count(t)
		pass(time.Second)
		steps, _ := f.keeper().Records(t.Context(), 0, "step", "", "", 10)
		if before != 3 || f.count(t) != 0 || len(steps) != 0 || len(f.all()) != 0 {
			t.Errorf("%d were there, then %d, with %d steps; these ran: %v", before, f.count(t), len(steps), f.all())
		}
	})
}

// An item never runs twice at a time, however it is written meanwhile.
func TestNeverTwiceAtATime(t *testing.T) {
	t.Parallel()
	var f *fixture
	var running [4]atomic.Int64
	f = start(t, memory.New(memory.Config{Partitions: 2}), work.Config{Parallel: 3, Run: func(_ context.Context, item work.Item) work.Verdict {
		n := &running[int(item.ID[0]-'a')]
		if n.Add(1) != 1 {
			t.Error("it runs twice")
		}
		_ = signalIn(f, item.Partition, item.ID)
		n.Add(-1)
		return func(now work.Item) (*work.Item, []store.Change) {
			now.Attempts++
			return &now, nil
		}
	}})
	var all sync.WaitGroup
	for i, id := range []string{"a", "b", "c", "d"} {
		item := f.due(id)
		item.Partition = store.Partition(i % 2)
		f.create(t, item)
		all.Go(func() {
			for range 300 {
				if err := signalIn(f, item.Partition, id); err != nil {
					t.Error(err)
				}
				f.Wake(item.Partition, item.Due)
			}
		})
	}
	all.Wait()
	until(t, "all run on and on", func() bool { return f.runs("a") > 20 && f.runs("b") > 20 && f.runs("c") > 20 && f.runs("d") > 20 })
	f.stop()
	for i, id := range []string{"a", "b", "c", "d"} {
		item, _, err := f.Get(context.Background(), store.Partition(i%2), id)
		if runs := f.runs(id); err != nil || runs < 2 || item.Attempts > runs || item.Attempts < runs-1 || item.Signals < 300+item.Attempts {
			t.Errorf("%s ran %d times: %d verdicts, %d signals, %v", id, runs, item.Attempts, item.Signals, err)
		}
	}
}

func signalIn(f *fixture, p store.Partition, id string) error {
	_, err := f.Update(context.Background(), p, id, func(i work.Item) (*work.Item, []store.Change, error) {
		i.Signals++
		return &i, nil, nil
	})
	return err
}

func TestWhatAVerdictMakesRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var f *fixture
		f = start(t, one(nil), work.Config{Run: func(_ context.Context, item work.Item) work.Verdict {
			return func(work.Item) (*work.Item, []store.Change) {
				if item.ID == "a" {
					return nil, []store.Change{f.Change(f.due("b"))}
				}
				return nil, nil
			}
		}})
		defer f.stop()
		f.create(t, f.due("a"))
		synctest.Wait()
		if f.runs("b") != 1 || f.count(t) != 0 {
			t.Errorf("it ran %d times and %d are left", f.runs("b"), f.count(t))
		}
	})
}

// An item that has waited and was changed meanwhile is left as it was run.
func TestNilVerdictOnAnItemThatWaited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stuck := make(chan struct{})
		f := start(t, one(nil), work.Config{Parallel: 1, Run: func(_ context.Context, item work.Item) work.Verdict {
			if item.ID == "0" {
				<-stuck
			}
			return nil
		}})
		defer f.stop()
		f.create(t, f.due("0"))
		synctest.Wait()
		f.create(t, f.due("a"))
		synctest.Wait()
		if err := signal(f, "a"); err != nil {
			t.Fatal(err)
		}
		close(stuck)
		synctest.Wait()
		f.Wake(0, f.clock.now().Add(-time.Hour))
		synctest.Wait()
		if f.runs("a") != 1 {
			t.Errorf("it ran %d times", f.runs("a"))
		}
	})
}

// A finished item that someone wrote again stays.
func TestForgottenTooLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := one(nil)
		other := setUp(t, s, work.Config{})
		defer other.stop()
		f := start(t, s, work.Config{Forget: func(work.Item) []store.Change {
			again := func(i work.Item) (*work.Item, []store.Change, error) { i.Status = work.Suspended; return &i, nil, nil }
			if _, err := other.Update(context.Background(), 0, "a", again); err != nil {
				t.Error(err)
			}
			return nil
		}})
		defer f.stop()
		item := f.due("a")
		item.Status = work.Done
		f.create(t, item)
		pass(time.Hour)
		if f.get(t, "a").Status != work.Suspended {
			t.Errorf("it is %+v", f.get(t, "a"))
		}
	})
}

// A verdict that conflicts by what goes with it is asked again, not at once.
func TestVerdictWhoseChangesConflict(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls, began := 0, time.Now()
		f := start(t, one(nil), work.Config{Run: func(context.Context, work.Item) work.Verdict {
			return func(work.Item) (*work.Item, []store.Change) {
				calls++
				if time.Since(began) > time.Minute {
					return nil, nil
				}
				return nil, []store.Change{{Op: store.Delete, Record: store.Record{Space: "x", Key: "k"}, From: store.ID{9}}}
			}
		}})
		defer f.stop()
		f.create(t, f.due("a"))
		pass(time.Hour)
		if f.count(t) != 0 || calls < 5 || calls > 100 || f.runs("a") != 1 {
			t.Errorf("%d verdicts, %d runs, %d are left", calls, f.runs("a"), f.count(t))
		}
	})
}
