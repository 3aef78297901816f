package cli

import (
	"context"
	"flag"
	"strconv"
	"strings"
	"time"
)

func clusterCommand() command {
	return command{
		name: "cluster", args: "[status | drain]", about: "Tell who works on the store, and how far; drain a node",
		words: []string{"status", "drain"},
		more: `  status   lists nodes, partitions, and how far actions and views are
  drain    has the node that is asked hand over all it owns; it takes nothing any
           more until it is started again, and passes requests on to the others

What is told is what the node that is asked saw last.`,
		plan: planCluster,
	}
}

func planCluster(f *flag.FlagSet) run {
	yes := yesFlag(f)
	return remote(f, verbs(
		verb{"status", nil, func(ctx context.Context, s *session, _ []string) error { return s.cluster(ctx) }},
		verb{"drain", nil, func(ctx context.Context, s *session, _ []string) error {
			if err := sure(*yes, "the node at %s would serve nothing itself until it is started again", s.admin.URL()); err != nil {
				return err
			}
			data, err := s.post(ctx, "cluster/drain", struct{}{}, &struct{}{})
			if err != nil {
				return err
			}
			return s.did(data, "the node at %s owns nothing any more; it can be stopped", s.admin.URL())
		}},
	))
}

// clusterStatus is who works on a store.
type clusterStatus struct {
	Clustered, Ready bool
	Reason           string
	Nodes            []struct {
		Name, Address string
		Self, Leaving bool
		Partitions    int
		Lease         time.Duration `json:"leaseNanos"`
	}
	Partitions []struct {
		Partition   int
		Node        string
		Epoch, Head int64
	}
	Lags []struct {
		Action string
		Lag    int64
		Lanes  int
	}
	Views []viewStatus
}

func (s *session) cluster(ctx context.Context) error {
	var c clusterStatus
	data, err := s.get(ctx, "cluster", nil, &c)
	if err != nil {
		return err
	}
	return s.show(data, func() {
		if !c.Ready {
			say(s.Stdout, "not ready: %s\n\n", plain(c.Reason))
		}
		if !c.Clustered {
			say(s.Stdout, "this program is no node of a cluster: it has the store for itself\n\n")
		} else {
			s.nodes(&c)
		}
		s.partitions(&c)
		s.lags(&c)
	})
}

func (s *session) nodes(c *clusterStatus) {
	t := newTable("NODE", "ADDRESS", "PARTITIONS", "LEASE", "")
	for _, n := range c.Nodes {
		var about []string
		if n.Self {
			about = append(about, "asked")
		}
		if n.Leaving {
			about = append(about, "leaves")
		}
		t.row(n.Name, dash(n.Address), strconv.Itoa(n.Partitions), took(n.Lease), strings.Join(about, ", "))
	}
	s.table(t, "no node has a lease")
	say(s.Stdout, "\n")
}

func (s *session) partitions(c *clusterStatus) {
	t := newTable("PARTITION", "HEAD", "EPOCH", "OWNER")
	for _, p := range c.Partitions {
		t.row(strconv.Itoa(p.Partition), number(p.Head), number(p.Epoch), dash(p.Node))
	}
	s.table(t, "")
}

func (s *session) lags(c *clusterStatus) {
	t := newTable("FOLLOWS", "NAME", "LAG", "PARKED OR WAITING")
	for _, l := range c.Lags {
		t.row("action", l.Action, number(l.Lag), strconv.Itoa(l.Lanes))
	}
	for _, v := range c.Views {
		t.row("view", v.Name, number(v.Lag), strconv.Itoa(v.Parked))
	}
	if !t.empty() {
		say(s.Stdout, "\n")
		s.table(t, "")
	}
}
