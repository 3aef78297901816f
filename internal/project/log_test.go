package project_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"iter"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/talix-dev/talix/internal/tail"
	"github.com/talix-dev/talix/store"
)

// memLog is a log in memory with its tail.
type memLog struct {
	mu       sync.Mutex
	parts    [][]store.Event
	versions map[store.Stream]store.Version
	tail     *tail.Tail
}

func newLog(tb testing.TB, partitions int) *memLog {
	tb.Helper()
	l := &memLog{parts: make([][]store.Event, partitions), versions: map[store.Stream]store.Version{}}
	l.reopen(tb)
	return l
}

// reopen makes a new tail, as a new process does.
func (l *memLog) reopen(tb testing.TB) {
	tb.Helper()
	t, err := tail.Open(tb.Context(), l)
	if err != nil {
		tb.Fatal(err)
	}
	l.tail = t
}

func (l *memLog) Partitions() int { return len(l.parts) }

func (l *memLog) Head(_ context.Context, p store.Partition) (store.Position, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return store.Position(len(l.parts[p])), nil
}

func (l *memLog) Log(_ context.Context, p store.Partition, after store.Position, most int) ([]store.Event, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	events := l.parts[p][after:]
	return slices.Clone(events[:min(most, len(events))]), nil
}

// Load reads the events of an entity.
func (l *memLog) Load(_ context.Context, s store.Stream, after store.Version) iter.Seq2[store.Event, error] {
	return func(yield func(store.Event, error) bool) {
		for _, e := range l.all() {
			if e.Stream == s && e.Version > after && !yield(e, nil) {
				return
			}
		}
	}
}

// fact is an event to be.
type fact struct {
	entity, id, typ string
	data            any
}

// add appends events and publishes them.
func (l *memLog) add(facts ...fact) {
	fresh := make([][]*store.Event, len(l.parts))
	for _, f := range facts {
		e := l.append(f)
		fresh[e.Partition] = append(fresh[e.Partition], e)
	}
	for p, events := range fresh {
		l.tail.Publish(store.Partition(p), events)
	}
}

func (l *memLog) append(f fact) *store.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	data, ok := f.data.([]byte)
	if !ok {
		data, _ = json.Marshal(f.data)
	}
	s := store.Stream{Type: f.entity, ID: f.id}
	l.versions[s]++
	p := store.PartitionOf(s, len(l.parts))
	e := store.Event{
		Stream: s, Version: l.versions[s], Partition: p, Position: store.Position(len(l.parts[p]) + 1),
		Type: f.typ, Schema: 1, Data: data,
	}
	e.Time = time.Unix(1_700_000_000+int64(e.Position), 0).UTC()
	binary.BigEndian.PutUint64(e.ID[8:], uint64(p)<<48|uint64(e.Position))
	l.parts[p] = append(l.parts[p], e)
	return &e
}

// heads is what a view that has taken everything has reached.
func (l *memLog) heads() map[store.Partition]store.Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	want := map[store.Partition]store.Position{}
	for p := range l.parts {
		want[store.Partition(p)] = store.Position(len(l.parts[p]))
	}
	return want
}

// all are the events of all partitions.
func (l *memLog) all() []store.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Concat(l.parts...)
}
