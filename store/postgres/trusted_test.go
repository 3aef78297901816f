package postgres_test

import (
	"errors"
	"testing"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/postgres"
	"github.com/talix-dev/talix/store/storetest"
)

// fresh is event under a key that was made for it, as commands of the runtime
// have it: once the stream is remembered, it is written on trust.
func fresh(s store.Stream, v store.Version) store.Batch {
	b := event(s, v)
	b.Fresh = true
	return b
}

// TestTrustEnds: what a store remembers of a partition is void as soon as
// another one has written to it, for those batches alone that rest on it.
func TestTrustEnds(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	var streams []store.Stream
	for p := range store.Partition(4) {
		s := stream(p, 4, "s")
		durable(t, a, p, fresh(s, 1))
		durable(t, a, p, fresh(s, 2))
		streams = append(streams, s)
	}
	durable(t, b, 1, fresh(streams[1], 3))
	durable(t, b, 2, fresh(stream(2, 4, "other"), 1))
	late := fresh(streams[1], 3)
	late.Key[0], late.Appends[0].Events[0].Command[0] = 7, 7
	third := []store.Batch{fresh(streams[0], 3), late, fresh(streams[2], 3), fresh(streams[3], 3)}
	want := []store.Status{store.Durable, store.Conflict, store.Durable, store.Durable}
	inParallel(4, func(i int) { commitAs(t, a, store.Partition(i), want[i:i+1], third[i]) })
	inParallel(4, func(i int) { commitAs(t, a, store.Partition(i), []store.Status{store.Durable}, fresh(streams[i], 4)) })
	commitAs(t, a, 3, []store.Status{store.Duplicate}, third[3])
	if head, err := a.Head(t.Context(), 2); head != 5 || err != nil {
		t.Errorf("the head of partition 2 is %d (%v), want 5", head, err)
	}
	wholeStore(t, a)
}

// TestTrustIsFenced: what rests on trust alone is refused once another node has
// claimed the partition, though nothing was written to it since.
func TestTrustIsFenced(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	s := stream(1, 4, "s")
	claim(t, a, 1, "a")
	for v := range store.Version(3) {
		durable(t, a, 1, fresh(s, v+1))
	}
	claim(t, b, 1, "b")
	if o := a.Commit(t.Context(), 1, []store.Batch{fresh(s, 4)})[0]; o.Status != store.Failed || !errors.Is(o.Err, store.ErrFenced) {
		t.Errorf("behind the claim of another node a commit ended as %v (%v), want it fenced", o.Status, o.Err)
	}
	durable(t, b, 1, fresh(s, 4))
	wholeStore(t, b)
}

func claim(t *testing.T, s *postgres.Store, p store.Partition, node string) {
	t.Helper()
	if _, ok, err := s.Claim(t.Context(), p, node); !ok || err != nil {
		t.Fatalf("%s does not get partition %d: %v", node, p, err)
	}
}

// TestTrustOfTwo: two stores write to the same partitions at the same time,
// with two writers each, and every batch of both is stored once.
func TestTrustOfTwo(t *testing.T) {
	t.Parallel()
	const partitions, events = 16, 12
	c := config(t)
	c.Partitions = partitions
	both := []*postgres.Store{open(t, c), open(t, c)}
	inParallel(2*partitions, func(i int) {
		p := store.Partition(i / 2)
		name := stream(p, partitions, []string{"a", "b"}[i%2])
		for v := range store.Version(events) {
			commitAs(t, both[i%2], p, []store.Status{store.Durable}, fresh(name, v+1))
		}
	})
	for p := range store.Partition(partitions) {
		if head, err := both[0].Head(t.Context(), p); head != 2*events || err != nil {
			t.Errorf("the head of partition %d is %d (%v), want %d", p, head, err, 2*events)
		}
	}
	wholeStore(t, both[1])
}

func wholeStore(t *testing.T, s *postgres.Store) {
	t.Helper()
	storetest.Check(t, s)
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestTrustAfterLoss: where the server has lost the end of a partition, as when
// a backup of it was restored, nothing is written that would leave a gap.
func TestTrustAfterLoss(t *testing.T) {
	t.Parallel()
	c := config(t)
	s, name := open(t, c), stream(1, 4, "s")
	for v := range store.Version(3) {
		durable(t, s, 1, fresh(name, v+1))
	}
	raw(t, c, "DELETE FROM events WHERE position = 3; UPDATE partitions SET head = 2 WHERE partition = 1")
	commitAs(t, s, 1, []store.Status{store.Conflict}, fresh(name, 4))
	durable(t, s, 1, fresh(name, 3))
	wholeStore(t, s)
}
