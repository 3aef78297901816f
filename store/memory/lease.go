package memory

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/talix-dev/talix/store"
)

// Share is another Store of the same data, as another process would have one:
// it commits under epochs of its own, and is closed for itself. Faults are those
// of the first.
func (s *Store) Share() *Store {
	return &Store{config: s.config, identity: s.identity, partitions: s.partitions, nodes: s.nodes, epochs: make([]atomic.Int64, len(s.partitions))}
}

// nodes are the leases of those who share the data.
type nodes struct {
	mu  sync.Mutex
	all map[string]lease
}

type lease struct {
	address string
	until   time.Time
}

// living tells whether a node's lease has not ended.
func (n *nodes) living(node string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	l, ok := n.all[node]
	return ok && time.Now().Before(l.until)
}

// Beat implements store.Leases.
func (s *Store) Beat(ctx context.Context, node, address string, d time.Duration) error {
	if _, err := s.beginRead(ctx, 0, "Beat"); err != nil {
		return fmt.Errorf("renew lease of node %s: %w", node, err)
	}
	defer s.calls.Done()
	s.nodes.mu.Lock()
	defer s.nodes.mu.Unlock()
	s.nodes.all[node] = lease{address, time.Now().Add(d)}
	return nil
}

// Leave implements store.Leases.
func (s *Store) Leave(ctx context.Context, node string) error {
	if _, err := s.beginRead(ctx, 0, "Leave"); err != nil {
		return fmt.Errorf("end lease of node %s: %w", node, err)
	}
	defer s.calls.Done()
	s.nodes.mu.Lock()
	defer s.nodes.mu.Unlock()
	delete(s.nodes.all, node)
	return nil
}

// Nodes implements store.Leases.
func (s *Store) Nodes(ctx context.Context) ([]store.Node, error) {
	if _, err := s.beginRead(ctx, 0, "Nodes"); err != nil {
		return nil, fmt.Errorf("list nodes: %w", err)
	}
	defer s.calls.Done()
	s.nodes.mu.Lock()
	defer s.nodes.mu.Unlock()
	var all []store.Node
	for name, l := range s.nodes.all {
		all = append(all, store.Node{Name: name, Address: l.address, Left: time.Until(l.until)})
	}
	return all, nil
}

// Owners implements store.Leases.
func (s *Store) Owners(ctx context.Context) (owners []store.Owner, err error) {
	if _, err := s.beginRead(ctx, 0, "Owners"); err != nil {
		return nil, fmt.Errorf("list owners: %w", err)
	}
	defer s.calls.Done()
	for _, p := range s.partitions {
		p.mu.RLock()
		if p.owner != "" {
			owners = append(owners, store.Owner{Partition: p.number, Node: p.owner, Epoch: p.epoch})
		}
		p.mu.RUnlock()
	}
	return owners, nil
}

// Claim implements store.Leases.
func (s *Store) Claim(ctx context.Context, p store.Partition, node string) (store.Epoch, bool, error) {
	part, err := s.beginRead(ctx, p, "Claim")
	if err != nil {
		return 0, false, fmt.Errorf("claim partition %d for node %s: %w", p, node, err)
	}
	defer s.calls.Done()
	part.mu.Lock()
	defer part.mu.Unlock()
	if part.owner != "" && part.owner != node && s.nodes.living(part.owner) {
		return 0, false, nil
	}
	part.owner = node
	part.epoch++
	s.epochs[p].Store(int64(part.epoch))
	return part.epoch, true, nil
}

// Release implements store.Leases.
func (s *Store) Release(ctx context.Context, p store.Partition, node string) (bool, error) {
	part, err := s.beginRead(ctx, p, "Release")
	if err != nil {
		return false, fmt.Errorf("release partition %d of node %s: %w", p, node, err)
	}
	defer s.calls.Done()
	part.mu.Lock()
	defer part.mu.Unlock()
	if part.owner != node || part.epoch != store.Epoch(s.epochs[p].Load()) {
		return false, nil
	}
	part.owner = ""
	part.epoch++
	return true, nil
}

// fenced tells that a Store which commits under an epoch has lost the
// partition. p.mu is held.
func (p *partition) fenced(epoch store.Epoch) error {
	if epoch == 0 || epoch == p.epoch {
		return nil
	}
	return fmt.Errorf("commit: %w: partition %d is at epoch %d and not at %d, as when it was claimed", store.ErrFenced, p.number, p.epoch, epoch)
}
