package postgres_test

import (
	"errors"
	"testing"
	"time"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/postgres"
)

// pair opens the same store twice, as two nodes do.
func pair(t *testing.T) (a, b *postgres.Store) {
	t.Helper()
	c := config(t)
	return open(t, c), open(t, c)
}

func mustClaim(t *testing.T, s *postgres.Store, p store.Partition, node string) int64 {
	t.Helper()
	epoch, ok, err := s.Claim(t.Context(), p, node)
	if err != nil || !ok {
		t.Fatalf("node %s did not get partition %d: %v", node, p, err)
	}
	return epoch
}

// wantFenced: nothing of the batches is written, in a group with others or
// alone.
func wantFenced(t *testing.T, s *postgres.Store, p store.Partition, batches ...store.Batch) {
	t.Helper()
	for i, o := range s.Commit(t.Context(), p, batches) {
		if o.Status != store.Failed || !errors.Is(o.Err, postgres.ErrFenced) {
			t.Errorf("batch %d ended as %v (%v), want failed and fenced", i, o.Status, o.Err)
		}
	}
}

// TestFence: who lost a partition does not write to it, even what fits.
func TestFence(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	s, record := stream(1, 4, "s"), store.Record{Space: "x", Key: "k", Rev: store.ID{1}}
	durable(t, a, 1, event(s, 1)) // never claimed, so not fenced
	first := mustClaim(t, a, 1, "a")
	durable(t, a, 1, event(s, 2))
	second := mustClaim(t, b, 1, "b") // a has no lease
	if second <= first {
		t.Errorf("epoch %d follows %d", second, first)
	}
	wantFenced(t, a, 1, event(s, 3), event(stream(1, 4, "t"), 1))
	wantFenced(t, a, 1, store.Batch{Marks: []store.Mark{{Consumer: "view", To: 1}}})
	wantFenced(t, a, 1, store.Batch{Records: []store.Change{{Record: record, Blind: true}}})
	wantFenced(t, a, 1, store.Batch{Key: store.ID{9}, Time: time.Now()})
	durable(t, b, 1, event(s, 3))
	durable(t, a, 2, event(stream(2, 4, "u"), 1))
	mustClaim(t, a, 1, "a")
	wantFenced(t, b, 1, event(s, 4))
	durable(t, a, 1, event(s, 4))
	if n, err := count(t.Context(), b, s); n != 4 || err != nil {
		t.Errorf("the stream has %d events (%v), want 4", n, err)
	}
}

// TestLease keeps others from claiming.
func TestLease(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	beat := func(s *postgres.Store, node string, lease time.Duration) {
		t.Helper()
		if err := s.Beat(t.Context(), node, "10.0.0.1:7000", lease); err != nil {
			t.Fatal(err)
		}
	}
	beat(a, "a", time.Hour)
	mustClaim(t, a, 0, "a")
	if epoch, ok, err := b.Claim(t.Context(), 0, "b"); ok || err != nil {
		t.Fatalf("b got the partition of a (%d, %v)", epoch, err)
	}
	durable(t, a, 0, event(stream(0, 4, "s"), 1))
	beat(a, "a", -time.Second) // as if it had not renewed it in time
	mustClaim(t, b, 0, "b")
	wantFenced(t, a, 0, event(stream(0, 4, "s"), 2))
	beat(b, "b", time.Hour)
	if err := b.Leave(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	mustClaim(t, a, 0, "a")
}

// TestRelease fences who gave the partition up.
func TestRelease(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	for _, node := range []string{"a", "b"} {
		if err := a.Beat(t.Context(), node, "", time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	mustClaim(t, a, 3, "a")
	if ok, err := b.Release(t.Context(), 3, "b"); ok || err != nil {
		t.Errorf("b released what a has: %v", err)
	}
	if ok, err := a.Release(t.Context(), 3, "a"); !ok || err != nil {
		t.Fatalf("a did not release: %v", err)
	}
	wantFenced(t, a, 3, event(stream(3, 4, "s"), 1))
	epoch := mustClaim(t, b, 3, "b")
	durable(t, b, 3, event(stream(3, 4, "s"), 1))
	owners, err := a.Owners(t.Context())
	if err != nil || len(owners) != 1 || owners[0] != (postgres.Owner{Partition: 3, Node: "b", Epoch: epoch}) {
		t.Errorf("owners are %v, %v", owners, err)
	}
	nodes, err := a.Nodes(t.Context())
	if err != nil || len(nodes) != 2 || nodes[0].Left < 30*time.Minute || nodes[0].Left > time.Hour {
		t.Errorf("nodes are %v, %v", nodes, err)
	}
}
