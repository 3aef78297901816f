// Package fault breaks nodes, their database, and what lies between them.
package fault

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/talix-dev/talix/internal/torture/line"
	"github.com/talix-dev/talix/internal/torture/rig"
)

// Fault is one way to break a rig.
type Fault struct {
	Name string
	// Goal is how long a partition may pause; 0: there is none.
	Goal time.Duration
	// Back is what the mending of it is called, where that is looked at alone:
	// the others have taken over by then. Empty: the fault lasts until it is
	// mended. BackGoal is how long a partition may pause then.
	Back     string
	BackGoal time.Duration

	least, most time.Duration // how long it lasts
	alone       bool          // it is not mixed with others
	begin       func(context.Context, *scene) (mend, error)
}

// mend undoes a fault.
type mend func(context.Context) error

// scene is what a fault is chosen from.
type scene struct {
	rig  *rig.Rig
	rng  *rand.Rand
	node *rig.Node // the victim
}

// Goals of a cluster.
const (
	takeOver = 5 * time.Second
	handOver = time.Second
)

// All are the faults, but Mixed.
func All() []Fault {
	return []Fault{
		{Name: "kill", Goal: takeOver, Back: "join after kill", BackGoal: handOver, least: 3 * time.Second, most: 5 * time.Second, begin: kill},
		{Name: "killall", alone: true, begin: killAll},
		{Name: "stop", Goal: takeOver, Back: "go on after stop", BackGoal: takeOver, least: 2 * time.Second, most: 10 * time.Second, begin: suspend},
		{Name: "cutdb", Goal: takeOver, Back: "mend cutdb", BackGoal: takeOver, least: 2 * time.Second, most: 8 * time.Second, begin: cutDatabase},
		{Name: "holddb", least: 2500 * time.Millisecond, most: 5 * time.Second, begin: holdDatabase},
		{Name: "latedb", least: 3 * time.Second, most: 5 * time.Second, begin: delayDatabase},
		{Name: "lastwords", alone: true, least: 3500 * time.Millisecond, most: 5 * time.Second, begin: lastWords},
		{Name: "cutpeer", least: 2 * time.Second, most: 6 * time.Second, begin: cutPeers},
		{Name: "holdpeer", least: 2 * time.Second, most: 6 * time.Second, begin: holdPeers},
		{Name: "reset", least: 2 * time.Second, most: 4 * time.Second, begin: resetCommits},
		{Name: "pgrestart", alone: true, least: 0, most: 2 * time.Second, begin: restartDatabase},
		{Name: "pgstop", alone: true, least: 2 * time.Second, most: 6 * time.Second, begin: suspendDatabase},
		{Name: "clock", least: time.Second, most: 3 * time.Second, begin: stepClock},
		{Name: "join", Goal: handOver, Back: "leave", BackGoal: handOver, alone: true, least: time.Second, most: 3 * time.Second, begin: join},
		{Name: "roll", Goal: handOver, alone: true, begin: roll},
	}
}

// Mixed is two faults at a time.
const Mixed = "mixed"

// Named are the faults with the names given; none: all, and Mixed.
func Named(names []string) (faults []Fault, mixed bool, err error) {
	all := All()
	if len(names) == 0 {
		return all, true, nil
	}
	for _, name := range names {
		if name == Mixed {
			mixed = true
			continue
		}
		i := slices.IndexFunc(all, func(f Fault) bool { return f.Name == name })
		if i < 0 {
			return nil, false, fmt.Errorf("there is no fault %q", name)
		}
		faults = append(faults, all[i])
	}
	return faults, mixed, nil
}

