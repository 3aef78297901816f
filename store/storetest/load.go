package storetest

import (
	"math"
	"sync/atomic"

	"github.com/talix-dev/talix/store"
)

func loadCases() []testCase {
	return []testCase{
		{name: "LoadStartsAfterVersion", run: loadStartsAfterVersion},
		{name: "LoadOfUnknownStream", run: loadOfUnknownStream},
		{name: "LoadMayBeLeftEarly", run: loadMayBeLeftEarly},
		{name: "LoadMayCommitOnTheWay", run: loadMayCommitOnTheWay},
		{name: "LoadDuringCommits", run: loadDuringCommits},
	}
}

func loadStartsAfterVersion(f *fixture) {
	p := f.home()
	s := f.stream(p, "s")
	f.durable(p, f.batch(s, 0, 10))
	f.durable(p, f.batch(f.stream(p, "between"), 0, 1))
	f.durable(p, f.batch(s, 10, 10))
	all := f.load(s, 0)
	for after := range store.Version(20) {
		if err := sameEvents(f.load(s, after), all[after:]); err != nil {
			f.Errorf("Load after %d: %v", after, err)
		}
	}
	for _, after := range []store.Version{20, 21, math.MaxInt64} {
		if n := len(f.load(s, after)); n != 0 {
			f.Errorf("Load after %d yields %d events", after, n)
		}
	}
}

func loadOfUnknownStream(f *fixture) {
	p := f.home()
	f.durable(p, f.batch(f.stream(p, "known"), 0, 1))
	for _, p := range f.some() {
		f.wantVersion(f.stream(p, "unknown"), 0)
	}
	f.wantVersion(store.Stream{Type: "unknown", ID: f.stream(p, "known").ID}, 0)
}

// loadMayBeLeftEarly many times: whatever an iteration holds is given back.
func loadMayBeLeftEarly(f *fixture) {
	p := f.home()
	s := f.stream(p, "s")
	f.durable(p, f.batch(s, 0, 300))
	for i := range 200 {
		n := 0
		for _, err := range f.store.Load(f.Context(), s, 0) {
			if n++; err != nil || n > i {
				break
			}
		}
	}
	f.durable(p, f.batch(s, 300, 1))
	f.wantVersion(s, 301)
}

// loadMayCommitOnTheWay: a reader holds up no writer and no other reader. It
// sees the events of the moment at which it started, or later ones as well.
func loadMayCommitOnTheWay(f *fixture) {
	p := f.home()
	s := f.stream(p, "s")
	f.durable(p, f.batch(s, 0, 300))
	var last store.Version
	for e, err := range f.store.Load(f.Context(), s, 0) {
		if err != nil || e.Version != last+1 {
			f.Fatalf("after version %d came %d, %v", last, e.Version, err)
		}
		last = e.Version
		if last%100 == 1 && last < 300 {
			f.durable(p, f.batch(s, 300+last/100, 1))
			f.wantVersion(s, 301+last/100)
		}
	}
	if last < 300 {
		f.Errorf("Load ended at version %d, want at least 300", last)
	}
}

// loadDuringCommits: what is loaded is dense, has all that was acknowledged
// before, and never half a batch.
func loadDuringCommits(f *fixture) {
	p := f.home()
	s := f.stream(p, "s")
	const size = 3
	var acknowledged, loads atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		for v := store.Version(0); v < 100*size || v < 3000*size && loads.Load() < 200; v += size {
			if o := f.store.Commit(f.Context(), p, []store.Batch{f.batch(s, v, size)})[0]; o.Status != store.Durable {
				f.Errorf("the commit after version %d ended as %v (%v)", v, o.Status, o.Err)
				return
			}
			acknowledged.Store(int64(v + size))
		}
	}()
	defer func() { <-done }()
	for busy := true; busy; {
		select {
		case <-done:
			busy = false
		default:
		}
		known := store.Version(acknowledged.Load())
		f.checkLoad(s, max(0, known-10*size), known, size)
		loads.Add(1)
	}
}

func (f *fixture) checkLoad(s store.Stream, after, known store.Version, size int) {
	f.Helper()
	last := after
	for _, e := range f.load(s, after) {
		if e.Version != last+1 {
			f.Fatalf("version %d came after %d", e.Version, last)
		}
		last = e.Version
	}
	if last < known || int(last)%size != 0 {
		f.Fatalf("Load ends at version %d, want at least %d and a multiple of %d", last, known, size)
	}
}
