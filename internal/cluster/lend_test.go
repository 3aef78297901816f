package cluster_test

import (
	"testing"
	"time"

	"github.com/talix-dev/talix/internal/cluster"
	"github.com/talix-dev/talix/store"
)

// under commits to a partition under an epoch.
func (t *team) under(p store.Partition, epoch store.Epoch) store.Status {
	t.Helper()
	part := store.Part{Partition: p, Epoch: epoch}
	return t.store.Span(t.Context(), []store.Part{part})[0].Status
}

// What was lent under an epoch ends with it, and the node goes on under another
// one. A former epoch ends nothing.
func TestRenew(t *testing.T) {
	t.Parallel()
	in(t, func(t *team) {
		a, b := t.join(), t.join()
		t.run(5 * time.Second)
		t.longest()
		for p := range store.Partition(partitions) {
			n, other := a, b
			if b.Owns(p) {
				n, other = b, a
			}
			first, ok := n.Epoch(p)
			if _, others := other.Epoch(p); !ok || others || t.under(p, first) != store.Durable {
				t.Fatalf("partition %d has the epoch %d (%t), and another one of others (%t)", p, first, ok, others)
			}
			other.Renew(p, first)
			n.Renew(p, first-1)
			if now, ok := n.Epoch(p); !ok || now != first {
				t.Errorf("partition %d has the epoch %d (%t), without reason", p, now, ok)
			}
			n.Renew(p, first)
			if now, ok := n.Epoch(p); ok && now == first { // it may have another one already
				t.Errorf("partition %d is served under the epoch that is to end", p)
			}
			t.run(time.Second)
			second, ok := n.Epoch(p)
			if !ok || second <= first || t.under(p, first) != store.Failed || t.under(p, second) != store.Durable {
				t.Errorf("partition %d has the epoch %d (%t) after %d", p, second, ok, first)
			}
			n.Renew(p, first)
			if now, ok := n.Epoch(p); !ok || now != second {
				t.Errorf("partition %d has the epoch %d (%t) after a renewal that came late", p, now, ok)
			}
		}
		t.wantPause("each partition is renewed", 200*time.Millisecond)
	})
}

func TestLives(t *testing.T) {
	t.Parallel()
	in(t, func(t *team) {
		a, b := t.join(), t.join()
		if !cluster.New(cluster.Config{}).Lives("anyone") {
			t.Error("who has not looked yet takes a node for dead")
		}
		t.run(5 * time.Second)
		if !a.Lives(a.Name()) || !a.Lives(b.Name()) || a.Lives("anyone") {
			t.Error("it does not tell who lives")
		}
		b.cut.Store(true)
		t.run(5 * time.Second)
		if a.Lives(b.Name()) {
			t.Error("a node without a lease lives")
		}
	})
}
