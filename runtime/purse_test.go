package runtime_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store"
)

// purseOf is the id of a purse that a node owns, if it owns any, and as long as no
// node comes or goes. Where it does not, tests hold all the same, and prove less.
func purseOf(t *testing.T, n *node, name string) string {
	t.Helper()
	self := ""
	for _, member := range n.Cluster().Nodes() {
		if member.Self {
			self = member.Name
		}
	}
	owners := n.Cluster().Partitions()
	for i := range 1000 {
		if id := fmt.Sprint(name, "-", i); ownerOf(owners, id) == self {
			return id
		}
	}
	return name
}

// ownerOf is the node that has a purse.
func ownerOf(owners []runtime.ClusterPartition, id string) string {
	return owners[store.PartitionOf(store.Stream{Type: "purse", ID: id}, len(owners))].Node
}

// lookOnce asks a node that is about to get a purse. It gives up where the node had
// it before, so that its question waits for the append from which it is asked.
func (w *world) lookOnce(t *testing.T, n *node, id string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		if _, err := talix.Run(n.Context(ctx), w.look, id, struct{}{}); err == nil {
			return
		}
		<-time.After(2 * time.Millisecond)
	}
	t.Log("the purse could not be looked at: nothing is proved")
}
