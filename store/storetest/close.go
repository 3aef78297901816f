package storetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/talix-dev/talix/store"
)

func closeCases() []testCase {
	return []testCase{
		{name: "ClosedStoreSaysSo", run: closedStoreSaysSo},
		{name: "CloseWaitsForCalls", run: closeWaitsForCalls},
		{name: "CloseDuringLoad", run: closeDuringLoad},
	}
}

// closedStoreSaysSo by every method that can fail.
func closedStoreSaysSo(f *fixture) {
	p := f.home()
	s := f.stream(p, "s")
	f.durable(p, f.batch(s, 0, 2))
	closed, b := f.store, f.batch(s, 2, 1)
	lazy := closed.Load(f.Context(), s, 0)
	f.shut()
	o := closed.Commit(f.Context(), p, []store.Batch{b})[0]
	if o.Status != store.Failed {
		f.Errorf("Commit ended as %v, want failed", o.Status)
	}
	f.wantClosed("Commit", o.Err)
	_, err := count(f.Context(), closed, s)
	f.wantClosed("Load", err)
	for _, err := range lazy {
		f.wantClosed("an iteration of Load", err)
		break
	}
	_, err = closed.Log(f.Context(), p, 0, 1)
	f.wantClosed("Log", err)
	_, err = closed.Head(f.Context(), p)
	f.wantClosed("Head", err)
	_, _, err = closed.Result(f.Context(), p, f.id())
	f.wantClosed("Result", err)
	_, err = closed.Trim(f.Context(), noon().Add(time.Hour), 1)
	f.wantClosed("Trim", err)
	_, _, err = closed.Mark(f.Context(), "view", p)
	f.wantClosed("Mark", err)
	if err := closed.Close(); err != nil && !errors.Is(err, store.ErrClosed) {
		f.Errorf("Close of a closed store: %v", err)
	}
}

func (f *fixture) wantClosed(what string, err error) {
	f.Helper()
	if !errors.Is(err, store.ErrClosed) {
		f.Errorf("%s of a closed store says %v, want %v", what, err, store.ErrClosed)
	}
}

// closeWaitsForCalls: a call under way ends as if nothing were, or has not
// begun; none is left in between.
func closeWaitsForCalls(f *fixture) {
	closing := f.store
	written := make([][]store.Batch, len(f.some())) // what is durable
	var calls sync.WaitGroup
	var commits atomic.Int64
	enough := make(chan struct{})
	for i, p := range f.some() {
		calls.Go(func() {
			for v := range store.Version(100000) {
				b := f.keyed(f.batch(streamIn(p, closing.Partitions(), "s"), 2*v, 2), f.id(), "kept")
				o := closing.Commit(f.Context(), p, []store.Batch{b})[0]
				if commits.Add(1) == 20 {
					close(enough)
				}
				if o.Status != store.Durable {
					f.wantClosedOutcome(o)
					return
				}
				written[i] = append(written[i], b)
			}
		})
	}
	ended := make(chan struct{})
	go func() { calls.Wait(); close(ended) }()
	select {
	case <-enough:
	case <-ended:
	}
	f.shut()
	<-ended
	f.checkKept(written)
}

func (f *fixture) wantClosedOutcome(o store.Outcome) {
	f.Helper()
	if o.Status != store.Failed || !errors.Is(o.Err, store.ErrClosed) {
		f.Errorf("a batch ended as %v (%v) when the store was closed", o.Status, o.Err)
	}
}

// checkKept reopens a durable store and finds what was acknowledged, no more.
func (f *fixture) checkKept(written [][]store.Batch) {
	if !f.features.Durable {
		return
	}
	f.store = f.mustOpen(f.dir)
	for i, p := range f.some() {
		f.wantVersion(f.stream(p, "s"), store.Version(2*len(written[i])))
		for _, b := range written[i] {
			f.wantResult(p, b.Key, "kept")
		}
	}
}

// closeDuringLoad: an iteration under way ends well or with ErrClosed, never
// early without a word.
func closeDuringLoad(f *fixture) {
	p := f.home()
	s := f.stream(p, "s")
	for v := range store.Version(10) {
		f.durable(p, f.batch(s, 200*v, 200))
	}
	n, closed := 0, make(chan error, 1)
	var end error
	for _, err := range f.store.Load(f.Context(), s, 0) {
		if err != nil {
			end = err
			break
		}
		if n++; n == 1 {
			closing := f.store
			go func() { closed <- closing.Close() }()
		}
	}
	if end == nil && n != 2000 || end != nil && !errors.Is(end, store.ErrClosed) {
		f.Errorf("Load ended after %d of 2000 events with %v", n, end)
	}
	if err := <-closed; err != nil {
		f.Error(fmt.Errorf("close store: %w", err))
	}
	f.store = nil
}
