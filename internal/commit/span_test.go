package commit_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/talix-dev/talix/internal/commit"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
	"github.com/talix-dev/talix/store/storetest"
)

// wide is the groups of a memory store of several partitions.
type wide struct {
	store  *memory.Store
	groups []*commit.Group

	mu    sync.Mutex
	seen  [4][]store.Position // published
	kinds []memory.Kind       // faults of the next commits
	gate  chan struct{}       // a commit takes one; nil: none is needed
}

func startWide(t *testing.T) *wide {
	w := &wide{}
	w.store = memory.New(memory.Config{Partitions: 4, Fault: func(store.Partition, []store.Batch) (f memory.Fault) {
		if w.gate != nil {
			<-w.gate
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if len(w.kinds) > 0 {
			f.Kind, w.kinds = w.kinds[0], w.kinds[1:]
		}
		return f
	}})
	for p := range store.Partition(4) {
		g := commit.Start(commit.Config{Store: w.store, Partition: p, Publish: w.publish})
		w.groups = append(w.groups, g)
		t.Cleanup(g.Close)
	}
	return w
}

func (w *wide) publish(p store.Partition, events []*store.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range events {
		w.seen[p] = append(w.seen[p], e.Position)
	}
}

// in is a stream of a partition.
func in(p store.Partition, name string) store.Stream {
	for i := 0; ; i++ {
		s := store.Stream{Type: "thing", ID: fmt.Sprint(name, "-", i)}
		if store.PartitionOf(s, 4) == p {
			return s
		}
	}
}

// adds is a batch that appends one event, under a key of its own.
func adds(s store.Stream, expect store.Version, key byte) store.Batch {
	e := store.Event{Stream: s, Version: expect + 1, Type: "THING", Data: []byte("{}"), Command: store.ID{key}}
	return store.Batch{Appends: []store.Append{{Stream: s, Expect: expect, Events: []store.Event{e}}}, Key: store.ID{key}, Fresh: key != 0}
}

func (w *wide) part(b store.Batch) commit.Part {
	return commit.Part{Group: w.groups[store.PartitionOf(b.Appends[0].Stream, 4)], Batch: b}
}

// Batches, and spans over two to four partitions, are submitted as if all
// before them were durable. They are committed in that order in each partition,
// whoever waits for what, and none waits for ever.
func TestSpansKeepTheirPlace(t *testing.T) {
	t.Parallel()
	w := startWide(t)
	var mu sync.Mutex
	versions := map[store.Partition]store.Version{}
	next := func(ps []int) *commit.Pending {
		mu.Lock()
		defer mu.Unlock()
		var parts []commit.Part
		for _, p := range ps {
			p := store.Partition(p)
			parts = append(parts, w.part(adds(in(p, "s"), versions[p], 0)))
			versions[p]++
		}
		if len(parts) == 1 {
			return parts[0].Group.Submit(parts[0].Batch, nil)
		}
		return commit.Span(parts)
	}
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for range 60 {
				p := next(rand.Perm(4)[:1+rand.IntN(4)])
				if !p.Wait(t.Context()) || p.Outcome().Status != store.Durable {
					t.Errorf("it ended as %+v", p.Outcome())
				}
			}
		})
	}
	all.Wait()
	storetest.Check(t, w.store)
	for p, seen := range w.seen {
		if store.Version(len(seen)) != versions[store.Partition(p)] {
			t.Errorf("%d of %d events of partition %d were published", len(seen), versions[store.Partition(p)], p)
		}
		for i := range seen[1:] {
			if seen[i+1] <= seen[i] {
				t.Fatalf("partition %d published %d behind %d", p, seen[i+1], seen[i])
			}
		}
	}
}

func TestSpanBreaksItsChains(t *testing.T) {
	t.Parallel()
	w := startWide(t)
	a, b, other := &commit.Chain{}, &commit.Chain{}, &commit.Chain{}
	span := commit.Span([]commit.Part{w.part(adds(in(2, "s"), 7, 0)), w.part(adds(in(0, "s"), 0, 0))}, a, b)
	after := w.groups[0].Submit(adds(in(0, "s"), 1, 0), b)
	beside := w.groups[0].Submit(adds(in(0, "t"), 0, 0), other)
	for p, want := range map[*commit.Pending]store.Status{span: store.Conflict, after: store.Conflict, beside: store.Durable} {
		if p.Wait(t.Context()); p.Outcome().Status != want {
			t.Errorf("it ended as %+v, want %v", p.Outcome(), want)
		}
	}
	if !a.Broken() || !b.Broken() || other.Broken() {
		t.Error("the wrong chains are broken")
	}
	again := commit.Span([]commit.Part{w.part(adds(in(2, "s"), 0, 0)), w.part(adds(in(0, "s"), 0, 0))}, a)
	if again.Wait(t.Context()); again.Outcome().Status != store.Conflict {
		t.Errorf("what continued a broken chain ended as %+v", again.Outcome())
	}
}

