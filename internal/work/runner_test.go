package work_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
)

func TestDueItemRunsAndIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := start(t, one(nil), work.Config{})
		defer f.stop()
		f.create(t, f.due("a"))
		synctest.Wait()
		if f.runs("a") != 1 || f.count(t) != 0 {
			t.Errorf("it ran %d times and %d items are there", f.runs("a"), f.count(t))
		}
	})
}

func TestItemRunsWhenItIsDue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var at, asked time.Time
		f := start(t, one(nil), work.Config{Run: func(_ context.Context, item work.Item) work.Verdict {
			at = time.Now()
			if !at.Equal(item.Due) || at.Before(asked) {
				t.Errorf("it ran at %v, due at %v", at, item.Due)
			}
			return finish
		}})
		defer f.stop()
		item := f.due("a")
		item.Due = item.Due.Add(time.Hour + 123456789)
		asked = item.Due
		f.create(t, item)
		pass(time.Hour)
		if f.runs("a") != 0 {
			t.Error("it ran before it was due")
		}
		got, found, err := f.Wait(t.Context(), 0, "a")
		if err != nil || !found || got.Status != work.Done || at.IsZero() {
			t.Errorf("it ended as %+v, %t, %v", got, found, err)
		}
	})
}

func TestEachOfManyRunsOnce(t *testing.T) {
	t.Parallel()
	s := one(nil)
	f := setUp(t, s, work.Config{})
	due := f.clock.now()
	for _, id := range ids(10_000) {
		item := f.due(id)
		item.Due = due
		f.groups[0].Submit(store.Batch{Records: []store.Change{f.Change(item)}}, nil)
	}
	f.create(t, f.due("last"))
	f.run()
	until(t, "all items are gone", f.empty)
	f.stop()
	for id, n := range f.all() {
		if n != 1 {
			t.Errorf("%s ran %d times", id, n)
		}
	}
	if len(f.all()) != 10_001 {
		t.Errorf("%d items ran", len(f.all()))
	}
}
