package live_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/talix-dev/talix/internal/live"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/table"
)

// TestChangesLeadToTheRows: whatever happens between two runs, the changes lead
// from one result to the next, in order.
func TestChangesLeadToTheRows(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			l, h := newList("a", "b", "c"), hub(t, live.Config{Keep: 1 << 20})
			w := &watcher{}
			next, stop := iter.Pull2(h.Watch(t.Context(), l, ""))
			defer stop()
			for step := range 60 {
				for range 1 + r.IntN(12) {
					l.set(mutate(r, l), nil)
				}
				h.Changed("things")
				for !slices.Equal(w.rows, l.texts()) || step == 0 && w.resets == 0 {
					c, err, ok := next()
					if w.apply(c); !ok || err != nil || w.err != nil {
						t.Fatalf("seed %d, step %d: %v, %v", seed, step, err, w.err)
					}
				}
			}
			if w.resets != 1 {
				t.Errorf("seed %d: the present rows came %d times", seed, w.resets)
			}
		})
	}
}

// mutate inserts, changes, removes or moves a row.
func mutate(r *rand.Rand, l *list) []live.Row {
	rows := slices.Clone(l.rows)
	at := r.IntN(len(rows) + 1)
	fresh := live.Row{Key: fmt.Sprint("k", r.IntN(1_000_000)), Values: []table.Value{table.IntValue(int64(r.IntN(100)))}}
	if at == len(rows) || r.IntN(4) == 0 {
		return slices.Insert(rows, at, fresh)
	}
	switch r.IntN(3) {
	case 0:
		rows[at].Values = fresh.Values
	case 1:
		rows = slices.Delete(rows, at, at+1)
	default:
		row := rows[at]
		rows = slices.Delete(rows, at, at+1)
		rows = slices.Insert(rows, r.IntN(len(rows)+1), row)
	}
	return rows
}

// TestOneRowMovesAlone: a row that goes from one end to the other is deleted
// and inserted, and the others stay.
func TestOneRowMovesAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, h := newList("a", "b", "c", "d", "e"), hub(t, live.Config{})
		w := &watcher{}
		next, stop := iter.Pull2(h.Watch(t.Context(), l, ""))
		defer stop()
		step(t, w, next)
		rows := slices.Clone(l.rows)
		l.set(append(rows[1:], rows[0]), nil)
		h.Changed("things")
		step(t, w, next)
		step(t, w, next)
		if !slices.Equal(w.keys, []string{"b", "c", "d", "e", "a"}) || w.changes != 3 {
			t.Errorf("%v after %d changes", w.keys, w.changes)
		}
	})
}

func step(t *testing.T, w *watcher, next func() (registry.Change, error, bool)) {
	t.Helper()
	c, err, ok := next()
	if w.apply(c); !ok || err != nil || w.err != nil {
		t.Fatalf("change %+v: %v, %v", c, err, w.err)
	}
}

// TestReconnects: 100 watchers' breaks at random moments cost no change, and
// bring none twice.
func TestReconnects(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, h := newList(), hub(t, live.Config{})
		const rows = 3000
		var writer sync.WaitGroup
		writer.Go(func() {
			for i := range rows {
				l.put(i, fmt.Sprint("k", i), i)
				h.Changed("THINGS")
				time.Sleep(time.Millisecond)
			}
		})
		r, w := rand.New(rand.NewPCG(1, 2)), &watcher{}
		for range 100 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(r.IntN(40))*time.Millisecond)
			err := w.until(h.Watch(ctx, l, w.id), func() bool { return r.IntN(20) == 0 })
			if cancel(); w.err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Duration(r.IntN(30)) * time.Millisecond)
		}
		if err := w.until(h.Watch(t.Context(), l, w.id), func() bool { return len(w.rows) == rows }); err != nil {
			t.Error(err)
		}
		writer.Wait()
		if !slices.Equal(w.rows, l.texts()) || w.resets != 1 || w.changes > rows+1 {
			t.Errorf("%d rows after %d changes and %d times the present rows", len(w.rows), w.changes, w.resets)
		}
	})
}

