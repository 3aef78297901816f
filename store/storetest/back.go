package storetest

import (
	"context"
	"errors"
	"math"
	"slices"

	"github.com/talix-dev/talix/store"
)

func backCases() []testCase {
	all := []testCase{
		{name: "LoadBackIsLoadReversed", run: loadBackIsLoadReversed},
		{name: "LoadBackOfUnknownStream", run: loadBackOfUnknownStream},
		{name: "LoadBackMayBeLeftEarly", run: loadBackMayBeLeftEarly},
		{name: "LoadBackMayCommitOnTheWay", run: loadBackMayCommitOnTheWay},
		{name: "LoadBackSaysWhyItEnds", run: loadBackSaysWhyItEnds},
	}
	for i := range all {
		all[i].backs = true
	}
	return all
}

func (f *fixture) loadBack(s store.Stream, before store.Version) (events []store.Event, err error) {
	f.Helper()
	b, ok := f.store.(store.Backward)
	if !ok {
		f.Fatal("the store is not store.Backward")
	}
	for e, err := range b.LoadBack(f.Context(), s, before) {
		if err != nil {
			return events, err
		}
		events = append(events, e)
	}
	return events, nil
}

func loadBackIsLoadReversed(f *fixture) {
	p := f.home()
	s, other := f.stream(p, "s"), f.stream(p, "other")
	for v := store.Version(0); v < 600; v += 20 {
		f.durable(p, f.batch(s, v, 20))
		f.durable(p, f.batch(other, v, 20))
	}
	all := f.load(s, 0)
	for _, before := range []store.Version{0, -1, 1, 2, 3, 63, 64, 65, 66, 127, 128, 129, 130, 255, 256, 257, 258, 512, 513, 599, 600, 601, 602, math.MaxInt64} {
		want := slices.Clone(all)
		if before > 0 {
			want = want[:min(before-1, 600)]
		}
		slices.Reverse(want)
		got, err := f.loadBack(s, before)
		if err == nil {
			err = sameEvents(got, want)
		}
		if err != nil {
			f.Errorf("LoadBack before %d: %v", before, err)
		}
	}
}

func loadBackOfUnknownStream(f *fixture) {
	p := f.home()
	f.durable(p, f.batch(f.stream(p, "known"), 0, 1))
	for _, p := range f.some() {
		for _, before := range []store.Version{0, 5} {
			if got, err := f.loadBack(f.stream(p, "unknown"), before); err != nil || len(got) > 0 {
				f.Errorf("LoadBack of an unknown stream yields %d events, %v", len(got), err)
			}
		}
	}
}

// loadBackMayBeLeftEarly many times: whatever an iteration holds is given back.
func loadBackMayBeLeftEarly(f *fixture) {
	p := f.home()
	s := f.stream(p, "s")
	f.durable(p, f.batch(s, 0, 300))
	for i := range 200 {
		n := 0
		for _, err := range f.store.(store.Backward).LoadBack(f.Context(), s, 0) {
			if n++; err != nil || n > i {
				break
			}
		}
	}
	f.durable(p, f.batch(s, 300, 1))
	if got, err := f.loadBack(s, 0); err != nil || len(got) != 301 {
		f.Errorf("LoadBack yields %d events, %v", len(got), err)
	}
}

// loadBackMayCommitOnTheWay: a reader holds up no writer, and is not confused.
func loadBackMayCommitOnTheWay(f *fixture) {
	p := f.home()
	s := f.stream(p, "s")
	f.durable(p, f.batch(s, 0, 300))
	next := store.Version(300)
	for e, err := range f.store.(store.Backward).LoadBack(f.Context(), s, 0) {
		if err != nil || e.Version != next {
			f.Fatalf("where version %d should be came %d, %v", next, e.Version, err)
		}
		if next--; next%100 == 50 {
			f.durable(p, f.batch(s, 300+(300-next)/100, 1))
		}
	}
	if next != 0 {
		f.Errorf("LoadBack ended above version %d", next)
	}
}

// loadBackSaysWhyItEnds: what is cancelled or closed is not taken for short.
func loadBackSaysWhyItEnds(f *fixture) {
	p := f.home()
	s := f.stream(p, "s")
	f.durable(p, f.batch(s, 0, 3))
	ctx, cancel := context.WithCancel(f.Context())
	cancel()
	var last error
	for _, err := range f.store.(store.Backward).LoadBack(ctx, s, 0) {
		last = err
	}
	if last == nil {
		f.Error("a cancelled LoadBack ended without an error")
	}
	if err := f.store.Close(); err != nil {
		f.Fatal(err)
	}
	if _, err := f.loadBack(s, 0); !errors.Is(err, store.ErrClosed) {
		f.Errorf("LoadBack of a closed store says %v", err)
	}
	f.store = nil
}
