package api

import (
	"context"
	"time"

	"github.com/talix-dev/talix"
)

// Cluster is who works on the store, as this node saw it last.
type Cluster struct {
	// Clustered: the program is one of several nodes. Otherwise it has the store
	// for itself, and there is one node, without a name.
	Clustered bool          `json:"clustered"`
	Ready     bool          `json:"ready"`
	Reason    string        `json:"reason,omitempty"` // why it is not ready
	Nodes     []ClusterNode `json:"nodes"`
	// Partitions are all of the store's.
	Partitions []ClusterPartition `json:"partitions"`
	// Lags are how far the actions on events are that this node runs, and Views
	// how far the views.
	Lags  []Lag  `json:"lags,omitempty"`
	Views []View `json:"views,omitempty"`
}

// ClusterNode is a program that works on the store.
type ClusterNode struct {
	Name    string `json:"name,omitempty"` // of this run of the program
	Address string `json:"address,omitempty"`
	Self    bool   `json:"self,omitempty"` // it is the one that answers
	Leaving bool   `json:"leaving,omitempty"`
	// Partitions is how many it owns.
	Partitions int `json:"partitions"`
	// LeaseNanos is how long its lease was still to last; zero where there are no
	// leases.
	Lease time.Duration `json:"leaseNanos,omitempty"`
}

// ClusterPartition is a partition of the store, and who owns it.
type ClusterPartition struct {
	Partition int    `json:"partition"`
	Node      string `json:"node,omitempty"`  // its name; empty: none, or the only one
	Epoch     int64  `json:"epoch,omitempty"` // counts how often it has moved
	Head      int64  `json:"head"`            // the last position that this node knows of
}

// Cluster tells who works on the store.
func (a *API) Cluster() Cluster {
	c := Cluster{Ready: true, Nodes: []ClusterNode{}, Lags: a.lags(), Views: a.viewStatus()}
	if err := a.rt.Ready(); err != nil {
		c.Ready, c.Reason = false, err.Error()
	}
	for _, n := range a.rt.Cluster().Nodes() {
		c.Nodes = append(c.Nodes, ClusterNode{Name: n.Name, Address: n.Address, Self: n.Self, Leaving: n.Leaving, Partitions: n.Partitions, Lease: n.Lease})
	}
	for p, head := range a.rt.Log().Head() {
		c.Partitions = append(c.Partitions, ClusterPartition{Partition: p, Head: head})
	}
	if c.Clustered = a.rt.Cluster().Enabled(); !c.Clustered {
		c.Nodes = []ClusterNode{{Self: true, Partitions: len(c.Partitions)}}
	}
	for _, o := range a.rt.Cluster().Partitions() {
		c.Partitions[o.Partition].Node, c.Partitions[o.Partition].Epoch = o.Node, o.Epoch
	}
	return c
}

func (a *API) lags() (all []Lag) {
	for _, l := range a.rt.Lags() {
		all = append(all, Lag(l))
	}
	return all
}

// drainWithin bounds how long handing over may take.
const drainWithin = time.Minute

// Drain hands all partitions of this node over to the others. It takes none any
// more until the program is started again. Where no other node could take them,
// it is rejected.
func (a *API) Drain(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, drainWithin)
	defer cancel()
	self, others := "", 0
	for _, n := range a.rt.Cluster().Nodes() {
		switch {
		case n.Self:
			self = n.Name
		case !n.Leaving:
			others++
		}
	}
	return a.change(ctx, "drain node", self, func() error {
		if others == 0 {
			return talix.Reject("there is no other node that could take over: start one first")
		}
		return a.rt.Cluster().Drain(ctx)
	})
}
