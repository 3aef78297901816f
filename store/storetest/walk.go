package storetest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/talix-dev/talix/store"
)

func walkCases() []testCase {
	all := []testCase{
		{name: "WalksFindEveryStreamOnce", run: walksFindEveryStreamOnce},
		{name: "WalksTellOfStreams", run: walksTellOfStreams},
		{name: "WalksAreOfOneType", run: walksAreOfOneType},
		{name: "WalksAreBounded", run: walksAreBounded},
		{name: "WalksGoOn", run: walksGoOn},
		{name: "WalksOfEmptyPartitions", run: walksOfEmptyPartitions},
		{name: "WalksOfClosedStore", run: walksOfClosedStore},
	}
	for i := range all {
		all[i].walks = true
	}
	return all
}

// walk takes one step of a walk.
func (f *fixture) walk(p store.Partition, w store.Walk) store.Walked {
	f.Helper()
	walker, ok := f.store.(store.Walker)
	if !ok {
		f.Fatal("the store is not a store.Walker")
	}
	got, err := walker.Walk(f.Context(), p, w)
	if err != nil || len(got.Found) > w.Max {
		f.Fatalf("a walk that finds up to %d streams found %d, %v", w.Max, len(got.Found), err)
	}
	return got
}

// walkAll walks until the end, step by step.
func (f *fixture) walkAll(p store.Partition, w store.Walk) (found []store.Found) {
	f.Helper()
	for range 10_000 {
		got := f.walk(p, w)
		found = append(found, got.Found...)
		if got.Done {
			return found
		}
		if got.At == w.From {
			f.Fatalf("a walk from %d stays where it is", w.From)
		}
		w.From = got.At
	}
	f.Fatal("a walk has no end")
	return nil
}

// foundIn is what walks must find, by the log.
func (f *fixture) foundIn(p store.Partition, ends, back bool) (found []store.Found) {
	log := f.scan(p)
	last := map[store.Stream]store.Version{}
	for _, e := range log {
		last[e.Stream] = e.Version
	}
	for _, e := range log {
		if !ends && e.Version == 1 || ends && e.Version == last[e.Stream] {
			found = append(found, store.Found{Stream: e.Stream, Version: last[e.Stream], Position: e.Position, Time: e.Time})
		}
	}
	if back {
		slices.Reverse(found)
	}
	return found
}

// walksFindEveryStreamOnce, though thousands are born at one instant, and
// however short the steps are.
func walksFindEveryStreamOnce(f *fixture) {
	p, other := f.home(), store.Partition(0)
	const streams = 300
	var batches []store.Batch
	var names []store.Stream
	for i := range streams {
		s := f.stream(p, fmt.Sprint("s", i))
		names = append(names, s)
		batches = append(batches, f.batch(s, 0, 1+i%3))
	}
	f.expect(p, batches, slices.Repeat([]store.Status{store.Durable}, streams)...)
	for i := 0; i < streams; i += 2 {
		f.durable(p, f.batch(names[i], store.Version(1+i%3), 1))
	}
	if other != p {
		f.durable(other, f.batch(f.stream(other, "other"), 0, 1))
	}
	for _, ends := range []bool{false, true} {
		for _, back := range []bool{false, true} {
			want := f.foundIn(p, ends, back)
			for _, size := range [][2]int{{1000, 1000}, {7, 1000}, {1000, 7}, {1, 50}, {40, 40}} {
				got := f.walkAll(p, store.Walk{Ends: ends, Back: back, Max: size[0], Scan: size[1]})
				if err := sameFound(got, want); err != nil {
					f.Errorf("ends %t, back %t, in steps of %v: %v", ends, back, size, err)
				}
			}
		}
	}
}

func sameFound(got, want []store.Found) error {
	if len(got) != len(want) {
		return fmt.Errorf("%d streams were found, want %d", len(got), len(want))
	}
	for i := range got {
		g, w := got[i], want[i]
		if g.Stream != w.Stream || g.Version != w.Version || g.Position != w.Position || !g.Time.Equal(w.Time) {
			return fmt.Errorf("stream %d is %+v, want %+v", i, g, w)
		}
	}
	return nil
}

