package runtime_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

// noonOf is a clock that tests set.
type noonOf struct{ at atomic.Int64 }

func (c *noonOf) now() time.Time { return time.Unix(c.at.Load(), 0).UTC() }

// history is a purse whose version v was written at the second times[v-1], with
// v more coins.
func history(t *testing.T, s store.Store, times []int64, change ...func(*runtime.Config)) (*world, *runtime.Runtime) {
	t.Helper()
	w, clock := newWorld(), &noonOf{}
	change = append(change, func(c *runtime.Config) { c.Now = clock.now })
	rt := start(t, w, s, change...)
	for v, at := range times {
		clock.at.Store(at)
		if _, err := talix.Run(rt.Context(t.Context()), w.put, "p", coins{v + 1}); err != nil {
			t.Fatal(err)
		}
	}
	return w, rt
}

// sumTo is what is in the purse at a version.
func sumTo(version int64) int { return int(version * (version + 1) / 2) }

func TestStateAtEachMoment(t *testing.T) {
	t.Parallel()
	// The clock went back between the versions 3 and 4.
	times := []int64{100, 200, 300, 250, 400}
	for _, every := range []int{-1, 2} {
		w, rt := history(t, checked(t, memory.Config{}), times, func(c *runtime.Config) { c.Entities.SnapshotEvery = every })
		ctx := rt.Context(t.Context())
		tests := map[talix.AsOf]int64{
			{}: 5, talix.Version(1): 1, talix.Version(4): 4, talix.Version(5): 5, talix.Version(6): 0, talix.Version(0): 5,
		}
		for second, version := range map[int64]int64{99: 0, 100: 1, 199: 1, 200: 2, 249: 2, 250: 4, 299: 4, 300: 4, 399: 4, 400: 5, 900: 5} {
			tests[talix.At(time.Unix(second, 0))] = version
		}
		for at, version := range tests {
			got, err := talix.StateAt(ctx, w.purses, "p", at)
			public, err2 := rt.Entities().State(t.Context(), "purse", "p", at)
			if version == 0 {
				if !errors.Is(err, talix.ErrNotFound) || !errors.Is(err2, talix.ErrNotFound) {
					t.Errorf("as of %v: %v, %v", at, err, err2)
				}
				continue
			}
			if err != nil || got.Version != version || got.State.Coins != sumTo(version) {
				t.Errorf("as of %v: %+v, %v; want version %d", at, got, err, version)
			}
			if want := fmt.Sprintf(`{"Coins":%d}`, sumTo(version)); err2 != nil || string(public.State) != want || public.Version != version {
				t.Errorf("as of %v: %s, %v; want %s", at, public.State, err2, want)
			}
		}
		if _, err := talix.StateAt(ctx, w.purses, "unknown", talix.AsOf{}); !errors.Is(err, talix.ErrNotFound) {
			t.Errorf("an unknown entity: %v", err)
		}
		if _, err := rt.Entities().State(t.Context(), "unknown", "p", talix.AsOf{}); !errors.Is(err, talix.ErrNotFound) {
			t.Errorf("an unknown type: %v", err)
		}
	}
}

func TestEventsOfAnEntity(t *testing.T) {
	t.Parallel()
	_, rt := history(t, checked(t, memory.Config{}), make([]int64, 250), func(c *runtime.Config) { c.Entities.SnapshotEvery = 20 })
	tests := map[string]struct {
		filter      runtime.EventFilter
		first, last int64
	}{
		"zero":              {runtime.EventFilter{}, 1, 100},
		"from":              {runtime.EventFilter{From: 200}, 200, 250},
		"from to":           {runtime.EventFilter{From: 10, To: 12}, 10, 12},
		"max":               {runtime.EventFilter{From: 10, To: 100, Max: 5}, 10, 14},
		"reverse":           {runtime.EventFilter{Reverse: true}, 250, 151},
		"reverse to":        {runtime.EventFilter{Reverse: true, To: 30, Max: 3}, 30, 28},
		"reverse from":      {runtime.EventFilter{Reverse: true, From: 249}, 250, 249},
		"reverse from to":   {runtime.EventFilter{Reverse: true, From: 3, To: 5}, 5, 3},
		"beyond":            {runtime.EventFilter{From: 251}, 0, 0},
		"reverse beyond":    {runtime.EventFilter{From: 251, Reverse: true}, 0, 0},
		"everything":        {runtime.EventFilter{Max: 5000}, 1, 250},
		"upside down":       {runtime.EventFilter{From: 9, To: 3}, 0, 0},
		"reverse all, more": {runtime.EventFilter{Reverse: true, To: 900, Max: 1000}, 250, 1},
	}
	for name, test := range tests {
		for _, states := range []bool{false, true} {
			test.filter.States = states
			got, err := rt.Entities().Events(t.Context(), "purse", "p", test.filter)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			checkMoments(t, name, got, test.first, test.last, states)
		}
	}
	if got, err := rt.Entities().Events(t.Context(), "purse", "unknown", runtime.EventFilter{States: true}); err != nil || len(got) > 0 {
		t.Errorf("of an unknown entity: %+v, %v", got, err)
	}
	if _, err := rt.Entities().Events(t.Context(), "unknown", "p", runtime.EventFilter{}); !errors.Is(err, talix.ErrNotFound) {
		t.Errorf("of an unknown type: %v", err)
	}
}

