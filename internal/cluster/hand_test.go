package cluster_test

import (
	"context"
	"testing"
	"time"

	"github.com/talix-dev/talix/internal/cluster"
	"github.com/talix-dev/talix/store"
)

// slow has each partition take a while to be served.
func slow(by time.Duration) func(*cluster.Config) {
	return func(c *cluster.Config) {
		serve := c.Serve
		c.Serve = func(ctx context.Context, p store.Partition, ready func()) {
			<-time.After(by)
			serve(ctx, p, ready)
		}
	}
}

// Who takes long to take partitions over is given a few at a time, by however
// many nodes, and none waits for the others.
func TestWhoAsksIsGivenWhatItTakes(t *testing.T) {
	t.Parallel()
	in(t, func(t *team) {
		a, b, c := t.join(), t.join(), t.join()
		t.run(5 * time.Second)
		t.longest()
		d := t.join(slow(150 * time.Millisecond))
		t.run(5 * time.Second)
		t.wantShares(partitions, a, b, c, d)
		t.wantPause("a slow node joins three others", 200*time.Millisecond)
	})
}

// A node that is not asked, or not heard, hands over by itself.
func TestOwnerIsDeaf(t *testing.T) {
	t.Parallel()
	in(t, func(t *team) {
		a := t.join()
		t.run(time.Second)
		t.longest()
		a.deaf.Store(true)
		b := t.join()
		t.run(6 * time.Second)
		t.wantShares(partitions, a, b)
		a.stop()
		t.run(6 * time.Second)
		t.wantShares(partitions, b)
		t.wantPause("nodes that do not hear each other move partitions", time.Second)
	})
}

// Claims that hang hold up no others.
func TestClaimHangs(t *testing.T) {
	t.Parallel()
	in(t, func(t *team) {
		a, b := t.join(), t.join()
		t.run(5 * time.Second)
		b.hangs.Store(partitions - 3)
		a.cut.Store(true) // all that was its own is claimed by the other one
		t.run(3500 * time.Millisecond)
		for p := range store.Partition(partitions - 3) {
			if !b.Owns(p) {
				t.Errorf("partition %d is not taken over while claims of others hang", p)
			}
		}
	})
}

// What is asked for that the asked node does not have, or that shall be another's,
// stays where it is.
func TestHandOverIsRefused(t *testing.T) {
	t.Parallel()
	in(t, func(t *team) {
		a, b := t.join(), t.join()
		t.run(5 * time.Second)
		for p := range store.Partition(partitions) {
			owner, other := a, b
			if b.Owns(p) {
				owner, other = b, a
			}
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			if err := owner.HandOver(ctx, p, other.Name()); err == nil || !owner.Owns(p) {
				t.Errorf("partition %d, which shall stay, is handed over: %v", p, err)
			}
			if err := other.HandOver(ctx, p, owner.Name()); err == nil {
				t.Errorf("partition %d is handed over by who does not have it", p)
			}
			cancel()
		}
		if err := a.HandOver(t.Context(), partitions, b.Name()); err == nil {
			t.Error("a partition that is not there is handed over")
		}
	})
}

// Who has handed a partition over knows where it went at once, and who is told
// so believes it until it looks again.
func TestHeirIsKnown(t *testing.T) {
	t.Parallel()
	in(t, func(t *team) {
		a := t.join()
		t.run(time.Second)
		a.stuck.Store(true) // nothing that is handed over is released
		b := t.join()
		t.run(600 * time.Millisecond)
		going := 0
		for p := range store.Partition(partitions) {
			if !a.Owns(p) {
				if going++; a.Route(p).Name != b.Name() {
					t.Errorf("partition %d, which goes to %s, is asked for at %q", p, b.Name(), a.Route(p).Name)
				}
			}
		}
		if going == 0 {
			t.Error("no partition is being handed over")
		}
		a.stuck.Store(false)
		t.run(3 * time.Second)
		p := store.Partition(0)
		for !a.Owns(p) {
			p++
		}
		if !b.Learn(p, b.Name()) || b.Route(p).Name != b.Name() {
			t.Errorf("who is told does not believe it, and asks %q", b.Route(p).Name)
		}
		if b.Learn(p, b.Name()) || b.Learn(p, "nobody") {
			t.Error("what is known, or of a node that is not, is taken for news")
		}
		t.run(time.Second)
		if b.Route(p).Name != a.Name() {
			t.Errorf("who has looked again asks %q for what %s has", b.Route(p).Name, a.Name())
		}
	})
}

// Who is asked for what is on its way there waits until it is served.
func TestAwait(t *testing.T) {
	t.Parallel()
	in(t, func(t *team) {
		a := t.join()
		t.run(time.Second)
		b := t.join(slow(300 * time.Millisecond))
		waited := 0
		for range 1000 {
			t.run(step)
			for p := range store.Partition(partitions) {
				if a.Owns(p) || a.Holds(p) || b.Owns(p) || !b.Await(t.Context(), p) {
					continue
				}
				if waited++; !b.Owns(p) {
					t.Errorf("partition %d is waited for until it is not served", p)
				}
			}
		}
		if waited == 0 {
			t.Error("nobody has waited")
		}
		t.wantShares(partitions, a, b)
	})
}

// dialing is a way to the store that has to be made for each question, unless one
// that was made before is idle.
type dialing struct {
	store.Leases
	idle chan struct{}
}

func (d dialing) use() (done func()) {
	select {
	case <-d.idle:
	default:
		<-time.After(400 * time.Millisecond)
	}
	return func() {
		<-time.After(step) // others need ways of their own
		d.idle <- struct{}{}
	}
}

func (d dialing) Beat(ctx context.Context, node, address string, lease time.Duration) error {
	defer d.use()()
	return d.Leases.Beat(ctx, node, address, lease)
}

func (d dialing) Nodes(ctx context.Context) ([]store.Node, error) {
	defer d.use()()
	return d.Leases.Nodes(ctx)
}

func (d dialing) Claim(ctx context.Context, p store.Partition, node string) (store.Epoch, bool, error) {
	defer d.use()()
	return d.Leases.Claim(ctx, p, node)
}

// No partition waits while a node that joins connects to the store.
func TestConnectionsAreThereBeforeClaims(t *testing.T) {
	t.Parallel()
	in(t, func(t *team) {
		a := t.join()
		t.run(time.Second)
		t.longest()
		b := t.join(func(c *cluster.Config) { c.Leases = dialing{c.Leases, make(chan struct{}, 1000)} })
		t.run(5 * time.Second)
		t.wantShares(partitions, a, b)
		t.wantPause("a node joins whose ways to the store take long to make", 100*time.Millisecond)
	})
}
