package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/talix-dev/talix/internal/cluster"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

const partitions = 32

// member is a node under test, with a line to the store that can be cut.
type member struct {
	*cluster.Node
	cut     atomic.Bool
	late    atomic.Int64 // how long answers take
	stuck   atomic.Bool  // what is under way does not end
	deaf    atomic.Bool  // others ask it in vain
	hangs   atomic.Int64 // claims of this partition and those above have no answer
	served  [partitions]atomic.Int64
	running [partitions]atomic.Int64
	stop    context.CancelFunc
	ended   chan struct{}
}

var errCut = errors.New("the line is cut")

// line is the way of a node to the store.
type line struct {
	store.Leases
	m *member
}

func (l line) pass(ctx context.Context) error {
	if l.m.cut.Load() {
		<-ctx.Done()
		return errCut
	}
	return nil
}

func (l line) after() { <-time.After(time.Duration(l.m.late.Load())) }

func (l line) Beat(ctx context.Context, node, address string, d time.Duration) error {
	if err := l.pass(ctx); err != nil {
		return err
	}
	defer l.after()
	return l.Leases.Beat(ctx, node, address, d)
}

func (l line) Claim(ctx context.Context, p store.Partition, node string) (store.Epoch, bool, error) {
	if err := l.pass(ctx); err != nil {
		return 0, false, err
	}
	if int64(p) >= l.m.hangs.Load() {
		<-ctx.Done()
		return 0, false, ctx.Err()
	}
	defer l.after()
	return l.Leases.Claim(ctx, p, node)
}

func (l line) Owners(ctx context.Context) ([]store.Owner, error) {
	if err := l.pass(ctx); err != nil {
		return nil, err
	}
	return l.Leases.Owners(ctx)
}

func (l line) Nodes(ctx context.Context) ([]store.Node, error) {
	if err := l.pass(ctx); err != nil {
		return nil, err
	}
	return l.Leases.Nodes(ctx)
}

// team are nodes on one store, whose ownership is watched all the time.
type team struct {
	*testing.T
	store   *memory.Store
	mu      sync.Mutex
	members []*member
	asks    bool // nodes ask others to hand over
	double  int
	pauses  [partitions]time.Duration // the longest in which nobody owned it
	idle    [partitions]time.Duration
}

func newTeam(t *testing.T) *team {
	return &team{T: t, store: memory.New(memory.Config{Partitions: partitions})}
}

// join starts a node.
func (t *team) join(change ...func(*cluster.Config)) *member {
	m := &member{ended: make(chan struct{})}
	m.hangs.Store(partitions)
	name := fmt.Sprint("node-", len(t.members))
	c := cluster.Config{Leases: line{t.store.Share(), m}, Partitions: partitions, Name: name, Address: "http://" + name, Serve: m.serve}
	if t.asks {
		c.Ask = func(ctx context.Context, owner store.Node, p store.Partition) error {
			return t.named(owner.Name).asked(ctx, p, name)
		}
	}
	for _, f := range change {
		f(&c)
	}
	m.Node = cluster.New(c)
	ctx, cancel := context.WithCancel(context.Background())
	m.stop = cancel
	go func() {
		defer close(m.ended)
		m.Run(ctx)
	}()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.members = append(t.members, m)
	return m
}

// named is a member, by its name.
func (t *team) named(name string) *member {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.members[slices.IndexFunc(t.members, func(m *member) bool { return m.Name() == name })]
}

// asked has a member hand a partition over.
func (m *member) asked(ctx context.Context, p store.Partition, to string) error {
	if m.deaf.Load() {
		<-ctx.Done()
		return ctx.Err()
	}
	return m.HandOver(ctx, p, to)
}

func (m *member) serve(ctx context.Context, p store.Partition, ready func()) {
	m.running[p].Add(1)
	defer m.running[p].Add(-1)
	m.served[p].Add(1)
	ready()
	<-ctx.Done()
	for m.stuck.Load() {
		<-time.After(time.Millisecond)
	}
}

// owns counts the partitions of a node.
func (m *member) owns() (n int) {
	for p := range store.Partition(partitions) {
		if m.Owns(p) {
			n++
		}
	}
	return n
}

const step = 4 * time.Millisecond

// run lets time pass, and looks after each step who owns what.
func (t *team) run(d time.Duration) {
	for range d / step {
		<-time.After(step)
		synctest.Wait()
		t.observe()
	}
}

func (t *team) observe() {
	for p := range store.Partition(partitions) {
		owners := 0
		for _, m := range t.members {
			if m.Owns(p) {
				owners++
			}
			if m.running[p].Load() > 1 {
				t.Errorf("partition %d is served twice by a node", p)
			}
		}
		if owners > 1 {
			t.double++
		}
		if owners > 0 {
			t.idle[p] = 0
			continue
		}
		t.idle[p] += step
		t.pauses[p] = max(t.pauses[p], t.idle[p])
	}
}

