package work_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

var errNo = errors.New("no")

func TestSweep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var refuse atomic.Bool
		f := start(t, memory.New(memory.Config{Partitions: 2}), work.Config{Sweep: []work.Sweep{
			{Space: "signal"},
			{Space: "step", Keep: func(_ context.Context, _ store.Partition, rec store.Record) (time.Duration, error) {
				if refuse.Load() {
					return 0, errNo
				}
				if rec.Key == "needed" {
					return 24 * time.Hour, nil
				}
				return 0, nil
			}},
		}})
		defer f.stop()
		refuse.Store(true)
		put := func(p store.Partition, space, key string, due time.Time) {
			rec := store.Record{Space: space, Key: key, Rev: f.ids.New(), Due: due, Data: []byte("data")}
			f.groups[p].Submit(store.Batch{Records: []store.Change{{Record: rec}}}, nil).Wait(t.Context())
		}
		soon := f.clock.now().Add(time.Hour)
		for _, id := range ids(600) {
			put(1, "signal", id, soon)
		}
		put(0, "signal", "later", soon.Add(2*time.Hour))
		put(0, "signal", "never", time.Time{})
		put(0, "step", "needed", soon)
		put(0, "step", "orphaned", soon)
		put(0, "other", "due", soon)
		count := func() string {
			var out []int
			for _, space := range []string{"signal", "step", "other"} {
				n := 0
				for p := range 2 {
					page, err := f.keeper().Records(t.Context(), store.Partition(p), space, "", "", 1000)
					if err != nil {
						t.Fatal(err)
					}
					n += len(page)
				}
				out = append(out, n)
			}
			return fmt.Sprint(out)
		}
		pass(time.Hour - time.Second)
		early := count()
		pass(2 * time.Second)
		failed := count()
		refuse.Store(false)
		pass(time.Minute)
		kept := count()
		pass(24 * time.Hour)
		if late := count(); early != "[602 2 1]" || failed != "[2 2 1]" || kept != "[2 1 1]" || late != "[1 1 1]" {
			t.Errorf("%s, then %s, %s and %s", early, failed, kept, late)
		}
		if n := f.logs.count("level=ERROR"); n != 1 {
			t.Errorf("%d errors were logged", n)
		}
	})
}

// What is written again while it is looked at stays.
func TestSweepSparesWhatWasWritten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var f *fixture
		put := func(rec store.Record, from store.ID) {
			rec.Rev = f.ids.New()
			b := f.groups[0].Submit(store.Batch{Records: []store.Change{{Record: rec, From: from}}}, nil)
			if b.Wait(context.Background()); b.Outcome().Status != store.Durable {
				t.Error(b.Outcome())
			}
		}
		f = start(t, one(nil), work.Config{Sweep: []work.Sweep{{Space: "x", Keep: func(_ context.Context, _ store.Partition, rec store.Record) (time.Duration, error) {
			if rec.Key == "b" {
				put(store.Record{Space: "x", Key: "b", Due: rec.Due.Add(24 * time.Hour)}, rec.Rev)
			}
			return 0, nil
		}}}})
		defer f.stop()
		for _, key := range []string{"a", "b", "c"} {
			put(store.Record{Space: "x", Key: key, Due: f.clock.now()}, store.ID{})
		}
		pass(time.Hour)
		left, err := f.keeper().Records(t.Context(), 0, "x", "", "", 10)
		if err != nil || len(left) != 1 || left[0].Key != "b" {
			t.Errorf("left are %+v, %v", left, err)
		}
	})
}
