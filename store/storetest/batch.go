package storetest

import (
	"fmt"

	"github.com/talix-dev/talix/store"
)

func batchCases() []testCase {
	return []testCase{
		{name: "BatchesAreJudgedOneByOne", run: batchesAreJudgedOneByOne},
		{name: "LaterBatchesSeeEarlierOnes", run: laterBatchesSeeEarlierOnes},
		{name: "BatchOfSeveralStreams", run: batchOfSeveralStreams},
		{name: "BatchOfSeveralStreamsIsAllOrNothing", run: batchOfSeveralStreamsIsAllOrNothing},
		{name: "EmptyBatches", run: emptyBatches},
		{name: "PartitionsAreApart", run: partitionsAreApart},
		{name: "CallersMayReuseSlices", run: callersMayReuseSlices},
	}
}

// batchesAreJudgedOneByOne: one conflict does not fail its neighbours.
func batchesAreJudgedOneByOne(f *fixture) {
	p := f.home()
	before, taken, after := f.stream(p, "before"), f.stream(p, "taken"), f.stream(p, "after")
	f.durable(p, f.batch(taken, 0, 1))
	out := f.expect(p,
		[]store.Batch{f.batch(before, 0, 2), f.batch(taken, 0, 1), f.batch(after, 0, 2)},
		store.Durable, store.Conflict, store.Durable)
	if out[0].Position <= 0 || out[2].Position <= out[0].Position || out[1].Position != 0 {
		f.Errorf("positions are %d, %d, %d", out[0].Position, out[1].Position, out[2].Position)
	}
	f.wantVersion(before, 2)
	f.wantVersion(taken, 1)
	f.wantVersion(after, 2)
}

func laterBatchesSeeEarlierOnes(f *fixture) {
	p := f.home()
	s := f.stream(p, "chain")
	var batches []store.Batch
	var want []store.Status
	for v := range store.Version(10) {
		batches, want = append(batches, f.batch(s, 2*v, 2)), append(want, store.Durable)
	}
	out := f.expect(p, batches, want...)
	for i := range out {
		f.checkPlaced(p, batches[i], out[i])
	}
	f.wantVersion(s, 20)
}

func batchOfSeveralStreams(f *fixture) {
	p := f.home()
	b := store.Batch{}
	for i := range 5 {
		b.Appends = append(b.Appends, f.adds(f.stream(p, fmt.Sprint("many", i)), 0, i+1))
	}
	f.durable(p, b)
	for i, a := range b.Appends {
		f.wantVersion(a.Stream, store.Version(i+1))
	}
	if n := len(f.scan(p)); n != 15 {
		f.Errorf("the log has %d events, want 15", n)
	}
}

// batchOfSeveralStreamsIsAllOrNothing tries the conflict at each place.
func batchOfSeveralStreamsIsAllOrNothing(f *fixture) {
	p := f.home()
	taken := f.stream(p, "taken")
	f.durable(p, f.batch(taken, 0, 1))
	for at := range 3 {
		b := store.Batch{}
		for i := range 3 {
			s := f.stream(p, fmt.Sprint("free", at, i))
			if i == at {
				s = taken
			}
			b.Appends = append(b.Appends, f.adds(s, 0, 1))
		}
		f.expect(p, []store.Batch{b}, store.Conflict)
	}
	if n := len(f.scan(p)); n != 1 {
		f.Errorf("the log has %d events, want 1", n)
	}
}

func emptyBatches(f *fixture) {
	p, key := f.home(), f.id()
	f.commit(p)
	f.durable(p, store.Batch{})
	f.durable(p, f.keyed(store.Batch{}, key, "nothing to do"))
	f.wantResult(p, key, "nothing to do")
	out := f.expect(p, []store.Batch{{}, f.batch(f.stream(p, "full"), 0, 1), {}}, store.Durable, store.Durable, store.Durable)
	if out[0].Position != 0 || out[1].Position == 0 || out[2].Position != 0 {
		f.Errorf("positions are %d, %d, %d", out[0].Position, out[1].Position, out[2].Position)
	}
}

func partitionsAreApart(f *fixture) {
	for _, p := range f.some() {
		f.wantEmpty(p)
		s := f.stream(p, "apart")
		f.durable(p, f.batch(s, 0, int(p)+1))
		f.wantVersion(s, store.Version(p)+1)
		if n := len(f.scan(p)); n != int(p)+1 {
			f.Errorf("partition %d has %d events, want %d", p, n, p+1)
		}
	}
}

// callersMayReuseSlices: only Data and Metadata stay with the store.
func callersMayReuseSlices(f *fixture) {
	p, key := f.home(), f.id()
	s := f.stream(p, "reuse")
	b := f.keyed(f.batch(s, 0, 3), key, "kept")
	f.durable(p, b)
	want := f.scan(p)
	clear(b.Result)
	clear(b.Appends[0].Events)
	clear(f.load(s, 0))
	clear(f.scan(p))
	f.wantResult(p, key, "kept")
	if err := sameEvents(f.scan(p), want); err != nil {
		f.Errorf("the log changed with the caller's slices: %v", err)
	}
}
