package storetest_test

import (
	"context"
	"strings"
	"testing"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
	"github.com/talix-dev/talix/store/storetest"
)

// filled is a store with three streams of four events in one partition.
func filled(t *testing.T) store.Store {
	s := memory.New(memory.Config{Partitions: 1})
	for _, id := range []string{"a", "b", "c"} {
		name := store.Stream{Type: "thing", ID: id}
		a := store.Append{Stream: name}
		for v := range store.Version(4) {
			a.Events = append(a.Events, store.Event{Stream: name, Version: v + 1, Type: "T", Schema: 1, Data: []byte(id)})
		}
		if o := s.Commit(t.Context(), 0, []store.Batch{{Appends: []store.Append{a}}})[0]; o.Status != store.Durable {
			t.Fatalf("the batch ended as %v (%v)", o.Status, o.Err)
		}
	}
	return s
}

// editing is a log that is changed when it is read.
func editing(f func(log []store.Event) []store.Event) func(store.Store) store.Store {
	return withLog(func(ctx context.Context, s store.Store, p store.Partition, after store.Position, max int) ([]store.Event, error) {
		if after > 0 {
			return nil, nil
		}
		log, err := s.Log(ctx, p, after, max)
		return f(log), err
	})
}

func TestCheckFindsFaults(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		damage func(store.Store) store.Store
		says   string
	}{
		"version missing":     {editing(func(l []store.Event) []store.Event { return append(l[:5], l[6:]...) }), "goes from version 1 to 3"},
		"version twice":       {editing(func(l []store.Event) []store.Event { l[6].Version = 2; return l }), "goes from version 2 to 2"},
		"first missing":       {editing(func(l []store.Event) []store.Event { return l[1:] }), "goes from version 0 to 2"},
		"last missing":        {editing(func(l []store.Event) []store.Event { return l[:11] }), "Load and Log give differs"},
		"position twice":      {editing(func(l []store.Event) []store.Event { l[6].Position = l[5].Position; return l }), "follows"},
		"position falls":      {editing(func(l []store.Event) []store.Event { l[6].Position = 1; return l }), "follows"},
		"data differ":         {editing(func(l []store.Event) []store.Event { l[6].Data = []byte("x"); return l }), "Load and Log give differs"},
		"command differs":     {editing(func(l []store.Event) []store.Event { l[6].Command = store.ID{1}; return l }), "Load and Log give differs"},
		"another's partition": {editing(func(l []store.Event) []store.Event { l[6].Partition = 1; return l }), "of partition 1"},
		"page goes round":     {withLog(round), "a page after position"},
		"head is late":        {headPlus(-1), "the head is"},
		"head is early":       {headPlus(1), "the head is"},
		"closed": {func(s store.Store) store.Store {
			if err := s.Close(); err != nil {
				panic(err)
			}
			return s
		}, "closed"},
	}
	storetest.Check(t, filled(t))
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := test.damage(filled(t))
			r := record(t, func(tb testing.TB) { storetest.Check(tb, s) })
			if !r.failed || !strings.Contains(r.words(), test.says) {
				t.Errorf("Check says %q, want something of %q", r.words(), test.says)
			}
		})
	}
}

// round gives the first page again and again.
func round(ctx context.Context, s store.Store, p store.Partition, _ store.Position, max int) ([]store.Event, error) {
	return s.Log(ctx, p, 0, max)
}

func headPlus(n store.Position) func(store.Store) store.Store {
	return func(s store.Store) store.Store {
		return reading{Store: s, head: func(ctx context.Context, s store.Store, p store.Partition) (store.Position, error) {
			head, err := s.Head(ctx, p)
			return head + n, err
		}}
	}
}
