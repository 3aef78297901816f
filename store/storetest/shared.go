package storetest

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/talix-dev/talix/store"
)

func sharedCases() []testCase {
	shared := Features{Shared: true}
	return []testCase{
		{name: "SharedWritersNeverShareAVersion", needs: shared, run: sharedWritersNeverShareAVersion},
		{name: "SharedKeyIsStoredOnce", needs: shared, run: sharedKeyIsStoredOnce},
	}
}

// handles opens the fixture's store several times over.
func (f *fixture) handles(n int) []store.Store {
	f.Helper()
	handles := []store.Store{f.store}
	for range n - 1 {
		s := f.mustOpen(f.dir)
		f.Cleanup(func() {
			if err := s.Close(); err != nil {
				f.Errorf("close store: %v", err)
			}
		})
		handles = append(handles, s)
	}
	return handles
}

// sharedWritersNeverShareAVersion: several runtimes race for the same streams,
// each with calls of its own; followers miss nothing.
func sharedWritersNeverShareAVersion(f *fixture) {
	handles := f.handles(3)
	var won atomic.Int64
	var all sync.WaitGroup
	feed := &feed{fixture: f, partition: f.home(), done: make(chan struct{})}
	for _, s := range handles {
		feed.writing.Go(func() { won.Add(f.race(s, 100)) })
	}
	all.Go(func() { feed.writing.Wait(); close(feed.done) })
	all.Go(func() { feed.follow(5) })
	all.Wait()
	if n := len(f.scan(f.home())); int64(n) != won.Load() {
		f.Errorf("the log has %d events, but %d were acknowledged", n, won.Load())
	}
}

// race appends to two streams and counts the batches that were durable.
func (f *fixture) race(s store.Store, rounds int) (won int64) {
	p := f.home()
	for i := range rounds {
		stream := f.stream(p, fmt.Sprint("raced", i%2))
		var v store.Version
		for _, err := range s.Load(f.Context(), stream, 0) {
			if err != nil {
				f.Errorf("load: %v", err)
				return won
			}
			v++
		}
		out := s.Commit(f.Context(), p, []store.Batch{
			f.batch(stream, v, 1), f.batch(stream, v+1, 1), f.batch(stream, v, 1), // the last never wins
		})
		for _, o := range out {
			switch o.Status {
			case store.Durable:
				won++
			case store.Conflict:
			default:
				f.Errorf("a batch ended as %v (%v)", o.Status, o.Err)
			}
		}
	}
	return won
}

// sharedKeyIsStoredOnce: of several runtimes that run the same command at the
// same time, one has the effect and all have its result.
func sharedKeyIsStoredOnce(f *fixture) {
	p, handles := f.home(), f.handles(3)
	for round := range 30 {
		key := f.id()
		var durable atomic.Int64
		var all sync.WaitGroup
		for i, s := range handles {
			b := f.keyed(f.batch(f.stream(p, fmt.Sprint("r", round, "h", i)), 0, 1), key, "same")
			all.Go(func() {
				switch o := s.Commit(f.Context(), p, []store.Batch{b})[0]; {
				case o.Status == store.Durable:
					durable.Add(1)
				case o.Status != store.Duplicate || string(o.Result) != "same":
					f.Errorf("a batch ended as %v with %q (%v)", o.Status, o.Result, o.Err)
				}
			})
		}
		all.Wait()
		if durable.Load() != 1 {
			f.Errorf("%d batches with the same key are durable, want 1", durable.Load())
		}
	}
}
