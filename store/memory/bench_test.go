package memory_test

import (
	"strconv"
	"testing"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

// BenchmarkCommit commits groups of 64 batches of one event, each with a key,
// on 10,000 streams.
func BenchmarkCommit(b *testing.B) {
	s := memory.New(memory.Config{Partitions: 1})
	versions := make([]store.Version, 10000)
	group := make([]store.Batch, 64)
	b.ReportAllocs()
	for n := 0; n < b.N; n += len(group) {
		for i := range group {
			at := (n + i) % len(versions)
			group[i] = one(store.Stream{Type: "thing", ID: strconv.Itoa(at)}, versions[at], n+i)
			versions[at]++
		}
		for _, o := range s.Commit(b.Context(), 0, group) {
			if o.Status != store.Durable {
				b.Fatalf("a batch ended as %v (%v)", o.Status, o.Err)
			}
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

func one(s store.Stream, v store.Version, n int) store.Batch {
	e := store.Event{Stream: s, Version: v + 1, Type: "T", Schema: 1, Data: []byte(`{}`)}
	key := store.ID{1, byte(n >> 32), byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}
	return store.Batch{Appends: []store.Append{{Stream: s, Expect: v, Events: []store.Event{e}}}, Key: key}
}
