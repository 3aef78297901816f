package cluster

import (
	"maps"
	"time"

	"github.com/talix-dev/talix/store"
)

// plan is what a look leads to. What it names is busy from then on.
type plan struct {
	claim   []store.Partition
	release []store.Partition // of which nothing is under way here
	ask     []store.Partition // others are to hand over to this node
	awaits  bool              // others are to release what shall be this node's, and were asked in vain
	later   bool              // more is to be handed over, once some of it was
	patient bool              // others are to ask for what this node has

	names       []string // that partitions are placed on
	room, hands int
}

// plan works out what to do, and begins to hand over what shall be another's and
// is not asked for.
func (n *Node) plan(s *sight) (do plan) {
	do.names = n.candidates(s)
	n.mu.Lock()
	defer n.mu.Unlock()
	do.room, do.hands = n.room(s), handedAtOnce-n.coming()
	if len(do.names) == 0 {
		do.room = len(n.parts) // there is nobody whom it would be too much for
	}
	awaited := map[string]bool{}
	for i := range n.parts {
		p, part := store.Partition(i), &n.parts[i]
		switch {
		case part.unask != nil:
			n.planAsked(s, p, &do)
		case part.busy || part.known.After(s.began):
		case part.stop != nil:
			n.planOwn(s, p, &do, awaited)
		default:
			n.planOther(s, p, &do)
		}
	}
	maps.DeleteFunc(n.askers, func(name string, _ time.Time) bool { return !awaited[name] })

	do.ask = do.ask[:min(max(0, do.hands), len(do.ask))]
	for _, some := range [][]store.Partition{do.claim, do.release, do.ask} {
		for _, p := range some {
			n.parts[p].busy = true
		}
	}
	return do
}

// candidates are the nodes that this one places partitions on.
func (n *Node) candidates(s *sight) []string {
	if n.leaving.Load() {
		return s.others(n.cfg.Name)
	}
	return s.candidates()
}

// planOwn is the plan for what is under way here. n.mu is held.
func (n *Node) planOwn(s *sight, p store.Partition, do *plan, awaited map[string]bool) {
	part, owner, want := &n.parts[p], s.owners[p], place(p, do.names)
	switch {
	case owner.Node != n.cfg.Name || owner.Epoch != part.epoch:
		n.lose(p)
	case n.keeps(p, want):
	case n.waitsFor(want):
		awaited[want], do.patient = true, true
	case do.room == 0:
		do.later = true
	default:
		do.room--
		n.handOver(p, want)
	}
}

// planOther is the plan for what is not under way here. n.mu is held.
func (n *Node) planOther(s *sight, p store.Partition, do *plan) {
	owner := s.owners[p].Node
	wanted, mine := place(p, do.names) == n.cfg.Name, owner == n.cfg.Name
	_, owned := s.nodes[owner]
	switch {
	case wanted && owner == "" && do.hands <= 0 && n.joined.Load(): // before, nobody misses one more than another
		do.later = true
	case wanted && owner == "":
		do.hands--
		do.claim = append(do.claim, p)
	case wanted && (mine || !owned):
		do.claim = append(do.claim, p)
	case wanted && (n.cfg.Ask == nil || time.Since(n.parts[p].refused) < n.patience()):
		do.awaits = true
	case wanted:
		do.ask = append(do.ask, p)
	case mine:
		do.release = append(do.release, p)
	}
}

// planAsked is the plan for what another node is asked for. One that does not
// answer may have released it all the same. n.mu is held.
func (n *Node) planAsked(s *sight, p store.Partition, do *plan) {
	part := &n.parts[p]
	switch {
	case s.began.Before(part.asked):
	case s.owners[p].Node != part.of:
		part.unask()
	case time.Since(part.asked) > n.cfg.Lease/20:
		do.awaits = true
	}
}

// keeps tells whether a partition stays, or is being handed over. n.mu is held.
func (n *Node) keeps(p store.Partition, want string) bool {
	stays := want == n.cfg.Name || want == "" || n.leaving.Load()
	return n.parts[p].handing || stays && !n.handing.Load()
}

// waitsFor tells whether a node that partitions are to go to may still ask for
// them: who asks takes them the moment they are released. n.mu is held.
func (n *Node) waitsFor(node string) bool {
	if n.cfg.Ask == nil || node == "" {
		return false
	}
	since, ok := n.askers[node]
	if !ok {
		since = time.Now()
		n.askers[node] = since
	}
	return time.Since(since) < n.cfg.Lease/2
}

// handOver begins to hand a partition over. n.mu is held.
func (n *Node) handOver(p store.Partition, to string) {
	part := &n.parts[p]
	part.handing, part.since = true, time.Now()
	part.heir, part.told = to, part.since
	if n.cfg.NoRelease {
		n.work.Go(func() { n.releaseIt(p) })
		return
	}
	n.lose(p)
}
