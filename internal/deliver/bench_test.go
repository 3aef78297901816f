package deliver_test

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"github.com/talix-dev/talix/internal/commit"
	"github.com/talix-dev/talix/internal/deliver"
	"github.com/talix-dev/talix/internal/id"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/tail"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

// BenchmarkDeliver delivers a backlog of events of 1,000 entities to an action
// that succeeds at once: what delivery itself costs.
func BenchmarkDeliver(b *testing.B) {
	s := memory.New(memory.Config{Partitions: 1})
	fill(b, s, b.N, 1000)
	events, err := tail.Open(b.Context(), s)
	if err != nil {
		b.Fatal(err)
	}
	group := commit.Start(commit.Config{Store: s, Publish: events.Publish, Refresh: events.Refresh})
	defer group.Close()
	reg := registry.New()
	reg.AddEntity(things())
	reg.AddAction(&registry.Action{Name: "act", Event: &registry.EventTrigger{Go: reflect.TypeFor[made]()}})
	left, done := int64(b.N), make(chan struct{})
	d, err := deliver.New(b.Context(), deliver.Config{
		Registry: reg, Store: s, Tail: events, Log: slog.New(slog.DiscardHandler),
		Group: func(store.Partition) *commit.Group { return group },
		Act: func(context.Context, *registry.Action, registry.Facts, *store.Event, bool) deliver.Run {
			if atomic.AddInt64(&left, -1) == 0 {
				close(done)
			}
			return deliver.Run{}
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	ctx, cancel := context.WithCancel(b.Context())
	go func() { <-done; cancel() }()
	d.Run(ctx)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// fill appends n events, of so many entities in turn.
func fill(b *testing.B, s store.Store, n, entities int) {
	ids := id.NewSource(time.Now)
	for from := 0; from < n; from += entities {
		var batches []store.Batch
		for i := range min(entities, n-from) {
			stream := store.Stream{Type: "thing", ID: fmt.Sprint("e", i)}
			before := store.Version(from / entities)
			batches = append(batches, store.Batch{Appends: []store.Append{{Stream: stream, Expect: before, Events: []store.Event{{
				ID: ids.New(), Stream: stream, Version: before + 1, Type: "THING:MADE", Schema: 1, Time: time.Now(), Data: []byte(`{"N":1}`),
			}}}}})
		}
		for _, o := range s.Commit(b.Context(), 0, batches) {
			if o.Status != store.Durable {
				b.Fatal(o)
			}
		}
	}
}