// TestSlowReader: who does not take its changes is ended, costs the feed no
// more than what it keeps, and begins again with the present rows.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, h := newList("a"), hub(t, live.Config{Keep: 16})
		slow, quick := &watcher{}, &watcher{}
		next, stop := iter.Pull2(h.Watch(t.Context(), l, ""))
		step(t, slow, next)
		other, end := iter.Pull2(h.Watch(t.Context(), l, ""))
		defer end()
		step(t, quick, other)
		for i := range 40 {
			l.put(0, fmt.Sprint("k", i), i)
			h.Changed("things")
			step(t, quick, other)
		}
		_, err, _ := next()
		if code(err) != registry.Overloaded {
			t.Errorf("a reader that was overtaken got %v", err)
		}
		if _, _, ok := next(); ok {
			t.Error("something came after the end")
		}
		stop()
		again := func() bool { return len(slow.rows) == 41 }
		if err := slow.until(h.Watch(t.Context(), l, slow.id), again); err != nil || slow.resets != 2 {
			t.Errorf("after coming back: %v, %d rows, %d times the present rows", err, len(slow.rows), slow.resets)
		}
		if !slices.Equal(quick.rows, l.texts()) || quick.resets != 1 {
			t.Errorf("the quick reader has %v", quick.rows)
		}
	})
}

// TestManyChangesAtOnce: what comes in one run is never too much for a reader
// who keeps up.
func TestManyChangesAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, h := newList("a"), hub(t, live.Config{Keep: 16, KeepBytes: 1})
		w := &watcher{}
		next, stop := iter.Pull2(h.Watch(t.Context(), l, ""))
		defer stop()
		step(t, w, next)
		for round := range 3 {
			for i := range 40 {
				l.put(0, fmt.Sprint("k", round, "-", i), i)
			}
			h.Changed("things")
			for len(w.rows) < 40*(round+1)+1 {
				step(t, w, next)
			}
		}
		if !slices.Equal(w.rows, l.texts()) || w.resets != 1 {
			t.Errorf("%d rows, %d times the present rows", len(w.rows), w.resets)
		}
	})
}

// TestChangeDuringARun: what a run has just missed makes another one.
func TestChangeDuringARun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, h := newList("a"), hub(t, live.Config{})
		l.during = func() {
			l.put(0, "b", 1)
			h.Changed("things")
		}
		w := &watcher{}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := w.until(h.Watch(ctx, l, ""), func() bool { return len(w.rows) == 2 }); err != nil {
			t.Error(err)
		}
	})
}

// TestFeedLingers: for a while after its last reader left a feed is there to be
// resumed, and asks the database nothing.
func TestFeedLingers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, h := newList("a"), hub(t, live.Config{Linger: time.Minute})
		w := &watcher{}
		if err := w.until(h.Watch(t.Context(), l, ""), func() bool { return true }); err != nil {
			t.Fatal(err)
		}
		for i := range 100 {
			l.put(0, fmt.Sprint("k", i), i)
			h.Changed("things")
			time.Sleep(time.Second / 2)
		}
		if n := l.runs.Load(); n != 1 {
			t.Errorf("with no reader, the query ran %d times", n)
		}
		if err := w.until(h.Watch(t.Context(), l, w.id), func() bool { return len(w.rows) == 101 }); err != nil || w.resets != 1 {
			t.Errorf("after 50 s: %v, %d times the present rows", err, w.resets)
		}
		time.Sleep(2 * time.Minute)
		if err := w.until(h.Watch(t.Context(), l, w.id), func() bool { return true }); err != nil || w.resets != 2 || len(w.rows) != 101 {
			t.Errorf("after the feed ended: %v, %d times the present rows", err, w.resets)
		}
	})
}

// TestForeignIDs: what is no place in this feed gets the present rows.
func TestForeignIDs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, h := newList("a"), hub(t, live.Config{NewID: func() string { return "F" }})
		for _, id := range []string{"", "F", "F-", "F-1", "F--1", "F-18446744073709551616", "G-0", "-0", "F-0-0", "F-00x"} {
			w := &watcher{}
			if err := w.until(h.Watch(t.Context(), l, id), func() bool { return true }); err != nil || w.resets != 1 {
				t.Errorf("%q: %v, %d times the present rows", id, err, w.resets)
			}
		}
	})
}

func TestRunsAreGathered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, h := newList(), hub(t, live.Config{Gather: 100 * time.Millisecond})
		w := &watcher{}
		next, stop := iter.Pull2(h.Watch(t.Context(), l, ""))
		defer stop()
		step(t, w, next)
		for i := range 1000 {
			l.put(i, fmt.Sprint(i), i)
			h.Changed("things")
			h.Changed("others")
			time.Sleep(time.Millisecond)
		}
		for len(w.rows) < 1000 {
			step(t, w, next)
		}
		if n := l.runs.Load(); n > 12 {
			t.Errorf("the query ran %d times in a second", n)
		}
	})
}

