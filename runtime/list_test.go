package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
	"github.com/talix-dev/talix/store/storetest"
)

// plant appends events to purses and shelves: one for each time, the seconds
// after noon, of entity i%entities.
func plant(t *testing.T, s store.Store, entities int, seconds []int) {
	t.Helper()
	versions := map[store.Stream]store.Version{}
	for i, second := range seconds {
		name := store.Stream{Type: "purse", ID: fmt.Sprint("e", i%entities)}
		typ := "PURSE:PUT"
		if i%entities%5 == 4 {
			name.Type, typ = "shelf", "SHELF:STORED"
		}
		v := versions[name]
		versions[name]++
		o := s.Commit(t.Context(), store.PartitionOf(name, s.Partitions()), []store.Batch{{Appends: []store.Append{{Stream: name, Expect: v, Events: []store.Event{{
			ID: store.ID{1, byte(i), byte(i >> 8)}, Stream: name, Version: v + 1, Type: typ, Schema: 1, Time: noonPlus(second), Data: []byte(`{}`),
		}}}}}})[0]
		if o.Status != store.Durable {
			t.Fatal(o.Err)
		}
	}
}

func noonPlus(second int) time.Time {
	return time.Date(2026, 3, 1, 12, 0, second, 0, time.UTC)
}

// pages reads a list to its end.
func pages(t *testing.T, rt *runtime.Runtime, f runtime.ListFilter) (all []runtime.Listed) {
	t.Helper()
	for range 10_000 {
		page, err := rt.Entities().List(t.Context(), f)
		if err != nil || f.Max > 0 && len(page.Entities) > f.Max {
			t.Fatalf("a page of %d has %d entities, %v", f.Max, len(page.Entities), err)
		}
		all = append(all, page.Entities...)
		if page.Cursor == "" {
			return all
		}
		f = runtime.ListFilter{Cursor: page.Cursor, Max: f.Max}
	}
	t.Fatal("a list has no end")
	return nil
}

// wanted is what a list must hold, by the logs.
func wanted(t *testing.T, s store.Store, f runtime.ListFilter) (all []runtime.Listed) {
	t.Helper()
	for p := range s.Partitions() {
		log, err := s.Log(t.Context(), store.Partition(p), 0, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		last := map[store.Stream]store.Version{}
		for _, e := range log {
			last[e.Stream] = e.Version
		}
		for _, e := range log {
			found := e.Version == 1
			if f.By == runtime.ByChange {
				found = e.Version == last[e.Stream]
			}
			late := !f.To.IsZero() && !e.Time.Before(f.To)
			if found && !e.Time.Before(f.From) && !late && (f.EntityType == "" || f.EntityType == e.Stream.Type) {
				all = append(all, runtime.Listed{EntityType: e.Stream.Type, EntityID: e.Stream.ID, Version: int64(last[e.Stream]), Time: e.Time})
			}
		}
	}
	return all
}

func names(all []runtime.Listed) string {
	var b []string
	for _, l := range all {
		b = append(b, fmt.Sprintf("%s/%s@%d %d", l.EntityType, l.EntityID, l.Version, l.Time.Unix()))
	}
	return strings.Join(b, "\n")
}

// Where times rise, the order is that of time, then partition, then position;
// also when thousands were born at one instant.
func TestListIsInOrderAndExact(t *testing.T) {
	t.Parallel()
	instant := make([]int, 1000)
	rising := make([]int, 600)
	for i := range rising {
		rising[i] = i / 7 * 3
	}
	for name, seconds := range map[string][]int{"at one instant": instant, "rising": rising} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := checked(t, memory.Config{})
			plant(t, s, 400, seconds)
			rt := start(t, newWorld(), s)
			for _, by := range []runtime.ListOrder{"", runtime.ByBirth, runtime.ByChange} {
				for _, max := range []int{0, 1, 7, 1000} {
					f := runtime.ListFilter{By: by, Max: max}
					want := wanted(t, s, f)
					slices.SortStableFunc(want, func(a, b runtime.Listed) int { return a.Time.Compare(b.Time) })
					if got := pages(t, rt, f); names(got) != names(want) {
						t.Errorf("by %q in pages of %d: %d entities, want %d in another order or of another kind", by, max, len(got), len(want))
					}
					f.Reverse = true
					slices.Reverse(want)
					if got := pages(t, rt, f); names(got) != names(want) {
						t.Errorf("reverse by %q in pages of %d: %d entities, want %d in another order or of another kind", by, max, len(got), len(want))
					}
				}
			}
		})
	}
}

