package cluster

import "github.com/talix-dev/talix/store"

// Epoch is the one under which the node serves a partition; false while it may
// not answer from memory. Whoever commits under it is fenced as the node is.
func (n *Node) Epoch(p store.Partition) (store.Epoch, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.parts[p].epoch, n.Owns(p)
}

// Renew gives up what the node serves under an epoch, and claims it anew: of
// what others do under the former one, all that is not stored by the time at
// which the partition is served again never will be. It does not wait for that.
func (n *Node) Renew(p store.Partition, epoch store.Epoch) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if part := &n.parts[p]; part.stop != nil && part.epoch == epoch {
		n.lose(p)
	}
}

// Lives tells whether a node had a lease when this one last looked.
func (n *Node) Lives(name string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.seen == nil || n.seen.nodes[name].Name != ""
}