func checkMoments(t *testing.T, name string, got []runtime.Moment, first, last int64, states bool) {
	t.Helper()
	var want []int64
	for v := first; v != last && first > 0; {
		want = append(want, v)
		if v < last {
			v++
		} else {
			v--
		}
	}
	if last > 0 {
		want = append(want, last)
	}
	var versions []int64
	for _, m := range got {
		versions = append(versions, m.Version)
		state := ""
		if states {
			state = fmt.Sprintf(`{"Coins":%d}`, sumTo(m.Version))
		}
		if string(m.State) != state || m.Fault != "" || string(m.Payload) != fmt.Sprintf(`{"coins":%d}`, m.Version) || m.EventType != "PURSE:PUT" {
			t.Errorf("%s: version %d is %s with the state %s %s, want %s", name, m.Version, m.Payload, m.State, m.Fault, state)
		}
	}
	if !slices.Equal(versions, want) {
		t.Errorf("%s: %v, want %v", name, versions, want)
	}
}

// forward is a store that has nothing but the port.
type forward struct {
	store.Store
	store.Keeper
}

// The newest events of a long history are read without the others, where the
// store can do that, and found as well where it cannot.
func TestNewestEventsOfALongHistory(t *testing.T) {
	t.Parallel()
	s := checked(t, memory.Config{})
	history(t, s, make([]int64, 100), func(c *runtime.Config) { c.Entities.SnapshotEvery = -1 })
	back := &countedBack{counted: &counted{Store: s}}
	for _, other := range []store.Store{back, forward{s, s}} {
		rt := start(t, newWorld(), other)
		got, err := rt.Entities().Events(t.Context(), "purse", "p", runtime.EventFilter{Reverse: true, Max: 3})
		if err != nil || len(got) != 3 || got[0].Version != 100 || got[2].Version != 98 {
			t.Errorf("%d events, %v", len(got), err)
		}
	}
	if n := back.events.Load(); n != 3 {
		t.Errorf("%d events were read, want 3", n)
	}
}

// countedBack counts those that are read from the end as well.
type countedBack struct{ *counted }

func (c *countedBack) LoadBack(ctx context.Context, s store.Stream, before store.Version) iter.Seq2[store.Event, error] {
	return func(yield func(store.Event, error) bool) {
		for e, err := range c.Store.LoadBack(ctx, s, before) {
			c.events.Add(1)
			if !yield(e, err) {
				return
			}
		}
	}
}

// Where an event cannot be folded, what came before it is still told.
func TestStatesUpToAPoisonedEvent(t *testing.T) {
	t.Parallel()
	s := checked(t, memory.Config{Partitions: 1})
	history(t, s, make([]int64, 3))
	name := store.Stream{Type: "purse", ID: "p"}
	o := s.Commit(t.Context(), 0, []store.Batch{{Appends: []store.Append{{Stream: name, Expect: 3, Events: []store.Event{
		{Stream: name, Version: 4, Type: "PURSE:UNKNOWN", Schema: 1, Data: []byte("{}")},
		{Stream: name, Version: 5, Type: "PURSE:PUT", Schema: 1, Data: []byte(`{"coins":5}`)},
	}}}}})[0]
	if o.Status != store.Durable {
		t.Fatal(o.Err)
	}
	rt := start(t, newWorld(), s)
	for _, f := range []runtime.EventFilter{{States: true}, {States: true, Reverse: true}} {
		got, err := rt.Entities().Events(t.Context(), "purse", "p", f)
		if err != nil || len(got) != 5 {
			t.Fatalf("%d events, %v", len(got), err)
		}
		for _, m := range got {
			if poisoned := m.Version > 3; poisoned != (m.Fault != "") || poisoned != (m.State == nil) {
				t.Errorf("version %d: %s %s", m.Version, m.State, m.Fault)
			}
		}
	}
	if got, err := rt.Entities().Events(t.Context(), "purse", "p", runtime.EventFilter{States: true, From: 5}); err != nil || len(got) != 1 || got[0].Fault == "" {
		t.Errorf("beyond: %+v, %v", got, err)
	}
	if _, err := rt.Entities().State(t.Context(), "purse", "p", talix.AsOf{}); !errors.Is(err, talix.ErrInternal) {
		t.Errorf("the state: %v", err)
	}
	if got, err := rt.Entities().State(t.Context(), "purse", "p", talix.Version(3)); err != nil || string(got.State) != `{"Coins":6}` {
		t.Errorf("the state before: %s, %v", got.State, err)
	}
}

