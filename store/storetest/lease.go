package storetest

import (
	"errors"
	"time"

	"github.com/talix-dev/talix/store"
)

func leaseCases() []testCase {
	shared := Features{Shared: true}
	return []testCase{
		{name: "WhoLostAPartitionIsFenced", needs: shared, leases: true, run: whoLostAPartitionIsFenced},
		{name: "WhoReleasedAPartitionIsFenced", needs: shared, leases: true, run: whoReleasedAPartitionIsFenced},
		{name: "LeaseKeepsOthersFromClaiming", needs: shared, leases: true, run: leaseKeepsOthersFromClaiming},
		{name: "LeaseThatEndedDoesNot", needs: shared, leases: true, run: leaseThatEndedDoesNot},
		{name: "ReleaseIsTheOwners", needs: shared, leases: true, run: releaseIsTheOwners},
		{name: "OwnersAndNodesAreTold", needs: shared, leases: true, run: ownersAndNodesAreTold},
		{name: "ClaimsOfOneMomentHaveOneWinner", needs: shared, leases: true, run: claimsOfOneMomentHaveOneWinner},
		{name: "LentEpochFencesAPart", needs: shared, leases: true, spans: true, run: lentEpochFencesAPart},
		{name: "UnfencedPartIsNot", needs: shared, leases: true, spans: true, keeps: true, run: unfencedPartIsNot},
		{name: "LentPartsBearCommitsBeside", needs: shared, leases: true, spans: true, run: lentPartsBearCommitsBeside},
	}
}

// handle is one of several stores of the same data, as one node has it.
type handle struct {
	*fixture
	store.Leases
	node  string
	store store.Store
}

// pair is the fixture's store for two nodes.
func (f *fixture) pair() (a, b *handle) {
	f.Helper()
	both := f.handles(2)
	make := func(i int, node string) *handle {
		l, ok := both[i].(store.Leases)
		if !ok {
			f.Fatalf("%T has no leases, though another one of the driver has", both[i])
		}
		return &handle{f, l, node, both[i]}
	}
	return make(0, "a"), make(1, "b")
}

func (h *handle) beat(lease time.Duration) {
	h.Helper()
	if err := h.Beat(h.Context(), h.node, "10.0.0.1:7000", lease); err != nil {
		h.Fatalf("beat: %v", err)
	}
}

func (h *handle) wantClaim(p store.Partition, want bool) store.Epoch {
	h.Helper()
	epoch, ok, err := h.Claim(h.Context(), p, h.node)
	if err != nil || ok != want {
		h.Fatalf("node %s claims partition %d: %t (%v), want %t", h.node, p, ok, err, want)
	}
	return epoch
}

func (h *handle) wantRelease(p store.Partition, want bool) {
	h.Helper()
	if ok, err := h.Release(h.Context(), p, h.node); err != nil || ok != want {
		h.Fatalf("node %s releases partition %d: %t (%v), want %t", h.node, p, ok, err, want)
	}
}

func (h *handle) wantDurable(p store.Partition, batches ...store.Batch) {
	h.Helper()
	for i, o := range h.store.Commit(h.Context(), p, batches) {
		if o.Status != store.Durable {
			h.Errorf("batch %d of node %s ended as %v (%v)", i, h.node, o.Status, o.Err)
		}
	}
}

// wantFenced: nothing is written, in a group with others or alone.
func (h *handle) wantFenced(p store.Partition, batches ...store.Batch) {
	h.Helper()
	for i, o := range h.store.Commit(h.Context(), p, batches) {
		if o.Status != store.Failed || !errors.Is(o.Err, store.ErrFenced) {
			h.Errorf("batch %d of node %s ended as %v (%v), want failed and fenced", i, h.node, o.Status, o.Err)
		}
	}
}

