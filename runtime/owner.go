package runtime

import (
	"context"
	"errors"
	"strings"

	"github.com/talix-dev/talix/internal/entity"
	"github.com/talix-dev/talix/internal/peer"
	"github.com/talix-dev/talix/store"
)

// nodeName is the name of a node in one run of its program. It begins with the
// address: the lease of a node that leaves has none any more.
func nodeName(address string, run store.ID) string { return address + "/" + run.String() }

// addressOf is where a node is reached, also while it leaves.
func addressOf(n store.Node) string {
	address, _, _ := strings.Cut(n.Name, "/")
	return address
}

// ownerOf is where to ask for what is in a partition: the node that is seen to
// own it, or that it goes to. One that leaves answers for what it still has.
func (r *Runtime) ownerOf(p store.Partition) store.Node {
	n := r.node.Route(p)
	n.Address = addressOf(n)
	return n
}

func (r *Runtime) partitionOf(call *entity.Call) store.Partition {
	return store.PartitionOf(store.Stream{Type: call.Command.Entity.Type, ID: call.ID}, r.tail.Partitions())
}

// owned is nil if a partition is this node's. One that is on its way here is
// waited for: who asks was sent by the node that had it.
func (r *Runtime) owned(ctx context.Context, p store.Partition) error {
	if p < 0 || int(p) >= r.tail.Partitions() {
		return peer.ErrElsewhere
	}
	if r.node.Owns(p) || r.node.Await(ctx, p) && r.node.Owns(p) {
		return nil
	}
	return r.elsewhere(p)
}

// elsewhere sends another node to who has a partition, as far as that is known.
func (r *Runtime) elsewhere(p store.Partition) error {
	if to := r.node.Route(p).Name; to != r.node.Name() {
		return &peer.Elsewhere{Node: to}
	}
	return peer.ErrElsewhere
}

// learn takes in who has a partition, if that was the answer of another node.
func (r *Runtime) learn(p store.Partition, err error) bool {
	e, ok := errors.AsType[*peer.Elsewhere](err)
	return ok && e.Node != "" && r.node.Learn(p, e.Node)
}

// takeQuestion asks the owner of a partition to hand it over.
type takeQuestion struct {
	Partition store.Partition
	Node      string // that asks
}

// take asks a node to hand a partition over to this one.
func (r *Runtime) take(ctx context.Context, owner store.Node, p store.Partition) error {
	return r.peers.Ask(ctx, addressOf(owner), "take", takeQuestion{p, r.node.Name()}, &struct{}{})
}

// answerTake hands a partition over to another node.
func (r *Runtime) answerTake(ctx context.Context, decode func(any) error) (any, error) {
	var q takeQuestion
	if err := decode(&q); err != nil {
		return nil, err
	}
	if err := r.node.HandOver(ctx, q.Partition, q.Node); err != nil {
		return nil, r.elsewhere(q.Partition)
	}
	return struct{}{}, nil
}

// nudge has another node look who lives and who owns what.
func (r *Runtime) nudge(ctx context.Context, other store.Node) {
	_ = r.peers.Ask(ctx, addressOf(other), "look", struct{}{}, &struct{}{}) // it looks soon in any case
}

// answerLook looks who lives and who owns what.
func (r *Runtime) answerLook(context.Context, func(any) error) (any, error) {
	r.node.Look()
	return struct{}{}, nil
}
