package storetest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/talix-dev/talix/store"
)

// The cases of this file are about changes that span partitions. They run if
// the store is a store.Spanner of several partitions.

func spanCases() []testCase {
	cases := []testCase{
		{name: "SpanIsWrittenToAll", run: spanIsWrittenToAll},
		{name: "SpanIsAllOrNothing", run: spanIsAllOrNothing},
		{name: "SpanComparesRecords", keeps: true, run: spanComparesRecords},
		{name: "SpanComparesMarks", run: spanComparesMarks},
		{name: "SpanRepeatIsDuplicate", run: spanRepeatIsDuplicate},
		{name: "SpanRepeatOfFreshIsDuplicate", run: spanRepeatOfFreshIsDuplicate},
		{name: "SpanMalformedIsRefused", run: spanMalformedIsRefused},
		{name: "SpanCancelledFails", run: spanCancelledFails},
		{name: "SpansRaceCommits", run: spansRaceCommits},
	}
	for i := range cases {
		cases[i].spans = true
	}
	return cases
}

// neighbours are two partitions, the lower one first.
func (f *fixture) neighbours() (a, b store.Partition) { return f.home() - 1, f.home() }

// spanned is a span over the neighbours with an append of its own in each.
func (f *fixture) spanned(a, b store.Append) []store.Part {
	p, q := f.neighbours()
	return []store.Part{
		{Partition: p, Batch: store.Batch{Appends: []store.Append{a}, Time: noon()}},
		{Partition: q, Batch: store.Batch{Appends: []store.Append{b}, Time: noon()}},
	}
}

// span commits a span whose parts must all end as stated.
func (f *fixture) span(parts []store.Part, want store.Status) []store.Outcome {
	f.Helper()
	out := f.store.(store.Spanner).Span(f.Context(), parts)
	if len(out) != len(parts) {
		f.Fatalf("Span of %d parts gave %d outcomes", len(parts), len(out))
	}
	for i := range out {
		if out[i].Status != want {
			f.Fatalf("part %d ended as %v (%v), want %v", i, out[i].Status, out[i].Err, want)
		}
	}
	return out
}

func spanIsWrittenToAll(f *fixture) {
	p, q := f.neighbours()
	s, t := f.stream(p, "left"), f.stream(q, "right")
	parts := f.spanned(f.adds(s, 0, 2), f.adds(t, 0, 3))
	parts[0].Key, parts[0].Result = f.id(), []byte("both")
	out := f.span(parts, store.Durable)
	for i := range parts {
		f.checkPlaced(parts[i].Partition, parts[i].Batch, out[i])
	}
	f.wantVersion(s, 2)
	f.wantVersion(t, 3)
	f.wantResult(p, parts[0].Key, "both")
	f.wantNoResult(q, parts[0].Key)
	f.durable(p, f.batch(s, 2, 1))
	f.durable(q, f.batch(t, 3, 1))
	f.span(f.spanned(f.adds(s, 3, 1), f.adds(t, 4, 0)), store.Durable)
	f.wantVersion(s, 4)
	f.wantVersion(t, 4)
}

// spanIsAllOrNothing tries the conflict at each place.
func spanIsAllOrNothing(f *fixture) {
	p, q := f.neighbours()
	s, t := f.stream(p, "left"), f.stream(q, "right")
	f.span(f.spanned(f.adds(s, 0, 1), f.adds(t, 0, 1)), store.Durable)
	for _, expect := range [][2]store.Version{{0, 1}, {1, 0}, {2, 1}, {1, 2}} {
		f.span(f.spanned(f.adds(s, expect[0], 1), f.adds(t, expect[1], 1)), store.Conflict)
	}
	f.span(f.spanned(f.adds(f.stream(p, "new"), 0, 1), f.adds(t, 0, 0)), store.Conflict)
	f.wantVersion(s, 1)
	f.wantVersion(t, 1)
	f.wantVersion(f.stream(p, "new"), 0)
	f.span(f.spanned(f.adds(s, 1, 1), f.adds(t, 1, 1)), store.Durable)
}

func spanComparesRecords(f *fixture) {
	p, q := f.neighbours()
	s := f.stream(p, "holder")
	claim := func(expect store.Version, c store.Change) []store.Part {
		return []store.Part{
			{Partition: p, Batch: store.Batch{Appends: []store.Append{f.adds(s, expect, 1)}}},
			{Partition: q, Batch: store.Batch{Records: []store.Change{c}}},
		}
	}
	held := f.job("value", "mine")
	f.span(claim(0, put(held, store.ID{})), store.Durable)
	f.span(claim(1, put(f.job("value", "yours"), store.ID{})), store.Conflict)
	f.wantVersion(s, 1)
	f.wantRecords(q, jobs, held)
	f.wantRecords(p, jobs)
	f.span(claim(1, remove("value", held.Rev)), store.Durable)
	f.wantRecords(q, jobs)
	f.wantVersion(s, 2)
}

func spanComparesMarks(f *fixture) {
	p, q := f.neighbours()
	s, t := f.stream(p, "left"), f.stream(q, "right")
	parts := f.spanned(f.adds(s, 0, 1), f.adds(t, 0, 1))
	parts[1].Marks = []store.Mark{{Consumer: "action", From: 5, To: 6}}
	f.span(parts, store.Conflict)
	f.wantVersion(s, 0)
	parts[1].Marks[0].From = 0
	f.span(parts, store.Durable)
	f.wantMark("action", q, 6)
	f.wantMark("action", p, 0)
}