func TestOtherTables(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, h := newList("a"), hub(t, live.Config{})
		_, stop := iter.Pull2(h.Watch(t.Context(), l, ""))
		defer stop()
		next, stop := iter.Pull2(h.Watch(t.Context(), l, ""))
		defer stop()
		next()
		for range 100 {
			h.Changed("others")
			time.Sleep(time.Second)
		}
		if n := l.runs.Load(); n != 1 {
			t.Errorf("the query ran %d times, though its table did not change", n)
		}
	})
}

func TestBeats(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := hub(t, live.Config{Beat: 15 * time.Second})
		started, beats := time.Now(), 0
		for c, err := range h.Watch(t.Context(), newList("a"), "") {
			if err != nil {
				t.Fatal(err)
			}
			if c.Kind == registry.Beat {
				beats++
			}
			if beats == 4 {
				break
			}
		}
		if took := time.Since(started); took != time.Minute {
			t.Errorf("four beats took %s", took)
		}
	})
}

func TestBounds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := hub(t, live.Config{MaxFeeds: 2, MaxReaders: 3})
		watch := func(name string) (stop func(), err error) {
			l := newList("a")
			l.name = name
			next, stop := iter.Pull2(h.Watch(t.Context(), l, ""))
			_, err, _ = next()
			return stop, err
		}
		var stops []func()
		for i, want := range []struct {
			name string
			code registry.Code
		}{{"a", ""}, {"b", ""}, {"c", registry.Overloaded}, {"b", ""}, {"a", registry.Overloaded}} {
			stop, err := watch(want.name)
			stops = append(stops, stop)
			if code(err) != want.code {
				t.Errorf("watch %d of %s: %v, want %q", i, want.name, err, want.code)
			}
		}
		for _, stop := range stops {
			stop()
		}
		time.Sleep(time.Hour)
		for _, name := range []string{"c", "d"} {
			stop, err := watch(name)
			if stop(); err != nil {
				t.Errorf("after all left: %v", err)
			}
		}
	})
}

func TestFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		away := errors.New("the database is away")
		l, h := newList("a"), hub(t, live.Config{Tries: 3})
		l.set(l.rows, away)
		if err := (&watcher{}).until(h.Watch(t.Context(), l, ""), func() bool { return true }); !errors.Is(err, away) {
			t.Errorf("a query that fails at once: %v", err)
		}
		l.set(l.rows, nil)
		w := &watcher{}
		next, stop := iter.Pull2(h.Watch(t.Context(), l, ""))
		defer stop()
		step(t, w, next)
		l.set(l.rows, away)
		h.Changed("things")
		time.Sleep(150 * time.Millisecond) // a try or two fail
		l.set(l.rows, nil)
		l.put(0, "b", 1)
		step(t, w, next)
		if !slices.Equal(w.rows, []string{"b=1", "a=0"}) {
			t.Errorf("after the database came back: %v", w.rows)
		}
		l.set(append(l.rows, l.rows[0]), nil) // a key stands twice
		h.Changed("things")
		if _, err, _ := next(); code(err) != registry.Internal {
			t.Errorf("two rows of one key: %v", err)
		}
		if n := l.runs.Load(); n > 9 {
			t.Errorf("the query ran %d times", n)
		}
	})
}

func TestClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, h := newList("a"), hub(t, live.Config{})
		next, stop := iter.Pull2(h.Watch(t.Context(), l, ""))
		defer stop()
		next()
		h.Close()
		if _, err, _ := next(); code(err) != registry.Unavailable {
			t.Errorf("a reader of a hub that is closed: %v", err)
		}
		if err := (&watcher{}).until(h.Watch(t.Context(), l, ""), func() bool { return true }); code(err) != registry.Unavailable {
			t.Errorf("a hub that is closed: %v", err)
		}
		h.Changed("things")
	})
}

// TestManyRowsAtOnce: where nearly all is new, the rows come at once.
func TestManyRowsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var keys []string
		for i := range 1000 {
			keys = append(keys, fmt.Sprint("old", i))
		}
		l, h := newList(keys...), hub(t, live.Config{})
		w := &watcher{}
		next, stop := iter.Pull2(h.Watch(t.Context(), l, ""))
		defer stop()
		step(t, w, next)
		fresh := newList()
		for i := range 1000 {
			fresh.put(i, fmt.Sprint("new", i), i)
		}
		l.set(fresh.rows, nil)
		h.Changed("things")
		step(t, w, next)
		if !slices.Equal(w.rows, l.texts()) || w.resets != 2 {
			t.Errorf("%d rows, %d times the present rows", len(w.rows), w.resets)
		}
	})
}
