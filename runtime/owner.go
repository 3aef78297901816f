package runtime

import (
	"strings"

	"github.com/talix-dev/talix/store"
)

// nodeName is the name of a node in one run of its program. It begins with the
// address: the lease of a node that leaves has none any more.
func nodeName(address string, run store.ID) string { return address + "/" + run.String() }

// ownerOf is where to ask for what is in a partition: the node that is seen to
// own it. One that leaves answers for what it still has.
func (r *Runtime) ownerOf(p store.Partition) store.Node {
	n := r.node.Route(p)
	if n.Address == "" {
		n.Address, _, _ = strings.Cut(n.Name, "/")
	}
	return n
}