// whoLostAPartitionIsFenced: even what would fit is not written.
func whoLostAPartitionIsFenced(f *fixture) {
	a, b := f.pair()
	p := f.home()
	s, other := f.stream(p, "s"), f.stream(p, "t")
	a.wantDurable(p, f.batch(s, 0, 1)) // it was never claimed
	first := a.wantClaim(p, true)
	a.wantDurable(p, f.batch(s, 1, 1))
	b.wantDurable(p, f.batch(s, 2, 1))
	if second := b.wantClaim(p, true); second <= first { // a has no lease
		f.Errorf("epoch %d follows %d", second, first)
	}
	a.wantFenced(p, f.batch(s, 3, 1), f.batch(other, 0, 1))
	a.wantFenced(p, store.Batch{Marks: []store.Mark{{Consumer: "view", To: 1}}})
	a.wantFenced(p, f.keyed(store.Batch{}, f.id(), "done"))
	b.wantDurable(p, f.batch(s, 3, 1))
	if q := f.some(); len(q) > 1 {
		a.wantDurable(q[1], f.batch(f.stream(q[1], "u"), 0, 1))
	}
	a.wantClaim(p, true)
	b.wantFenced(p, f.batch(s, 4, 1))
	a.wantDurable(p, f.batch(s, 4, 1))
	f.wantVersion(s, 5)
	f.wantVersion(other, 0)
}

func whoReleasedAPartitionIsFenced(f *fixture) {
	a, b := f.pair()
	p := f.home()
	s := f.stream(p, "s")
	a.beat(time.Hour)
	b.beat(time.Hour)
	a.wantClaim(p, true)
	a.wantRelease(p, true)
	a.wantFenced(p, f.batch(s, 0, 1))
	b.wantClaim(p, true)
	a.wantFenced(p, f.batch(s, 0, 1))
	b.wantDurable(p, f.batch(s, 0, 1))
}

func leaseKeepsOthersFromClaiming(f *fixture) {
	a, b := f.pair()
	p := f.home()
	a.beat(time.Hour)
	first := a.wantClaim(p, true)
	b.wantClaim(p, false)
	a.wantDurable(p, f.batch(f.stream(p, "s"), 0, 1))
	if again := a.wantClaim(p, true); again <= first {
		f.Errorf("epoch %d follows %d, though it was claimed again", again, first)
	}
	a.wantDurable(p, f.batch(f.stream(p, "t"), 0, 1))
}

func leaseThatEndedDoesNot(f *fixture) {
	a, b := f.pair()
	p := f.home()
	a.beat(time.Hour)
	a.wantClaim(p, true)
	a.beat(-time.Second) // as if it had not renewed it in time
	b.wantClaim(p, true)
	b.beat(time.Hour)
	a.wantClaim(p, false)
	if err := b.Leave(f.Context(), b.node); err != nil {
		f.Fatalf("leave: %v", err)
	}
	a.wantClaim(p, true)
}

// releaseIsTheOwners: who lost a partition takes it from nobody.
func releaseIsTheOwners(f *fixture) {
	a, b := f.pair()
	p := f.home()
	a.wantClaim(p, true)
	b.wantRelease(p, false)
	b.beat(time.Hour)
	b.wantClaim(p, true)
	a.wantRelease(p, false)
	a.wantClaim(p, false)
	b.wantDurable(p, f.batch(f.stream(p, "s"), 0, 1))
}

func ownersAndNodesAreTold(f *fixture) {
	a, b := f.pair()
	p := f.home()
	a.beat(time.Hour)
	b.beat(time.Hour)
	epoch := b.wantClaim(p, true)
	owners, err := a.Owners(f.Context())
	if err != nil || len(owners) != 1 || owners[0] != (store.Owner{Partition: p, Node: "b", Epoch: epoch}) {
		f.Errorf("owners are %v (%v)", owners, err)
	}
	nodes, err := a.Nodes(f.Context())
	if err != nil || len(nodes) != 2 {
		f.Errorf("nodes are %v (%v)", nodes, err)
	}
	for _, n := range nodes {
		if n.Address != "10.0.0.1:7000" || n.Left < time.Minute || n.Left > time.Hour {
			f.Errorf("there is the node %+v", n)
		}
	}
	b.wantRelease(p, true)
	if owners, err := a.Owners(f.Context()); err != nil || len(owners) != 0 {
		f.Errorf("owners are %v (%v)", owners, err)
	}
}

func claimsOfOneMomentHaveOneWinner(f *fixture) {
	a, b := f.pair()
	a.beat(time.Hour)
	b.beat(time.Hour)
	for _, p := range f.some() {
		won := make(chan bool, 2)
		for _, h := range []*handle{a, b} {
			go func() {
				_, ok, err := h.Claim(f.Context(), p, h.node)
				if err != nil {
					f.Errorf("claim: %v", err)
				}
				won <- ok
			}()
		}
		if first, second := <-won, <-won; first == second {
			f.Errorf("partition %d was claimed by both: %t", p, first)
		}
	}
}
