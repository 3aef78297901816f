package move_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/talix-dev/talix/internal/move"
	"github.com/talix-dev/talix/store"
)

// whole is a store of one entity with three events, after a change.
func whole(t *testing.T, change func(events []store.Event) []store.Event) store.Store {
	t.Helper()
	s, stream := inMemory(1), streamOf(1)
	id := store.ID{7}
	var events []store.Event
	for v := range store.Version(3) {
		id[15] = byte(v + 1)
		events = append(events, store.Event{
			ID: id, Stream: stream, Version: v + 1, Type: "T", Schema: 1, Time: noon(), Command: id, Correlation: id, Data: []byte(`{"a":1}`),
		})
	}
	for _, e := range change(events) {
		commit(t, s, 0, store.Batch{Appends: []store.Append{{Stream: e.Stream, Expect: e.Version - 1, Events: []store.Event{e}}}})
	}
	return s
}

func unchanged(events []store.Event) []store.Event { return events }

// The slightest difference is found, and its place is named.
func TestVerifyNamesTheFirstDifference(t *testing.T) {
	t.Parallel()
	second := func(change func(*store.Event)) func([]store.Event) []store.Event {
		return func(events []store.Event) []store.Event {
			change(&events[1])
			return events
		}
	}
	for name, c := range map[string]struct {
		change func([]store.Event) []store.Event
		at     store.Version
	}{
		"id":          {second(func(e *store.Event) { e.ID[3]++ }), 2},
		"type":        {second(func(e *store.Event) { e.Type = "U" }), 2},
		"schema":      {second(func(e *store.Event) { e.Schema = 2 }), 2},
		"time":        {second(func(e *store.Event) { e.Time = e.Time.Add(time.Microsecond) }), 2},
		"command":     {second(func(e *store.Event) { e.Command[0]++ }), 2},
		"correlation": {second(func(e *store.Event) { e.Correlation[0]++ }), 2},
		"causation":   {second(func(e *store.Event) { e.Causation[0]++ }), 2},
		"metadata":    {second(func(e *store.Event) { e.Metadata = []byte("{}") }), 2},
		"data":        {second(func(e *store.Event) { e.Data = []byte(`{"a": 1}`) }), 2},
		"missing":     {func(events []store.Event) []store.Event { return events[:2] }, 3},
		"all missing": {func(events []store.Event) []store.Event { return nil }, 1},
	} {
		a, b := whole(t, unchanged), whole(t, c.change)
		for _, pair := range [][2]store.Store{{a, b}, {b, a}} {
			_, err := move.Verify(t.Context(), move.VerifyConfig{A: pair[0], B: pair[1]})
			d, ok := errors.AsType[*move.Difference](err)
			if !ok || !errors.Is(err, move.ErrDifferent) || d.Version != c.at || d.Stream != streamOf(1) || !strings.Contains(err.Error(), "type/1/e%1") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// The first entity by its name is the one that is told of.
func TestVerifyNamesTheFirstEntity(t *testing.T) {
	t.Parallel()
	a, b := inMemory(3), inMemory(1)
	for _, id := range []string{"z", "b", "y", "c"} {
		s := store.Stream{Type: "t", ID: id}
		commit(t, a, store.PartitionOf(s, 3), batchOf(ids(), s, 1, 1))
	}
	_, err := move.Verify(t.Context(), move.VerifyConfig{A: a, B: b})
	if d, ok := errors.AsType[*move.Difference](err); !ok || d.Stream.ID != "b" {
		t.Errorf("%v", err)
	}
}

func TestSumIsThatOfTheEventsAlone(t *testing.T) {
	t.Parallel()
	a, b := inMemory(5), inMemory(2)
	fill(t, a, 10, 200, 11)
	copyTo(t, a, b)
	left, err := move.Sum(t.Context(), a, move.Pace{})
	if err != nil {
		t.Fatal(err)
	}
	right, err := move.Sum(t.Context(), b, move.Pace{})
	if err != nil || left != right || left.Events != 200 || left.Entities != 10 || len(left.Checksum) != 64 {
		t.Errorf("%+v and %+v, %v", left, right, err)
	}
	s := streamOf(99)
	commit(t, b, store.PartitionOf(s, 2), batchOf(ids(), s, 1, 1))
	if other, err := move.Sum(t.Context(), b, move.Pace{}); err != nil || other.Checksum == right.Checksum {
		t.Errorf("%+v, %v", other, err)
	}
}
