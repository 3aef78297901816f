package storetest

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/talix-dev/talix/store"
)

func followCases() []testCase {
	return []testCase{{name: "FollowersMissNothing", run: followersMissNothing}}
}

// feed is one partition under load.
type feed struct {
	*fixture
	partition    store.Partition
	turn         sync.Mutex // one Commit at a time, as the port says
	acknowledged atomic.Int64
	writing      sync.WaitGroup
	done         chan struct{} // closed when no writer is left
}

// followersMissNothing: readers that poll the log from the last position they
// saw, while writers run, see what a later reader sees. In all partitions at
// once.
func followersMissNothing(f *fixture) {
	var all sync.WaitGroup
	for _, p := range f.some() {
		feed := &feed{fixture: f, partition: p, done: make(chan struct{})}
		for w := range 4 {
			feed.writing.Go(func() { feed.write(w, 40) })
		}
		all.Go(func() { feed.writing.Wait(); close(feed.done) })
		for _, max := range []int{1, 7, 1000} {
			all.Go(func() { feed.follow(max) })
		}
	}
	all.Wait()
}

// write commits calls of several batches, of which some conflict: a store may
// have given them positions before it knew.
func (f *feed) write(writer, calls int) {
	s := f.stream(f.partition, fmt.Sprint("writer", writer))
	for v := range store.Version(calls) {
		other := f.stream(f.partition, fmt.Sprint("other", writer, v))
		batches := []store.Batch{f.batch(s, 3*v, 3), f.batch(other, 1, 2), f.batch(other, 0, 1)}
		if v%2 == 0 {
			batches = batches[:2]
		}
		if out := f.send(batches); out.Status != store.Durable {
			f.Errorf("a writer's batch ended as %v (%v)", out.Status, out.Err)
			return
		}
	}
}

// send commits the batches and tells how the first one ended.
func (f *feed) send(batches []store.Batch) store.Outcome {
	f.turn.Lock()
	defer f.turn.Unlock()
	out := f.store.Commit(f.Context(), f.partition, batches)[0]
	f.acknowledged.Store(int64(out.Position))
	return out
}

func (f *feed) follow(max int) {
	var seen []store.Event
	var last store.Position
	for !f.finished(last) {
		known := store.Position(f.acknowledged.Load())
		page, err := f.store.Log(f.Context(), f.partition, last, max)
		if err != nil {
			f.Errorf("follow log: %v", err)
			return
		}
		if len(page) == 0 && known > last {
			f.Errorf("the log ends at %d, but %d was acknowledged", last, known)
			return
		}
		for _, e := range page {
			if e.Position <= last {
				f.Errorf("position %d came after %d", e.Position, last)
				return
			}
			last = e.Position
		}
		seen = append(seen, page...)
		runtime.Gosched()
	}
	f.compare(seen)
}

// finished tells whether writers are done and the reader has come to the end.
func (f *feed) finished(last store.Position) bool {
	select {
	case <-f.done:
		head, err := f.store.Head(f.Context(), f.partition)
		return err != nil || last >= head
	default:
		return false
	}
}

func (f *feed) compare(seen []store.Event) {
	all, err := readLog(f.Context(), f.store, f.partition)
	if err != nil {
		f.Errorf("read log: %v", err)
		return
	}
	if err := sameEvents(seen, all); err != nil {
		f.Errorf("a follower of partition %d saw another log than a later reader: %v", f.partition, err)
	}
}
