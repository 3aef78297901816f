package storetest_test

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
	"github.com/talix-dev/talix/store/storetest"
)

// leased is one of several stores of the same data, with a fault.
type leased struct {
	*memory.Store
	first *memory.Store // commits through it are not fenced
	fault leaseFault
	spans atomic.Int64
}

type leaseFault uint8

const (
	faultless leaseFault = iota
	noFence
	noFenceOnRelease
	claimsAnything
	claimsNothingTwice
	sameEpoch
	endlessLease
	releasesAnything
	noOwners
	noNodes
	claimsAll
	lendsNothing
	lendsAnything
	fencesAll
	losesLent
)

func (l *leased) Commit(ctx context.Context, p store.Partition, batches []store.Batch) []store.Outcome {
	out := l.Store.Commit(ctx, p, batches)
	owners, _ := l.first.Owners(ctx)
	if out[0].Err != nil && (l.fault == noFence || l.fault == noFenceOnRelease && len(owners) == 0) {
		return l.first.Commit(ctx, p, batches)
	}
	return out
}

func (l *leased) Span(ctx context.Context, parts []store.Part) []store.Outcome {
	changed := slices.Clone(parts)
	for i := range changed {
		switch e := &changed[i].Epoch; {
		case l.fault == lendsNothing && *e > 0, l.fault == fencesAll && *e < 0:
			*e = 0
		case l.fault == lendsAnything && *e > 0:
			*e = store.Unfenced
		}
	}
	if l.fault == losesLent && l.spans.Add(1)%5 == 0 {
		return slices.Repeat([]store.Outcome{{Status: store.Durable}}, len(parts))
	}
	return l.Store.Span(ctx, changed)
}

func (l *leased) Beat(ctx context.Context, node, address string, d time.Duration) error {
	if l.fault == endlessLease {
		d = time.Hour
	}
	return l.Store.Beat(ctx, node, address, d)
}

func (l *leased) Claim(ctx context.Context, p store.Partition, node string) (store.Epoch, bool, error) {
	owners, _ := l.first.Owners(ctx)
	switch {
	case l.fault == claimsAnything && len(owners) > 0:
		_ = l.Leave(ctx, owners[0].Node)
	case l.fault == claimsNothingTwice && len(owners) > 0:
		return 0, false, nil
	case l.fault == claimsAll:
		return 1, true, nil
	}
	epoch, ok, err := l.Store.Claim(ctx, p, node)
	if l.fault == sameEpoch {
		epoch = 1
	}
	return epoch, ok, err
}

func (l *leased) Release(ctx context.Context, p store.Partition, node string) (bool, error) {
	ok, err := l.Store.Release(ctx, p, node)
	return ok || l.fault == releasesAnything, err
}

func (l *leased) Owners(ctx context.Context) ([]store.Owner, error) {
	if l.fault == noOwners {
		return nil, nil
	}
	return l.Store.Owners(ctx)
}

func (l *leased) Nodes(ctx context.Context) ([]store.Node, error) {
	if l.fault == noNodes {
		return nil, nil
	}
	return l.Store.Nodes(ctx)
}

// openLeased opens stores of the same data, each with the fault.
func openLeased(fault leaseFault) func(dir string) (store.Store, error) {
	var mu sync.Mutex
	firsts := map[string]*memory.Store{}
	return func(dir string) (store.Store, error) {
		mu.Lock()
		defer mu.Unlock()
		if firsts[dir] == nil {
			firsts[dir] = memory.New(memory.Config{})
		}
		return &leased{Store: firsts[dir].Share(), first: firsts[dir], fault: fault}, nil
	}
}

type leaseMutant struct {
	name  string
	fault leaseFault
	seen  []string
}

func leaseMutants() []leaseMutant {
	return []leaseMutant{
		{"no fence", noFence, []string{"WhoLostAPartitionIsFenced", "WhoReleasedAPartitionIsFenced"}},
		{"no fence once released", noFenceOnRelease, []string{"WhoReleasedAPartitionIsFenced"}},
		{"leases keep no one", claimsAnything, []string{"LeaseKeepsOthersFromClaiming", "LeaseThatEndedDoesNot"}},
		{"claims are for ever", claimsNothingTwice, []string{"WhoLostAPartitionIsFenced", "LeaseKeepsOthersFromClaiming", "LeaseThatEndedDoesNot"}},
		{"epochs stay", sameEpoch, []string{"WhoLostAPartitionIsFenced", "LeaseKeepsOthersFromClaiming"}},
		{"leases do not end", endlessLease, []string{"LeaseThatEndedDoesNot"}},
		{"anyone releases", releasesAnything, []string{"ReleaseIsTheOwners"}},
		{"owners are not told", noOwners, []string{"OwnersAndNodesAreTold"}},
		{"nodes are not told", noNodes, []string{"OwnersAndNodesAreTold"}},
		{"lent epochs are not used", lendsNothing, []string{"LentEpochFencesAPart"}},
		{"lent parts are not fenced", lendsAnything, []string{"LentEpochFencesAPart"}},
		{"what is not to be fenced is", fencesAll, []string{"UnfencedPartIsNot"}},
		{"a lent part is lost now and then", losesLent, []string{"LentPartsBearCommitsBeside"}},
		{"everyone has what he claims", claimsAll, []string{"ClaimsOfOneMomentHaveOneWinner"}},
	}
}

func TestLeaseMutantsAreSeen(t *testing.T) {
	t.Parallel()
	features := storetest.Features{Shared: true, Durable: true}
	for _, m := range leaseMutants() {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			for _, name := range m.seen {
				storetest.Play(t, name, openLeased(faultless), features)
				if r := record(t, func(tb testing.TB) { storetest.Play(tb, name, openLeased(m.fault), features) }); !r.failed {
					t.Errorf("%s did not see it (skipped: %t)", name, r.skipped)
				}
			}
		})
	}
}