// longest is the longest pause of a partition since it was last asked.
func (t *team) longest() (d time.Duration) {
	for p := range t.pauses {
		d = max(d, t.pauses[p])
	}
	t.pauses = [partitions]time.Duration{}
	return d
}

func (t *team) wantPause(what string, most time.Duration) {
	t.Helper()
	d := t.longest()
	t.Logf("%s: the longest pause of a partition is %v", what, d)
	if d > most {
		t.Errorf("%s: a partition paused for %v, at most %v are allowed", what, d, most)
	}
}

func (t *team) wantShares(all int, members ...*member) {
	t.Helper()
	sum := 0
	for _, m := range members {
		n := m.owns()
		if sum += n; n == 0 {
			t.Errorf("%s owns nothing", m.Name())
		}
	}
	if sum != all {
		t.Errorf("%d partitions are owned, want %d", sum, all)
	}
}

// end stops all nodes and looks at what was seen.
func (t *team) end() {
	for _, m := range t.members {
		m.stuck.Store(false)
		m.cut.Store(false)
		m.late.Store(0)
		m.stop()
	}
	for _, m := range t.members {
		<-m.ended
	}
	if t.double > 0 {
		t.Errorf("a partition had two owners, %d times", t.double)
	}
}

// in runs a test under a clock of its own.
func in(t *testing.T, test func(t *team)) {
	t.Helper()
	inTeam(t, true, test)
}

// inBoth runs a test with nodes that ask others to hand over, and with nodes that
// cannot.
func inBoth(t *testing.T, test func(t *team)) {
	t.Helper()
	for name, asks := range map[string]bool{"asked": true, "by itself": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inTeam(t, asks, test)
		})
	}
}

// inTeam is in with nodes that ask, or not.
func inTeam(t *testing.T, asks bool, test func(t *team)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		team := newTeam(t)
		team.asks = asks
		test(team)
		team.end()
	})
}

func TestNodesComeAndGo(t *testing.T) {
	t.Parallel()
	inBoth(t, func(t *team) {
		a := t.join()
		t.run(time.Second)
		t.wantShares(partitions, a)
		t.longest()
		b := t.join()
		t.run(3 * time.Second)
		t.wantShares(partitions, a, b)
		t.wantPause("a second node joins", time.Second)
		c := t.join()
		t.run(3 * time.Second)
		t.wantShares(partitions, a, b, c)
		t.wantPause("a third node joins", time.Second)
		b.stop()
		t.run(3 * time.Second)
		t.wantShares(partitions, a, c)
		t.wantPause("a node leaves", time.Second)
		for p := range partitions {
			if n := a.served[p].Load(); n > 2 {
				t.Errorf("partition %d moved to the first node %d times", p, n)
			}
		}
	})
}

// A node that is gone is missed for less than three seconds; one that only
// cannot reach the store has stopped to serve before others begin.
func TestNodeIsCutOff(t *testing.T) {
	t.Parallel()
	in(t, func(t *team) {
		a, b, c := t.join(), t.join(), t.join()
		t.run(4 * time.Second)
		t.longest()
		a.cut.Store(true)
		t.run(4 * time.Second)
		t.wantShares(partitions, b, c)
		t.wantPause("a node is cut off", 3*time.Second)
		if n := a.owns(); n > 0 {
			t.Errorf("it still owns %d partitions", n)
		}
		a.cut.Store(false)
		t.run(4 * time.Second)
		t.wantShares(partitions, a, b, c)
		t.wantPause("it comes back", time.Second)
	})
}

// When the store is away for a while and nobody has claimed anything, all goes
// on where it was.
func TestStoreIsAway(t *testing.T) {
	t.Parallel()
	in(t, func(t *team) {
		a, b := t.join(), t.join()
		t.run(4 * time.Second)
		before := a.served[0].Load() + b.served[0].Load()
		a.cut.Store(true)
		b.cut.Store(true)
		t.run(10 * time.Second)
		if n := a.owns() + b.owns(); n > 0 {
			t.Errorf("%d partitions are owned beyond the leases", n)
		}
		a.cut.Store(false)
		b.cut.Store(false)
		t.run(4 * time.Second)
		t.wantShares(partitions, a, b)
		if after := a.served[0].Load() + b.served[0].Load(); after > before+2 {
			t.Errorf("a partition was begun %d times more", after-before)
		}
	})
}