// Whatever the filter, and though clocks differ by minutes: the same entities.
func TestListWithinTimes(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	seconds := make([]int, 800)
	for i := range seconds {
		seconds[i] = i*60 + random.IntN(1800)
	}
	s := checked(t, memory.Config{})
	plant(t, s, 500, seconds)
	rt := start(t, newWorld(), s)
	at := func(second int) time.Time { return noonPlus(second) }
	bounds := [][2]time.Time{
		{}, {at(9000), {}}, {{}, at(9000)}, {at(6000), at(12000)}, {at(6000), at(6060)}, {at(90000), {}}, {{}, at(-5)}, {at(seconds[0]), at(seconds[0] + 1)},
	}
	for _, b := range bounds {
		for _, f := range []runtime.ListFilter{{}, {By: runtime.ByChange}, {EntityType: "shelf"}, {EntityType: "purse", By: runtime.ByChange}} {
			f.From, f.To, f.Max = b[0], b[1], 20
			want := wanted(t, s, f)
			for _, f.Reverse = range []bool{false, true} {
				got := pages(t, rt, f)
				if sorted(got) != sorted(want) {
					t.Errorf("%+v: %d entities, want %d", f, len(got), len(want))
				}
			}
		}
	}
}

func sorted(all []runtime.Listed) string {
	lines := strings.Split(names(all), "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// Those that are born while a list is read are told of once as well, or, in
// reverse, not at all.
func TestListWhileEntitiesAreBorn(t *testing.T) {
	t.Parallel()
	s, w := checked(t, memory.Config{}), newWorld()
	rt := start(t, w, s)
	born := 0
	bear := func(n int) {
		for range n {
			born++
			if _, err := talix.Run(rt.Context(t.Context()), w.put, fmt.Sprint("p", born), coins{1}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, reverse := range []bool{false, true} {
		bear(50)
		first, told := born, map[string]int{}
		f := runtime.ListFilter{Max: 9, Reverse: reverse}
		for n := 0; n == 0 || f.Cursor != ""; n++ {
			page, err := rt.Entities().List(t.Context(), f)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range page.Entities {
				told[e.EntityID]++
			}
			if n < 10 {
				bear(3)
			}
			f = runtime.ListFilter{Cursor: page.Cursor, Max: 9}
		}
		for id, n := range told {
			if n != 1 {
				t.Errorf("reverse %t: %s was told %d times", reverse, id, n)
			}
		}
		if len(told) < first || reverse && len(told) != first {
			t.Errorf("reverse %t: %d of %d entities were told", reverse, len(told), first)
		}
	}
}

// endless is a store in whose log nothing is found.
type endless struct {
	*memory.Store
	walks int
}

func (e *endless) Walk(_ context.Context, _ store.Partition, w store.Walk) (store.Walked, error) {
	e.walks++
	at := w.From + store.Position(w.Scan)
	return store.Walked{At: at, Done: at >= 1_000_000}, nil
}

// A page is bounded in what it looks at, and may be empty for that; those behind
// it come to the end.
func TestPageOfAListIsBounded(t *testing.T) {
	t.Parallel()
	s := &endless{Store: checked(t, memory.Config{Partitions: 1})}
	rt := start(t, newWorld(), s)
	page, err := rt.Entities().List(t.Context(), runtime.ListFilter{})
	if err != nil || page.Cursor == "" || len(page.Entities) > 0 || s.walks > 100 {
		t.Errorf("%+v after %d walks, %v", page, s.walks, err)
	}
	if all := pages(t, rt, runtime.ListFilter{}); len(all) > 0 {
		t.Errorf("%+v", all)
	}
}

func TestCursorsOfLists(t *testing.T) {
	t.Parallel()
	s := checked(t, memory.Config{})
	plant(t, s, 20, make([]int, 20))
	rt := start(t, newWorld(), s)
	page, err := rt.Entities().List(t.Context(), runtime.ListFilter{EntityType: "purse", Reverse: true, Max: 3})
	if err != nil {
		t.Fatal(err)
	}
	again, err := rt.Entities().List(t.Context(), runtime.ListFilter{Cursor: page.Cursor, Max: 3})
	twice, err2 := rt.Entities().List(t.Context(), runtime.ListFilter{Cursor: page.Cursor, Max: 3})
	if err != nil || err2 != nil || len(again.Entities) != 3 || names(again.Entities) != names(twice.Entities) || again.Cursor != twice.Cursor {
		t.Errorf("the same cursor gives %+v and %+v", again, twice)
	}
	other := start(t, newWorld(), checked(t, memory.Config{Partitions: 2}))
	if _, err := other.Entities().List(t.Context(), runtime.ListFilter{Cursor: page.Cursor}); !errors.Is(err, talix.ErrInvalid) {
		t.Errorf("a cursor of another store: %v", err)
	}
	for name, f := range map[string]runtime.ListFilter{
		"other options": {Cursor: page.Cursor, Reverse: true},
		"garbage":       {Cursor: "garbage"},
		"cut off":       {Cursor: page.Cursor[:len(page.Cursor)-4]},
		"order":         {By: "size"},
		"time":          {From: time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		if _, err := rt.Entities().List(t.Context(), f); !errors.Is(err, talix.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := rt.Entities().List(t.Context(), runtime.ListFilter{EntityType: "none"}); !errors.Is(err, talix.ErrNotFound) {
		t.Errorf("an unknown type: %v", err)
	}
	plain := start(t, newWorld(), forward{s, s})
	if _, err := plain.Entities().List(t.Context(), runtime.ListFilter{}); !errors.Is(err, talix.ErrRejected) {
		t.Errorf("a store that lists nothing: %v", err)
	}
}

// Every node tells of all entities, whoever owns them.
func TestEntitiesOnEveryNode(t *testing.T) {
	t.Parallel()
	s, w := memory.New(memory.Config{}), newWorld()
	t.Cleanup(func() { storetest.Check(t, s) })
	plant(t, s, 40, make([]int, 120))
	want := wanted(t, s, runtime.ListFilter{})
	for i, one := range nodes(t, 2, s, nil, w.service()) {
		if got := pages(t, one.Runtime, runtime.ListFilter{Max: 7}); sorted(got) != sorted(want) {
			t.Errorf("node %d lists %d entities, want %d", i, len(got), len(want))
		}
		for _, e := range want {
			newest, err := one.Entities().Events(t.Context(), e.EntityType, e.EntityID, runtime.EventFilter{Reverse: true, Max: 1, States: true})
			if err != nil || len(newest) != 1 || newest[0].Version != e.Version || newest[0].State == nil {
				t.Errorf("node %d: the newest of %s is %+v, %v", i, e.EntityID, newest, err)
			}
			if e.EntityType != "purse" {
				continue
			}
			if p, err := one.Entities().Preview(t.Context(), "purse.put", e.EntityID, []byte(`{"n":1}`)); err != nil || p.Version != e.Version+1 {
				t.Errorf("node %d: a preview of %s: %+v, %v", i, e.EntityID, p, err)
			}
		}
	}
}
