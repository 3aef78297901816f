package runtime

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/internal/cluster"
	"github.com/talix-dev/talix/internal/peer"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
)

// ClusterConfig makes a runtime one of several nodes that work on a store.
type ClusterConfig struct {
	// Address is where the other nodes reach this one's PeerHandler, as in
	// 10.0.0.7:8082. It is not one that stands for all addresses.
	Address string
	// Key is a secret of at least 16 characters that all nodes share. It may be
	// empty where there is TLS.
	Key string
	// TLS, if not nil, has what nodes say to each other encrypted, and nodes know
	// each other by certificates, beside the Key if there is one.
	TLS *ClusterTLS
	// Lease is how long others wait for a node that they do not hear of, before
	// they take over what it owns. It has to be the same for all nodes.
	// Defaults to two seconds.
	Lease time.Duration
}

func (c *ClusterConfig) lease() time.Duration { return cmp.Or(c.Lease, 2*time.Second) }

func (c *ClusterConfig) check(s store.Store) error {
	var faults []error
	for _, extra := range []bool{is[store.Leases](s), is[store.Lister](s), is[store.Spanner](s)} {
		if !extra {
			faults = append(faults, fmt.Errorf("Config.Cluster needs a store that several processes can work on, with leases, lists and spans; %T is none: use postgres.Open", s))
			break
		}
	}
	if c.Address == "" {
		faults = append(faults, errors.New("Config.Cluster.Address is empty: name the address at which other nodes reach this one"))
	}
	if len(c.Key) < 16 && (c.Key != "" || c.TLS == nil) {
		faults = append(faults, errors.New("Config.Cluster.Key has less than 16 characters: make one with openssl rand -hex 32, and give it to all nodes, or set TLS"))
	}
	return errors.Join(faults...)
}

func is[T any](v any) bool {
	_, ok := v.(T)
	return ok
}

// join makes the runtime a node, which does nothing before Start.
func (r *Runtime) join() error {
	c := r.cfg.Cluster
	if c == nil {
		return nil
	}
	trust, err := c.trust(r.cfg.Log)
	if err := errors.Join(c.check(r.cfg.Store), err); err != nil {
		return err
	}
	r.trust = trust
	r.node = cluster.New(cluster.Config{
		Leases: r.cfg.Store.(store.Leases), Partitions: r.cfg.Store.Partitions(), Lease: c.lease(),
		Name: nodeName(c.Address, r.ids.New()), Address: c.Address, Serve: r.serve, Ask: r.take, Tell: r.nudge, Log: r.cfg.Log,
	})
	r.peers = peer.NewClient(trust)
	r.lent = &lent{node: r.node, all: map[store.ID]*lending{}}
	r.cfg.Store = routed{r.cfg.Store, r.cfg.Store.(store.Keeper), r.cfg.Store.(store.Lister), r}
	return nil
}

func (r *Runtime) shared() bool { return r.node != nil }

// owns is asked by what answers from memory; nil where there is nothing to ask.
func (r *Runtime) owns() func(store.Partition) bool {
	if r.node == nil {
		return nil
	}
	return r.node.Owns
}

// serve does all that the owner of a partition does, until ctx ends.
func (r *Runtime) serve(ctx context.Context, p store.Partition, ready func()) {
	r.engine.Forget(p)
	defer r.engine.Forget(p)
	defer r.dispatcher.Close(p)
	defer r.queues.Close(p)
	for attempt := 0; ; attempt++ {
		err := r.takeOver(ctx, p)
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return
		}
		r.cfg.Log.Error("take partition over; it is tried again", "partition", int(p), "error", err)
		if !rest(ctx, min(time.Second, 10*time.Millisecond<<min(attempt, 10))) {
			return
		}
	}
	ready()
	r.serveAll(ctx, p)
}

// takeOver finds out where those before have left everything.
func (r *Runtime) takeOver(ctx context.Context, p store.Partition) error {
	return errors.Join(r.tail.Refresh(ctx, p), r.dispatcher.Open(ctx, p), r.queues.Open(ctx, p), r.flow.ArmIn(ctx, p))
}

func (r *Runtime) serveAll(ctx context.Context, p store.Partition) {
	var all sync.WaitGroup
	all.Go(func() { r.flow.Serve(ctx, p) })
	all.Go(func() { r.dispatcher.Serve(ctx, p) })
	all.Go(func() { r.queues.Serve(ctx, p) })
	if r.projector != nil {
		all.Go(func() { r.projector.Serve(ctx, p) })
	}
	for _, a := range r.registry.Actions {
		if a.Source != nil && !is[hook](r.sources[a]) && work.MessageHome(a.Name, r.tail.Partitions()) == p {
			all.Go(func() { r.receiveFrom(ctx, a) })
		}
	}
	if p == 0 { // what is done once for all
		all.Go(func() { r.trim(ctx) })
	}
	all.Wait()
}