func TestSpanOfUnknownOutcome(t *testing.T) {
	t.Parallel()
	for kind, want := range map[memory.Kind]store.Status{
		memory.UnknownWritten: store.Duplicate, memory.UnknownLate: store.Duplicate, memory.UnknownLost: store.Durable,
	} {
		w := startWide(t)
		w.kinds = []memory.Kind{kind}
		p := commit.Span([]commit.Part{w.part(adds(in(1, "s"), 0, 1)), w.part(adds(in(3, "s"), 0, 1))})
		if p.Wait(t.Context()); p.Outcome().Status != store.Unknown {
			t.Fatalf("it ended as %+v", p.Outcome())
		}
		told, err := p.Settle(t.Context(), func(int) error { return nil })
		if err != nil || told.Outcome().Status != want {
			t.Errorf("fault %d: the second try ended as %+v, %v, want %v", kind, told, err, want)
		}
		storetest.Check(t, w.store)
	}
}

// Groups are closed one by one; a span that no one waits for is committed
// nonetheless, and so is what stands behind it.
func TestCloseCommitsSpans(t *testing.T) {
	t.Parallel()
	w := startWide(t)
	var all []*commit.Pending
	for v := range store.Version(3) {
		all = append(all,
			commit.Span([]commit.Part{w.part(adds(in(3, "s"), v, 0)), w.part(adds(in(0, "s"), v, 0))}),
			commit.Span([]commit.Part{w.part(adds(in(1, "s"), v, 0)), w.part(adds(in(3, "t"), v, 0))}),
			w.groups[3].Submit(adds(in(3, "u"), v, 0), nil))
	}
	for _, g := range w.groups {
		g.Close()
	}
	for i, p := range all {
		if !p.Settled() || p.Outcome().Status != store.Durable {
			t.Errorf("batch %d ended as %+v", i, p.Outcome())
		}
	}
	late := commit.Span([]commit.Part{w.part(adds(in(3, "s"), 3, 0)), w.part(adds(in(0, "s"), 3, 0))})
	late.Wait(t.Context())
	if o := late.Outcome(); o.Status != store.Failed || !errors.Is(o.Err, commit.ErrClosed) {
		t.Errorf("what came later ended as %+v", o)
	}
}

// Who goes away leaves the span to others, and groups closed under way wait for
// it.
func TestWhoGoesAwayLeavesTheSpan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := startWide(t)
		w.gate = make(chan struct{})
		var all sync.WaitGroup
		all.Go(func() { w.groups[0].Submit(adds(in(0, "t"), 0, 0), nil).Wait(t.Context()) })
		synctest.Wait()
		p := commit.Span([]commit.Part{w.part(adds(in(1, "s"), 0, 0)), w.part(adds(in(0, "s"), 0, 0))})
		ctx, cancel := context.WithCancel(t.Context())
		all.Go(func() {
			if p.Wait(ctx) {
				t.Error("it waited to the end")
			}
		})
		synctest.Wait()
		cancel()
		synctest.Wait()
		behind := w.groups[1].Submit(adds(in(1, "s"), 1, 0), nil)
		for _, g := range w.groups {
			all.Go(g.Close)
		}
		close(w.gate)
		all.Wait()
		if p.Outcome().Status != store.Durable || behind.Outcome().Status != store.Durable {
			t.Errorf("the span ended as %+v, what stood behind it as %+v", p.Outcome(), behind.Outcome())
		}
	})
}

// A part apart is in the span, and waits for nothing of its partition.
func TestPartApart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := startWide(t)
		gate := make(chan struct{})
		w.gate = gate
		var all sync.WaitGroup
		all.Go(func() { w.groups[0].Submit(adds(in(0, "s"), 0, 0), nil).Wait(t.Context()) })
		synctest.Wait()
		w.gate = nil // for those that come later
		apart := func(expect store.Version) commit.Part {
			return commit.Part{Apart: 0, Epoch: store.Unfenced, Batch: adds(in(0, "t"), expect, 0)}
		}
		for v := range store.Version(2) {
			p := commit.Span([]commit.Part{w.part(adds(in(1, "s"), v, 0)), apart(v), w.part(adds(in(2, "s"), v, 0))})
			if p.Wait(t.Context()); p.Outcome().Status != store.Durable || p.Place(0) <= store.Position(v) || p.Place(1) <= store.Position(v) {
				t.Errorf("it ended as %+v, at %d and %d", p.Outcome(), p.Place(0), p.Place(1))
			}
		}
		none := commit.Span([]commit.Part{w.part(adds(in(1, "s"), 2, 0)), apart(0)})
		if none.Wait(t.Context()); none.Outcome().Status != store.Conflict {
			t.Errorf("a conflict of the part ended as %+v", none.Outcome())
		}
		alone := commit.Span([]commit.Part{w.part(adds(in(3, "s"), 0, 0)), apart(2)})
		w.groups[3].Close()
		if alone.Outcome().Status != store.Durable {
			t.Errorf("without who waits it ended as %+v", alone.Outcome())
		}
		close(gate)
		all.Wait()
		storetest.Check(t, w.store)
	})
}