func TestSimulate(t *testing.T) {
	t.Parallel()
	s := checked(t, memory.Config{})
	_, rt := history(t, s, make([]int64, 5))
	entities := rt.Entities()
	given := []runtime.GivenEvent{
		{Type: "PURSE:TAKEN", Data: json.RawMessage(`{"coins":2}`)},
		{Type: "PURSE:PUT", Data: json.RawMessage(`{"coins":40}`), Time: time.Unix(77, 0)},
	}
	for at, want := range map[talix.AsOf][2]string{
		talix.Version(2): {`{"Coins":1}`, `{"Coins":41}`},
		{}:               {`{"Coins":13}`, `{"Coins":53}`},
	} {
		got, err := entities.Simulate(t.Context(), "purse", "p", at, given)
		if err != nil || len(got) != 2 || string(got[0].State) != want[0] || string(got[1].State) != want[1] {
			t.Errorf("as of %v: %+v, %v", at, got, err)
		}
		if at.Version == 2 && (got[0].Version != 3 || got[1].Version != 4 || got[1].Time.Unix() != 77) {
			t.Errorf("the moments are %+v", got)
		}
	}
	if got, err := entities.Simulate(t.Context(), "purse", "new", talix.AsOf{}, given[1:]); err != nil || string(got[0].State) != `{"Coins":40}` {
		t.Errorf("a new entity: %+v, %v", got, err)
	}
	for name, bad := range map[string]runtime.GivenEvent{"type": {Type: "PURSE:NONE"}, "data": {Type: "PURSE:PUT", Data: json.RawMessage(`{"coins":"x"}`)}} {
		if _, err := entities.Simulate(t.Context(), "purse", "p", talix.AsOf{}, []runtime.GivenEvent{bad}); !errors.Is(err, talix.ErrInvalid) {
			t.Errorf("a bad %s: %v", name, err)
		}
	}
	if _, version := coinsIn(t, s, "p"); version != 5 {
		t.Errorf("it was stored: version %d", version)
	}
}

// A preview tells what a command would do, and leaves nothing behind.
func TestPreview(t *testing.T) {
	t.Parallel()
	s := checked(t, memory.Config{})
	w, rt := history(t, s, make([]int64, 5))
	ctx := rt.Context(t.Context())
	got, err := talix.Preview(ctx, w.take, "p", coins{5})
	if err != nil || got.Reply.Coins != 10 || got.Version != 6 || len(got.Events) != 1 || got.Events[0] != (Taken{5}) {
		t.Errorf("%+v, %v", got, err)
	}
	public, err := rt.Entities().Preview(t.Context(), "purse.take", "p", json.RawMessage(`{"n":5}`))
	if err != nil || public.Version != 6 || len(public.Events) != 1 {
		t.Fatalf("%+v, %v", public, err)
	}
	if e := public.Events[0]; string(e.State) != `{"Coins":10}` || string(e.Payload) != `{"coins":5}` || e.Version != 6 || string(public.Reply) != `{"Coins":10,"Version":6}` {
		t.Errorf("%+v", public)
	}
	if _, err := talix.Preview(ctx, w.take, "p", coins{16}); !errors.Is(err, talix.ErrRejected) {
		t.Errorf("a rejection: %v", err)
	}
	if _, err := talix.Preview(ctx, w.put, "p", coins{0}); !errors.Is(err, talix.ErrInvalid) {
		t.Errorf("a bad input: %v", err)
	}
	if _, err := talix.Preview(ctx, w.failing, "p", struct{}{}); !errors.Is(err, talix.ErrInternal) {
		t.Errorf("a panic: %v", err)
	}
	if _, err := rt.Entities().Preview(t.Context(), "purse.none", "p", nil); !errors.Is(err, talix.ErrNotFound) {
		t.Errorf("an unknown command: %v", err)
	}
	if got, err := talix.Preview(ctx, w.add, "s", "cup"); err != nil || got.Reply != 1 {
		t.Errorf("of a new entity: %+v, %v", got, err)
	}
	if _, err := talix.Preview(ctx, w.refuse, "s", "cup"); !errors.Is(err, talix.ErrRejected) {
		t.Errorf("a rejection after events: %v", err)
	}
	if _, err := talix.Load(ctx, w.shelves, "s"); !errors.Is(err, talix.ErrNotFound) {
		t.Errorf("the shelf exists: %v", err)
	}
	if purse, err := talix.Load(ctx, w.purses, "p"); err != nil || purse.State.Coins != 15 || purse.Version != 5 {
		t.Errorf("the purse is %+v, %v", purse, err)
	}
}