// startNode is Start for a node.
func (r *Runtime) startNode(ctx context.Context) {
	r.running.Go(func() { r.node.Run(ctx) })
	r.running.Go(func() { r.lent.run(ctx) })
	for _, a := range r.registry.Actions {
		if a.Source != nil && is[hook](r.sources[a]) { // requests come to any node
			r.running.Go(func() { r.receiveFrom(ctx, a) })
		}
	}
	if r.hub != nil {
		r.running.Go(func() { r.freshen(ctx) })
	}
}

// freshenEvery is how long the changes of other nodes go unnoticed by those who
// watch live queries.
const freshenEvery = 500 * time.Millisecond

// freshen has live queries asked again, as other nodes change rows too.
func (r *Runtime) freshen(ctx context.Context) {
	for rest(ctx, freshenEvery) {
		for _, t := range r.registry.Tables {
			r.hub.Changed(t.Name)
		}
	}
}

func rest(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// PeerHandler answers the other nodes of the cluster. Serve it at
// ClusterConfig.Address, by HTTP/2: with PeerTLS where that is not nil, else
// without encryption, in a network that only the nodes reach. It answers 404 where
// Config.Cluster is nil.
func (r *Runtime) PeerHandler() http.Handler {
	if r.node == nil {
		return http.NotFoundHandler()
	}
	return peer.Serve(r.trust, r.cfg.Log, map[string]peer.Handler{
		"commit": r.answerCommit, "run": r.answerRun, "work": r.answerWork, "hold": r.answerHold, "told": r.answerTold, "take": r.answerTake, "look": r.answerLook,
	})
}

// Cluster tells of the nodes that work on the store. Its methods may be called
// from many goroutines.
type Cluster struct{ r *Runtime }

// Cluster tells of the nodes that work on the store.
func (r *Runtime) Cluster() Cluster { return Cluster{r} }

// Enabled tells whether this runtime is one of several nodes: Config.Cluster is
// not nil.
func (c Cluster) Enabled() bool { return c.r.shared() }

// ClusterNode is a node that has a lease.
type ClusterNode struct {
	Name    string // of this run of the program
	Address string // empty: it leaves
	Self    bool
	Leaving bool
	// Partitions is how many it owns.
	Partitions int
	// Lease is how long it was still to last when this node last looked.
	Lease time.Duration
}

// ClusterPartition tells who has a partition.
type ClusterPartition struct {
	Partition int
	Node      string // its name; empty: none
	Epoch     int64  // counts how often it has moved
}

// Nodes are the nodes as this one saw them last, in the order of their names;
// none where Config.Cluster is nil.
func (c Cluster) Nodes() (all []ClusterNode) {
	if c.r.node == nil {
		return nil
	}
	members, _ := c.r.node.Members()
	for _, m := range members {
		all = append(all, ClusterNode{m.Name, m.Address, m.Self, m.Leaving, m.Owns, m.Left})
	}
	return all
}

// Partitions are all partitions, and who owns them as this node saw it last;
// none where Config.Cluster is nil.
func (c Cluster) Partitions() (all []ClusterPartition) {
	if c.r.node == nil {
		return nil
	}
	_, owners := c.r.node.Members()
	for p, o := range owners {
		all = append(all, ClusterPartition{p, o.Node, int64(o.Epoch)})
	}
	return all
}

// Drain hands all partitions of this node over to the others and takes none any
// more; requests are still answered, by way of the others. Call it before the
// program ends. It returns when nothing is left, or ctx ends. Errors are of type
// *talix.Error.
func (c Cluster) Drain(ctx context.Context) error {
	if c.r.node == nil {
		return nil
	}
	if err := c.r.node.Drain(ctx); err != nil {
		return talix.UserError(registry.Faultf(registry.Unavailable, "partitions could not be handed over in time").Because(err))
	}
	return nil
}

// markedAll tells whether all actions have passed the given positions, whoever
// runs them.
func (r *Runtime) markedAll(ctx context.Context, heads []store.Position) bool {
	names := make([]string, 0, len(r.registry.Actions))
	for _, a := range r.registry.Actions {
		if a.Event != nil {
			names = append(names, "action/"+a.Name)
		}
	}
	for p := range heads {
		behind := func(name string) bool {
			mark, _, err := r.cfg.Store.Mark(ctx, name, store.Partition(p))
			return err != nil || mark < heads[p]
		}
		if slices.ContainsFunc(names, behind) {
			return false
		}
	}
	return true
}
