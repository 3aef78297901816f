package console

import (
	"net/http"
	"slices"

	"github.com/talix-dev/talix/console/api"
)

// clusterPage is the page of the nodes.
type clusterPage struct {
	api.Cluster
	// Drainable: this node has something that others could take.
	Drainable bool
	Owners    map[string]string // addresses of nodes, by name
	Unowned   int               // partitions
	Position  int64             // how long the log is, over all partitions
}

func (c *Console) cluster(*http.Request) (view, error) {
	p := clusterPage{Cluster: c.api.Cluster(), Owners: map[string]string{}}
	others := false
	for _, n := range p.Nodes {
		p.Owners[n.Name] = n.Address
		others = others || !n.Self && !n.Leaving
	}
	p.Drainable = others && slices.ContainsFunc(p.Nodes, func(n api.ClusterNode) bool { return n.Self && !n.Leaving })
	for _, part := range p.Partitions {
		p.Position += part.Head
		if p.Clustered && part.Node == "" {
			p.Unowned++
		}
	}
	return view{page: "cluster", title: "Cluster", tab: "/cluster", Data: p}, nil
}
