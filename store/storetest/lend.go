package storetest

import (
	"errors"
	"fmt"
	"sync"

	"github.com/talix-dev/talix/store"
)

// spans commits a span whose parts must all end as stated.
func (h *handle) spans(want store.Status, parts ...store.Part) {
	h.Helper()
	for i, o := range h.store.(store.Spanner).Span(h.Context(), parts) {
		if o.Status != want || want == store.Failed && !errors.Is(o.Err, store.ErrFenced) {
			h.Fatalf("part %d of node %s ended as %v (%v), want %v", i, h.node, o.Status, o.Err, want)
		}
	}
}

// lent makes a span over the neighbours of which the first is under an epoch.
func (f *fixture) lent(epoch store.Epoch, a, b store.Append) []store.Part {
	parts := f.spanned(a, b)
	parts[0].Epoch = epoch
	return parts
}

// lentEpochFencesAPart: who owns a partition lets another one write to it, until
// it is claimed anew, by whomever. What is fenced in one part is in all.
func lentEpochFencesAPart(f *fixture) {
	a, b := f.pair()
	p, q := f.neighbours()
	s, t := f.stream(p, "left"), f.stream(q, "right")
	b.wantClaim(p, true) // so that what it claimed itself would be fenced
	first := a.wantClaim(p, true)
	b.wantClaim(q, true)
	b.spans(store.Durable, f.lent(first, f.adds(s, 0, 1), f.adds(t, 0, 1))...)
	a.wantDurable(p, f.batch(s, 1, 1))
	b.spans(store.Conflict, f.lent(first, f.adds(s, 1, 1), f.adds(t, 1, 1))...)
	second := a.wantClaim(p, true)
	b.spans(store.Failed, f.lent(first, f.adds(s, 2, 1), f.adds(t, 1, 1))...)
	b.spans(store.Durable, f.lent(second, f.adds(s, 2, 1), f.adds(t, 1, 1))...)
	a.wantRelease(p, true)
	b.spans(store.Failed, f.lent(second, f.adds(s, 3, 1), f.adds(t, 2, 0))...)
	a.wantClaim(q, true)
	last := a.wantClaim(p, true)
	b.spans(store.Failed, f.lent(last, f.adds(s, 3, 1), f.adds(t, 2, 1))...)
	f.wantVersion(s, 3)
	f.wantVersion(t, 2)
}

// unfencedPartIsNot: it is written whoever owns its partition, and whoever did.
func unfencedPartIsNot(f *fixture) {
	a, b := f.pair()
	p, q := f.neighbours()
	t, value := f.stream(q, "holder"), f.job("value", "held")
	b.wantClaim(p, true)
	a.wantClaim(p, true)
	b.wantClaim(q, true)
	b.spans(store.Durable,
		store.Part{Partition: p, Batch: store.Batch{Records: []store.Change{put(value, store.ID{})}}, Epoch: store.Unfenced},
		store.Part{Partition: q, Batch: store.Batch{Appends: []store.Append{f.adds(t, 0, 1)}}})
	f.wantRecords(p, jobs, value)
	f.wantVersion(t, 1)
}

// lentPartsBearCommitsBeside: one Store commits a partition's batches, and spans
// with lent parts of it, at the same time. None is lost, and none in the other's
// way.
func lentPartsBearCommitsBeside(f *fixture) {
	a, _ := f.pair()
	p, q := f.neighbours()
	lent := []store.Epoch{a.wantClaim(p, true), a.wantClaim(q, true)}
	const streams, rounds = 3, 10
	var all sync.WaitGroup
	for i := range streams {
		s, t, alone := f.stream(p, fmt.Sprint("left", i)), f.stream(q, fmt.Sprint("right", i)), f.stream(p, fmt.Sprint("alone", i))
		var spans [][]store.Part
		var batches []store.Batch
		for v := range store.Version(rounds) {
			parts := f.lent(lent[0], f.adds(s, v, 1), f.adds(t, v, 1))
			parts[1].Epoch = lent[1]
			spans, batches = append(spans, parts), append(batches, f.batch(alone, v, 1))
		}
		all.Go(func() {
			for _, parts := range spans {
				if out := a.store.(store.Spanner).Span(f.Context(), parts); out[0].Status != store.Durable || out[1].Status != store.Durable {
					f.Errorf("a span ended as %v (%v)", out[0].Status, out[0].Err)
				}
			}
		})
		if i == 0 { // a runtime commits one after another
			all.Go(func() {
				for _, b := range batches {
					a.wantDurable(p, b)
				}
			})
		}
	}
	all.Wait()
	for i := range streams {
		f.wantVersion(f.stream(p, fmt.Sprint("left", i)), rounds)
		f.wantVersion(f.stream(q, fmt.Sprint("right", i)), rounds)
	}
	f.wantVersion(f.stream(p, "alone0"), rounds)
}
