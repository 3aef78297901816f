package work_test

import (
	"context"
	"fmt"
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
	const items, perLife = 3000, 700
	dir, ran := t.TempDir(), map[string]int{}
	for life := 0; len(ran) < items; life++ {
		s := openSQLite(t, dir)
		enough, runs := make(chan struct{}), make(chan struct{}, items)
		f := setUp(t, s, work.Config{Parallel: 16, Run: func(ctx context.Context, _ work.Item) work.Verdict {
			if ctx.Err() != nil {
				return nil
			}
			runs <- struct{}{}
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
		go func() {
			defer close(enough)
			for range min(perLife, items-1-len(ran)+life) {
				select {
				case <-runs:
				case <-f.over:
					return
				}
			}
		}()
		<-enough
		f.stop()
		for id, n := range f.ran {
			ran[id] += n
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if life > 20 {
			t.Fatalf("only %d have run", len(ran))
		}
	}
	s := openSQLite(t, dir)
	defer s.Close()
	if left, err := s.Records(t.Context(), 0, work.Space, "", "", 10); err != nil || len(left) != 0 {
		t.Errorf("left are %v, %v", left, err)
	}
	for id, n := range ran {
		if n > 2 { // a run that is told to end in its middle is made again
			t.Errorf("%s ran %d times", id, n)
		}
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
	until(b, "all are gone", func() bool {
		left, err := f.List(context.Background(), 0, "", "", 1)
		return err == nil && len(left) == 0
	})
	b.StopTimer()
	f.stop()
	if len(f.ran) != b.N {
		b.Error(fmt.Sprint(len(f.ran), " ran"))
	}
}