// Begin breaks the rig and returns how long that is to last, and what mends it.
func (f Fault) Begin(ctx context.Context, r *rig.Rig, rng *rand.Rand) (lasts time.Duration, mend func(context.Context) error, err error) {
	nodes := r.Nodes()
	s := &scene{rig: r, rng: rng, node: nodes[rng.IntN(len(nodes))]}
	lasts = f.least + rand64(rng, f.most-f.least)
	mend, err = f.begin(ctx, s)
	if err != nil {
		return 0, nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	return lasts, mend, nil
}

func rand64(rng *rand.Rand, most time.Duration) time.Duration {
	return time.Duration(rng.Int64N(int64(max(most, 0)) + 1))
}

// Mix makes one fault of two that can be there at the same time.
func Mix(rng *rand.Rand) Fault {
	var able []Fault
	for _, f := range All() {
		if !f.alone {
			able = append(able, f)
		}
	}
	i := rng.IntN(len(able))
	k := (i + 1 + rng.IntN(len(able)-1)) % len(able)
	one, other := able[i], able[k]
	if one.Name == "kill" { // a node starts when all else is mended
		one, other = other, one
	}
	return Fault{
		Name: Mixed, least: max(one.least, other.least), most: max(one.most, other.most),
		begin: func(ctx context.Context, s *scene) (mend, error) {
			first, err := one.begin(ctx, s)
			if err != nil {
				return nil, err
			}
			nodes := s.rig.Nodes() // another victim, where there is one
			at := slices.Index(nodes, s.node)
			second, err := other.begin(ctx, &scene{s.rig, rng, nodes[(at+1)%len(nodes)]})
			if err != nil {
				return nil, errors.Join(err, first(ctx))
			}
			return func(ctx context.Context) error { return errors.Join(first(ctx), second(ctx)) }, nil
		},
	}
}

func nothing(context.Context) error { return nil }

func kill(_ context.Context, s *scene) (mend, error) {
	return s.node.Start, s.node.Kill()
}

func killAll(ctx context.Context, s *scene) (mend, error) {
	if err := all(s.rig.Nodes(), (*rig.Node).Kill); err != nil {
		return nil, err
	}
	return nothing, all(s.rig.Nodes(), func(n *rig.Node) error { return n.Start(ctx) })
}

// all does something with all nodes at the same time.
func all(nodes []*rig.Node, do func(*rig.Node) error) error {
	faults := make([]error, len(nodes))
	var group sync.WaitGroup
	for i, n := range nodes {
		group.Go(func() { faults[i] = do(n) })
	}
	group.Wait()
	return errors.Join(faults...)
}

func suspend(ctx context.Context, s *scene) (mend, error) {
	return func(context.Context) error { return s.node.Resume() }, s.node.Suspend(ctx)
}

// sick keeps clients that choose from a node while one of its lines is broken.
func sick(n *rig.Node, l *line.Line) mend {
	n.Unhealthy()
	return func(context.Context) error {
		l.Mend()
		n.Healthy()
		return nil
	}
}

func cutDatabase(_ context.Context, s *scene) (mend, error) {
	s.node.Database.Cut()
	return sick(s.node, s.node.Database), nil
}

// holdDatabase has all that a node sends to the database, or hears of it, or
// both, come late.
func holdDatabase(_ context.Context, s *scene) (mend, error) {
	hold(s, s.node.Database)
	return sick(s.node, s.node.Database), nil
}

// delayDatabase has what a node sends to the database come late, so that it has
// lost its partitions by then.
func delayDatabase(_ context.Context, s *scene) (mend, error) {
	s.node.Database.Hold(line.There)
	return sick(s.node, s.node.Database), nil
}

// lastWords is a node whose commits come late, after others have taken over, and
// which dies once it has told of them.
func lastWords(_ context.Context, s *scene) (mend, error) {
	s.node.Unhealthy()
	s.node.Database.Hold(line.There)
	return func(ctx context.Context) error {
		s.node.Database.Mend()
		timer := time.NewTimer(300 * time.Millisecond)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		if err := s.node.Kill(); err != nil {
			return err
		}
		return s.node.Start(ctx)
	}, nil
}

func hold(s *scene, l *line.Line) {
	switch s.rng.IntN(3) {
	case 0:
		l.Hold(line.There)
	case 1:
		l.Hold(line.Back)
	default:
		l.Hold(line.There, line.Back)
	}
}

func cutPeers(_ context.Context, s *scene) (mend, error) {
	s.node.Peers.Cut()
	return sick(s.node, s.node.Peers), nil
}

func holdPeers(_ context.Context, s *scene) (mend, error) {
	hold(s, s.node.Peers)
	return sick(s.node, s.node.Peers), nil
}

// commitMark stands in each message that has the database commit: the name of a
// prepared statement, in PostgreSQL's protocol.
const commitMark = "\x00talix_commit\x00"

// resetCommits lets nodes commit and never hear of it: each connection is reset
// when the answer to a commit comes.
func resetCommits(_ context.Context, s *scene) (mend, error) {
	nodes := s.rig.Nodes()
	for _, n := range nodes {
		n.Database.Trap(commitMark)
	}
	return func(context.Context) error {
		for _, n := range nodes {
			n.Database.Mend()
		}
		return nil
	}, nil
}

func restartDatabase(ctx context.Context, s *scene) (mend, error) {
	return s.rig.Server().Start, s.rig.Server().Crash(ctx)
}

func suspendDatabase(_ context.Context, s *scene) (mend, error) {
	return func(context.Context) error { return s.rig.Server().Resume() }, s.rig.Server().Suspend()
}

// stepClock sets the clock of the database back, or forward by what is promised
// to do no harm: less than a tenth of a lease.
func stepClock(ctx context.Context, s *scene) (mend, error) {
	by := -rand64(s.rng, 5*time.Second)
	if s.rng.IntN(2) == 0 {
		by = rand64(s.rng, 150*time.Millisecond)
	}
	return nothing, s.rig.StepClock(ctx, by)
}

func join(ctx context.Context, s *scene) (mend, error) {
	n, err := s.rig.Join(ctx)
	return func(context.Context) error { return s.rig.Leave(n) }, err
}

// roll restarts all nodes, one after another.
func roll(ctx context.Context, s *scene) (mend, error) {
	for _, n := range s.rig.Nodes() {
		if err := n.Stop(); err != nil {
			return nil, err
		}
		if err := n.Start(ctx); err != nil {
			return nil, err
		}
		if err := s.rig.Ready(ctx); err != nil {
			return nil, err
		}
	}
	return nothing, nil
}