// walksTellOfStreams: the version is the last one, time and position are those
// of the event.
func walksTellOfStreams(f *fixture) {
	p := f.home()
	s := f.stream(p, "s")
	first, last := f.batch(s, 0, 2), f.batch(s, 2, 3)
	for i := range last.Appends[0].Events {
		last.Appends[0].Events[i].Time = noon().Add(time.Hour)
	}
	f.durable(p, first)
	f.durable(p, last)
	for _, back := range []bool{false, true} {
		births := f.walkAll(p, store.Walk{Back: back, Max: 5, Scan: 100})
		ends := f.walkAll(p, store.Walk{Back: back, Ends: true, Max: 5, Scan: 100})
		e, l := &first.Appends[0].Events[0], &last.Appends[0].Events[2]
		if err := sameFound(births, []store.Found{{Stream: s, Version: 5, Position: e.Position, Time: e.Time}}); err != nil {
			f.Errorf("births: %v", err)
		}
		if err := sameFound(ends, []store.Found{{Stream: s, Version: 5, Position: l.Position, Time: l.Time}}); err != nil {
			f.Errorf("ends: %v", err)
		}
	}
}

func walksAreOfOneType(f *fixture) {
	p := f.home()
	f.durable(p, f.batch(f.stream(p, "a"), 0, 1))
	odd := store.Stream{Type: "odd", ID: "o"}
	for i := 0; store.PartitionOf(odd, f.store.Partitions()) != p; i++ {
		odd.ID = fmt.Sprint("o", i)
	}
	f.durable(p, f.batch(odd, 0, 2))
	f.durable(p, f.batch(f.stream(p, "b"), 0, 1))
	for typ, want := range map[string]int{"": 3, "thing": 2, "odd": 1, "none": 0} {
		for _, w := range []store.Walk{{Ends: true}, {Back: true}, {}} {
			w.Type, w.Max, w.Scan = typ, 10, 10
			if got := len(f.walkAll(p, w)); got != want {
				f.Errorf("%d streams of type %q were found, want %d", got, typ, want)
			}
		}
	}
}

// walksAreBounded: a step looks at no more than it is told, about.
func walksAreBounded(f *fixture) {
	p := f.home()
	long := f.stream(p, "long")
	f.durable(p, f.batch(long, 0, 500))
	f.durable(p, f.batch(f.stream(p, "late"), 0, 1))
	if got := f.walk(p, store.Walk{From: f.scan(p)[0].Position, Max: 10, Scan: 50}); len(got.Found) > 0 || got.Done {
		f.Errorf("a short walk found %d streams and is done: %t", len(got.Found), got.Done)
	}
	if got := f.walk(p, store.Walk{Back: true, Max: 10, Scan: 50}); len(got.Found) != 1 || got.Done {
		f.Errorf("a short walk back found %d streams and is done: %t", len(got.Found), got.Done)
	}
	walker := f.store.(store.Walker)
	for _, w := range []store.Walk{{Max: 0, Scan: 10}, {Max: 10, Scan: 0}, {Max: -1, Scan: 10}} {
		if _, err := walker.Walk(f.Context(), p, w); err == nil {
			f.Errorf("%+v is no error", w)
		}
	}
}

// walksGoOn where they ended: what came meanwhile is found then.
func walksGoOn(f *fixture) {
	p := f.home()
	f.durable(p, f.batch(f.stream(p, "a"), 0, 3))
	got := f.walk(p, store.Walk{Max: 10, Scan: 10})
	f.durable(p, f.batch(f.stream(p, "b"), 0, 1))
	got = f.walk(p, store.Walk{From: got.At, Max: 10, Scan: 10})
	if len(got.Found) != 1 || got.Found[0].Stream != f.stream(p, "b") || !got.Done {
		f.Errorf("going on, a walk found %+v", got)
	}
}

func walksOfEmptyPartitions(f *fixture) {
	for _, p := range f.some() {
		for _, w := range []store.Walk{{}, {Ends: true}, {Back: true}, {Back: true, Ends: true}, {Back: true, From: 1}, {From: 100}} {
			w.Max, w.Scan = 5, 5
			if got := f.walk(p, w); len(got.Found) > 0 || !got.Done {
				f.Errorf("of an empty partition: %+v", got)
			}
		}
	}
}

func walksOfClosedStore(f *fixture) {
	walker, ok := f.store.(store.Walker)
	if !ok {
		f.Fatal("the store is not a store.Walker")
	}
	if err := f.store.Close(); err != nil {
		f.Fatal(err)
	}
	f.store = nil
	if _, err := walker.Walk(f.Context(), 0, store.Walk{Max: 1, Scan: 1}); !errors.Is(err, store.ErrClosed) {
		f.Errorf("a walk of a closed store says %v", err)
	}
}
