package cluster

import (
	"context"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"github.com/talix-dev/talix/store"
)

// sight is what a node has seen of all.
type sight struct {
	began  time.Time
	nodes  map[string]store.Node // with a lease
	owners []store.Owner         // by partition; without a Node: none
}

// forgotten is how long after the end of its lease a node is forgotten.
const forgotten = 10 * time.Minute

// look reads who lives and who owns what.
func (n *Node) look(ctx context.Context) (*sight, error) {
	began := time.Now()
	owners, err := n.cfg.Leases.Owners(ctx)
	if err != nil {
		return nil, err
	}
	nodes, err := n.cfg.Leases.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	s := &sight{began: began, nodes: map[string]store.Node{}, owners: make([]store.Owner, len(n.parts))}
	for _, node := range nodes {
		if node.Left > 0 {
			s.nodes[node.Name] = node
		} else if node.Left < -forgotten {
			_ = n.cfg.Leases.Leave(ctx, node.Name) // the next look tries again
		}
	}
	for _, o := range owners {
		if int(o.Partition) < len(s.owners) {
			s.owners[o.Partition] = o
		}
	}
	if s.whole() {
		n.joined.Store(true)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.seen = s
	n.tell()
	return s, nil
}

// whole tells whether every partition has an owner that lives.
func (s *sight) whole() bool {
	return !slices.ContainsFunc(s.owners, func(o store.Owner) bool { return s.nodes[o.Node].Name == "" })
}

// candidates are the nodes that partitions are placed on, in the order of their
// names.
func (s *sight) candidates() (names []string) {
	for name, node := range s.nodes {
		if node.Address != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// soonest is when the first lease ends of a node other than the given one, if
// nobody renews it.
func (s *sight) soonest(but string) (left time.Duration, ok bool) {
	for name, node := range s.nodes {
		if name != but && (!ok || node.Left < left) {
			left, ok = node.Left, true
		}
	}
	return left, ok
}

// place is the node that shall own a partition, by rendezvous hashing: of the
// nodes that come and go, each takes or leaves only its own share.
func place(p store.Partition, names []string) (best string) {
	var most uint64
	for _, name := range names {
		if score := weight(p, name); best == "" || score > most {
			best, most = name, score
		}
	}
	return best
}

func weight(p store.Partition, name string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // never fails
	x := h.Sum64() + uint64(p)*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9 // the finish of splitmix64
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Route is where to ask for what is in a partition: the node that owns it, or
// that it is being handed over to. It has no Name while nobody is seen to own it.
func (n *Node) Route(p store.Partition) store.Node {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.seen == nil {
		return store.Node{}
	}
	return n.route(p)
}

// Deserted tells that the node leaves and there is nobody who could take what it
// has.
func (n *Node) Deserted() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.leaving.Load() && n.seen != nil && len(n.seen.others(n.cfg.Name)) == 0
}

// others are the candidates but one.
func (s *sight) others(but string) []string {
	return slices.DeleteFunc(s.candidates(), func(name string) bool { return name == but })
}

// Member is a node as it is seen.
type Member struct {
	store.Node
	Self    bool
	Leaving bool
	Owns    int // partitions
}

// Members are the nodes that have a lease, in the order of their names, and the
// owners of all partitions, by partition; without a Node where there is none.
func (n *Node) Members() ([]Member, []store.Owner) {
	n.mu.Lock()
	s := n.seen
	n.mu.Unlock()
	if s == nil {
		return nil, nil
	}
	owns := map[string]int{}
	for _, o := range s.owners {
		owns[o.Node]++
	}
	var all []Member
	for name, node := range s.nodes {
		all = append(all, Member{node, name == n.cfg.Name, node.Address == "", owns[name]})
	}
	slices.SortFunc(all, func(a, b Member) int { return strings.Compare(a.Name, b.Name) })
	return all, slices.Clone(s.owners)
}
