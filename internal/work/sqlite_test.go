package work_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/sqlite"
)

func openSQLite(tb testing.TB, dir string) *sqlite.Store {
	tb.Helper()
	s, err := sqlite.Open(context.Background(), sqlite.Config{Dir: dir, NoSync: true})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// What is due is worked off across restarts of the process, each item once.
func TestRestartsOnSQLite(t *testing.T) {
	t.Parallel()
	const items, perLife = 500, 120
	dir, ran, left := t.TempDir(), map[string]int{}, items
	for life := 0; left > 0; life++ {
		s := openSQLite(t, dir)
		var done atomic.Int64
		f := setUp(t, s, work.Config{Parallel: 16, Run: func(context.Context, work.Item) work.Verdict {
			done.Add(1)
			return gone
		}})
		if life == 0 {
			f.many(t, "act", f.clock.now(), items-1)
			later := f.due("later")
			later.Due = later.Due.Add(time.Hour)
			f.create(t, later)
		} else {
			f.clock.jump(2 * time.Hour)
		}
		f.run()
		until(t, "some ran", func() bool { return done.Load() >= int64(min(left, perLife)) })
		f.stop()
		left = f.count(t)
		for id, n := range f.all() {
			ran[id] += n
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for id, n := range ran {
		if n != 1 {
			t.Errorf("%s ran %d times", id, n)
		}
	}
	if len(ran) != items {
		t.Errorf("%d have run", len(ran))
	}
}

func TestStatusesOnSQLite(t *testing.T) {
	t.Parallel()
	s := openSQLite(t, t.TempDir())
	defer s.Close()
	f := start(t, s, work.Config{Run: func(_ context.Context, item work.Item) work.Verdict {
		return func(now work.Item) (*work.Item, []store.Change) {
			if now.Attempts++; now.Attempts < 5 {
				now = work.Policy{First: time.Millisecond}.Failed(now, errBoom, time.Now(), nil)
				return &now, nil
			}
			return finish(now)
		}
	}})
	for _, id := range ids(50) {
		f.create(t, f.due(id))
	}
	for _, id := range ids(50) {
		item, found, err := f.Wait(t.Context(), 0, id)
		if err != nil || !found || item.Status != work.Done || item.Error != "boom" {
			t.Errorf("%s: %+v, %t, %v", id, item, found, err)
		}
	}
	page, err := f.List(t.Context(), 0, "0000", "00003", 3)
	if err != nil || len(page) != 3 || page[0].ID != "00004" {
		t.Errorf("%v, %v", page, err)
	}
	f.stop()
}

func BenchmarkBacklogOnSQLite(b *testing.B) {
	s := openSQLite(b, b.TempDir())
	defer s.Close()
	f := setUp(b, s, work.Config{})
	f.many(b, "act", f.clock.now(), b.N)
	b.ResetTimer()
	f.run()
	until(b, "all are gone", f.empty)
	b.StopTimer()
	f.stop()
	if len(f.all()) != b.N {
		b.Error(fmt.Sprint(len(f.all()), " ran"))
	}
}
