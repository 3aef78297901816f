package storetest

import (
	"time"

	"github.com/talix-dev/talix/store"
)

func trimCases() []testCase {
	return []testCase{
		{name: "TrimForgetsByAge", run: trimForgetsByAge},
		{name: "TrimForgetsInPortions", run: trimForgetsInPortions},
		{name: "TrimIsExactToTheMicrosecond", run: trimIsExactToTheMicrosecond},
		{name: "TrimmedKeyIsFree", run: trimmedKeyIsFree},
		{name: "TrimLeavesEvents", run: trimLeavesEvents},
	}
}

// aged stores n results in each of some partitions, one microsecond apart,
// youngest first, and returns their keys from the oldest on.
func (f *fixture) aged(n int) map[store.Partition][]store.ID {
	f.Helper()
	keys := map[store.Partition][]store.ID{}
	for _, p := range f.some() {
		keys[p] = make([]store.ID, n)
		for i := n - 1; i >= 0; i-- {
			keys[p][i] = f.id()
			b := f.keyed(store.Batch{}, keys[p][i], "kept")
			b.Time = noon().Add(time.Duration(i) * time.Microsecond)
			f.durable(p, b)
		}
	}
	return keys
}

func (f *fixture) trim(before time.Time, max, want int) {
	f.Helper()
	n, err := f.store.Trim(f.Context(), before, max)
	if err != nil || n != want {
		f.Fatalf("Trim of up to %d forgot %d, %v; want %d", max, n, err, want)
	}
}

func trimForgetsByAge(f *fixture) {
	keys := f.aged(10)
	f.trim(noon(), 1000, 0)
	f.trim(noon().Add(6*time.Microsecond), 1000, 6*len(keys))
	for p, of := range keys {
		for i, key := range of {
			if i < 6 {
				f.wantNoResult(p, key)
			} else {
				f.wantResult(p, key, "kept")
			}
		}
	}
	f.trim(noon().Add(time.Hour), 1000, 4*len(keys))
	f.trim(noon().Add(time.Hour), 1000, 0)
}

func trimForgetsInPortions(f *fixture) {
	total := 10 * len(f.aged(10))
	for left := total; left > 0; left -= 7 {
		f.trim(noon().Add(time.Hour), 7, min(7, left))
	}
	f.trim(noon().Add(time.Hour), 7, 0)
}

func trimIsExactToTheMicrosecond(f *fixture) {
	keys := f.aged(2)
	f.trim(noon().Add(time.Microsecond), 1000, len(keys))
	for p, of := range keys {
		f.wantNoResult(p, of[0])
		f.wantResult(p, of[1], "kept")
	}
}

func trimmedKeyIsFree(f *fixture) {
	p, key := f.home(), f.id()
	s := f.stream(p, "s")
	f.durable(p, f.keyed(f.batch(s, 0, 1), key, "first"))
	f.trim(noon().Add(time.Second), 10, 1)
	f.expect(p, []store.Batch{f.keyed(f.batch(s, 0, 1), key, "second")}, store.Conflict)
	f.durable(p, f.keyed(f.batch(s, 1, 1), key, "third"))
	f.wantResult(p, key, "third")
}

// trimLeavesEvents: results are forgotten, and nothing else.
func trimLeavesEvents(f *fixture) {
	p := f.home()
	s := f.stream(p, "s")
	b := f.keyed(f.batch(s, 0, 3), f.id(), "first")
	b.Marks = []store.Mark{{Consumer: "view", To: 3}}
	f.durable(p, b)
	f.trim(noon().Add(time.Hour), 10, 1)
	f.wantVersion(s, 3)
	f.wantMark("view", p, 3)
}