// Answers that come after the lease has ended give nothing.
func TestAnswersAreLate(t *testing.T) {
	t.Parallel()
	for _, late := range []time.Duration{500 * time.Millisecond, 1900 * time.Millisecond, 2500 * time.Millisecond} {
		t.Run(late.String(), func(t *testing.T) {
			t.Parallel()
			in(t, func(t *team) {
				a, b := t.join(), t.join()
				t.run(4 * time.Second)
				a.late.Store(int64(late))
				t.run(20 * time.Second)
				a.late.Store(0)
				t.run(10 * time.Second)
				t.wantShares(partitions, a, b)
			})
		})
	}
}

// What does not end on the one node does not begin on another, as long as the
// first one lives.
func TestWorkDoesNotEnd(t *testing.T) {
	t.Parallel()
	inBoth(t, func(t *team) {
		a := t.join()
		t.run(time.Second)
		a.stuck.Store(true)
		b := t.join()
		t.run(5 * time.Second)
		if n := b.owns(); n > 0 {
			t.Errorf("the second node owns %d partitions of which work is under way on the first", n)
		}
		a.stuck.Store(false)
		t.run(2 * time.Second)
		t.wantShares(partitions, a, b)
	})
}

// A node that was drained lives on, without partitions, and knows where they are.
func TestDrain(t *testing.T) {
	t.Parallel()
	inBoth(t, func(t *team) {
		a, b := t.join(), t.join()
		t.run(4 * time.Second)
		t.longest()
		drained := make(chan error, 1)
		go func() { drained <- a.Drain(context.Background()) }()
		t.run(3 * time.Second)
		if err := <-drained; err != nil {
			t.Error(err)
		}
		t.wantShares(partitions, b)
		t.wantPause("a node is drained", time.Second)
		if to := a.Route(0); to.Address != "http://node-1" {
			t.Errorf("partition 0 is with %+v", to)
		}
		members, owners := a.Members()
		if len(members) != 2 || !members[0].Self || !members[0].Leaving || members[1].Owns != partitions || owners[3].Node != "node-1" {
			t.Errorf("members are %+v", members)
		}
	})
}

// The last node waits for nobody: there is no one to take what it has bit by bit.
func TestLastNodesAreDrainedAtOnce(t *testing.T) {
	t.Parallel()
	inBoth(t, func(t *team) {
		all := []*member{t.join(), t.join()}
		t.run(4 * time.Second)
		drained := make(chan error, len(all))
		for _, m := range all {
			go func() { drained <- m.Drain(context.Background()) }()
		}
		t.run(time.Second)
		for range all {
			select {
			case err := <-drained:
				if err != nil {
					t.Error(err)
				}
			default:
				t.Fatal("a node is not drained yet")
			}
		}
		if n := all[0].owns() + all[1].owns(); n > 0 {
			t.Errorf("%d partitions are owned still", n)
		}
	})
}

// The checks of these tests see what they are for: a node that goes on after
// the end of its lease, and one that hands over what it still serves.
func TestFaultsAreSeen(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func(*cluster.Config){
		"no lease":   func(c *cluster.Config) { c.NoLease = true },
		"no release": func(c *cluster.Config) { c.NoRelease = true },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				team := newTeam(t)
				a := team.join(fault)
				team.run(time.Second)
				a.stuck.Store(name == "no release")
				team.join(fault)
				team.run(3 * time.Second)
				a.cut.Store(true)
				team.run(4 * time.Second)
				if team.double == 0 {
					t.Error("nobody has seen two owners")
				}
				team.double = 0
				team.end()
			})
		})
	}
}

// However much there is to hand over, and however long each partition takes to be
// taken over, none pauses for all of them.
func TestHandOverIsBitByBit(t *testing.T) {
	t.Parallel()
	inBoth(t, func(t *team) {
		shared := make(chan struct{}, 1) // by all, as the database is
		slow := func(c *cluster.Config) {
			serve := c.Serve
			c.Serve = func(ctx context.Context, p store.Partition, ready func()) {
				shared <- struct{}{}
				<-time.After(50 * time.Millisecond)
				<-shared
				serve(ctx, p, ready)
			}
		}
		a := t.join(slow)
		t.run(3 * time.Second)
		b := t.join(slow)
		t.run(3 * time.Second)
		c := t.join(slow)
		t.run(3 * time.Second)
		t.longest()
		a.stop()
		t.run(3 * time.Second)
		t.wantShares(partitions, b, c)
		b.stop()
		t.run(4 * time.Second)
		t.wantShares(partitions, c)
		d := t.join(slow)
		t.run(3 * time.Second)
		c.stop()
		t.run(4 * time.Second)
		t.wantShares(partitions, d)
		t.wantPause("all partitions are handed over", 700*time.Millisecond)
	})
}