// spanRepeatIsDuplicate: the key stands in one part, whichever, and is looked
// at before versions are.
func spanRepeatIsDuplicate(f *fixture) {
	p, q := f.neighbours()
	for at := range 2 {
		s, t := f.stream(p, fmt.Sprint("left", at)), f.stream(q, fmt.Sprint("right", at))
		parts := f.spanned(f.adds(s, 0, 1), f.adds(t, 0, 1))
		parts[at].Key, parts[at].Result = f.id(), []byte("first")
		f.span(parts, store.Durable)
		again := f.spanned(f.adds(s, 0, 1), f.adds(t, 1, 1))
		again[at].Key, again[at].Result = parts[at].Key, []byte("second")
		out := f.span(again, store.Duplicate)
		if string(out[at].Result) != "first" || len(out[1-at].Result) != 0 {
			f.Errorf("the repeat got %q and %q, want %q for the part with the key", out[0].Result, out[1].Result, "first")
		}
		f.wantVersion(s, 1)
		f.wantVersion(t, 1)
	}
}

func spanRepeatOfFreshIsDuplicate(f *fixture) {
	p, q := f.neighbours()
	s, t, key := f.stream(p, "left"), f.stream(q, "right"), f.id()
	fresh := func() []store.Part {
		parts := f.spanned(f.adds(s, 0, 1), f.adds(t, 0, 1))
		for i := range parts {
			parts[i].Key, parts[i].Fresh = key, true
			parts[i].Appends[0].Events[0].Command = key
		}
		return parts
	}
	f.span(fresh(), store.Durable)
	f.span(fresh(), store.Duplicate)
	f.wantVersion(s, 1)
	f.wantVersion(t, 1)
}

func spanMalformedIsRefused(f *fixture) {
	p, q := f.neighbours()
	s, t := f.stream(p, "left"), f.stream(q, "right")
	good := func() []store.Part { return f.spanned(f.adds(s, 0, 1), f.adds(t, 0, 1)) }
	crossed := f.spanned(f.adds(t, 0, 1), f.adds(s, 0, 1))
	misnumbered := good()
	misnumbered[1].Appends[0].Events[0].Version = 7
	backwards := []store.Part{good()[1], good()[0]}
	twice := []store.Part{good()[0], good()[0]}
	beyond := good()
	beyond[1].Partition = store.Partition(f.store.Partitions())
	for name, parts := range map[string][]store.Part{
		"crossed": crossed, "misnumbered": misnumbered, "backwards": backwards, "twice": twice, "beyond": beyond,
	} {
		for i, o := range f.store.(store.Spanner).Span(f.Context(), parts) {
			if o.Status != store.Failed || o.Err == nil {
				f.Errorf("%s: part %d ended as %v (%v), want %v", name, i, o.Status, o.Err, store.Failed)
			}
		}
	}
	f.wantEmpty(p)
	f.wantEmpty(q)
	f.span(good(), store.Durable)
}

func spanCancelledFails(f *fixture) {
	p, q := f.neighbours()
	ctx, cancel := context.WithCancel(f.Context())
	cancel()
	parts := f.spanned(f.adds(f.stream(p, "left"), 0, 1), f.adds(f.stream(q, "right"), 0, 1))
	for i, o := range f.store.(store.Spanner).Span(ctx, parts) {
		if o.Status != store.Failed || o.Err == nil {
			f.Errorf("part %d ended as %v (%v), want %v", i, o.Status, o.Err, store.Failed)
		}
	}
	f.wantEmpty(p)
	f.wantEmpty(q)
}

// spansRaceCommits: several runtimes decide on the same state, and commit spans,
// and batches beside them. In each round one span wins, whole.
func spansRaceCommits(f *fixture) {
	handles := []store.Store{f.store}
	if f.features.Shared {
		handles = f.handles(3)
	}
	p, q := f.neighbours()
	s, t := f.stream(p, "left"), f.stream(q, "right")
	for v := range store.Version(20) {
		var won atomic.Int64
		var all sync.WaitGroup
		for i, h := range handles {
			parts, beside := f.spanned(f.adds(s, v, 1), f.adds(t, v, 1)), f.batch(f.stream(p, fmt.Sprint("alone", i)), v, 1)
			all.Go(func() {
				out := h.(store.Spanner).Span(f.Context(), parts)
				if out[0].Status != out[1].Status || out[0].Status != store.Durable && out[0].Status != store.Conflict {
					f.Errorf("the parts ended as %v (%v) and %v", out[0].Status, out[0].Err, out[1].Status)
				}
				if out[0].Status == store.Durable {
					won.Add(1)
				}
				if o := h.Commit(f.Context(), p, []store.Batch{beside})[0]; o.Status != store.Durable {
					f.Errorf("the batch beside it ended as %v (%v)", o.Status, o.Err)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 {
			f.Fatalf("%d spans won round %d", won.Load(), v)
		}
	}
	f.wantVersion(s, 20)
	f.wantVersion(t, 20)
}
