package move_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/talix-dev/talix/internal/id"
	"github.com/talix-dev/talix/internal/move"
	"github.com/talix-dev/talix/internal/result"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

func ids() *id.Source { return id.NewSource(time.Now) }

func noon() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC) }

func inMemory(partitions int) *memory.Store {
	return memory.New(memory.Config{Partitions: partitions})
}

func streamOf(i int) store.Stream {
	return store.Stream{Type: fmt.Sprintf("type/%d", i%3), ID: fmt.Sprint("e%", i)}
}

// fill appends events of some entities in a random order, and returns how many
// of each there are.
func fill(t testing.TB, s store.Store, entities, events int, seed uint64) map[store.Stream]store.Version {
	t.Helper()
	r, versions := rand.New(rand.NewPCG(seed, 1)), map[store.Stream]store.Version{}
	batches, source := map[store.Partition][]store.Batch{}, ids()
	for n := range events {
		stream := streamOf(r.IntN(entities))
		versions[stream]++
		p := store.PartitionOf(stream, s.Partitions())
		batches[p] = append(batches[p], batchOf(source, stream, versions[stream], n))
	}
	for p, all := range batches {
		commit(t, s, p, all...)
	}
	return versions
}

// batchOf is an event of a command whose result is kept.
func batchOf(source *id.Source, s store.Stream, v store.Version, n int) store.Batch {
	e := store.Event{
		ID: source.New(), Stream: s, Version: v, Type: fmt.Sprintf("THING:HAPPENED_%d", n%4), Schema: 1 + n%2,
		Time:    noon().Add(time.Duration(n) * time.Second),
		Command: source.New(), Correlation: source.New(), Data: fmt.Appendf(nil, `{"n": %d, "text": "<&>"}`, n),
	}
	if n%3 == 0 {
		e.Causation, e.Metadata = source.New(), []byte(`{"by":"me"}`)
	}
	return store.Batch{
		Key: e.Command, Result: replyOf(s, fmt.Sprint("reply ", n)), Time: e.Time,
		Appends: []store.Append{{Stream: s, Expect: v - 1, Events: []store.Event{e}}},
	}
}

// replyOf is what is stored of a command for an entity.
func replyOf(s store.Stream, reply string) []byte { return append(result.Begin(nil, s), reply...) }

func commit(t testing.TB, s store.Store, p store.Partition, batches ...store.Batch) {
	t.Helper()
	for i, o := range s.Commit(context.Background(), p, batches) {
		if o.Status != store.Durable {
			t.Fatalf("batch %d ended as %v: %v", i, o.Status, o.Err)
		}
	}
}

// put writes a record.
func put(t testing.TB, s store.Store, p store.Partition, rec store.Record) {
	t.Helper()
	rec.Rev = ids().New()
	commit(t, s, p, store.Batch{Records: []store.Change{{Record: rec, Blind: true}}})
}

// mark sets a mark.
func mark(t testing.TB, s store.Store, consumer string, p store.Partition, to store.Position) {
	t.Helper()
	from, _, err := s.Mark(t.Context(), consumer, p)
	if err != nil {
		t.Fatal(err)
	}
	commit(t, s, p, store.Batch{Marks: []store.Mark{{Consumer: consumer, From: from, To: to}}})
}

// log reads a partition.
func logOf(t testing.TB, s store.Store, p store.Partition) []store.Event {
	t.Helper()
	events, err := s.Log(t.Context(), p, 0, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return events
}

func copyTo(t testing.TB, from, to move.Store) move.Copied {
	t.Helper()
	did, err := move.Copy(t.Context(), move.CopyConfig{From: from, To: to, IDs: ids()})
	if err != nil {
		t.Fatal(err)
	}
	return did
}

// same holds two stores to having the same events.
func same(t testing.TB, a, b store.Store) move.Verified {
	t.Helper()
	v, err := move.Verify(t.Context(), move.VerifyConfig{A: a, B: b})
	if err != nil {
		t.Fatal(err)
	}
	return v
}
