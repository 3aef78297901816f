package runtime

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/talix-dev/talix/internal/entity"
	"github.com/talix-dev/talix/internal/peer"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// others are the other nodes, as groups need them.
type others struct{ r *Runtime }

var _ entity.Nodes = others{}

// nodes is nil where there is only this one.
func (r *Runtime) nodes() entity.Nodes {
	if r.node == nil {
		return nil
	}
	return others{r}
}

func (o others) Epoch(p store.Partition) (store.Epoch, bool) { return o.r.node.Epoch(p) }

func (o others) Renew(p store.Partition, epoch store.Epoch) { o.r.node.Renew(p, epoch) }

// holdQuestion asks the owner of an entity to decide a command of a group and to
// hold the entity's turn.
type holdQuestion struct {
	runQuestion
	Repeatable bool
	Now        time.Time
	Beside     []entity.Claim
	Hold       store.ID
	Node       string // that asks
}

type holdAnswer struct {
	Decision entity.Decision
	Fault    []byte // as kept; empty: none
}

// Hold implements entity.Nodes.
func (o others) Hold(ctx context.Context, p store.Partition, id store.ID, call *entity.Call, now time.Time, beside []entity.Claim) (*entity.Decision, error) {
	q, err := questionOf(call)
	if err != nil {
		return nil, err
	}
	var a holdAnswer
	err = o.r.askOwner(ctx, p, "hold", holdQuestion{q, call.Repeatable, now, beside, id, o.r.node.Name()}, &a, false)
	switch {
	case errors.Is(err, errHeld):
		return nil, entity.ErrHere
	case errors.Is(err, errNoOwner):
		return nil, registry.Faultf(registry.Unavailable, "no node has the entity at the moment; try again later").Because(err)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", entity.ErrLost, err)
	case len(a.Fault) > 0:
		return nil, registry.KeptFault(a.Fault)
	}
	return &a.Decision, nil
}

// answerHold decides a command for another node's group.
func (r *Runtime) answerHold(ctx context.Context, decode func(any) error) (any, error) {
	var q holdQuestion
	if err := decode(&q); err != nil {
		return nil, err
	}
	call, err := r.callOf(&q.runQuestion)
	if err != nil {
		return nil, err
	}
	call.Repeatable = q.Repeatable
	p := r.partitionOf(call)
	if err := r.owned(ctx, p); err != nil {
		return nil, err
	}
	ctx, end := r.beginForward(ctx, call)
	held, err := r.engine.Hold(ctx, call, q.Now, q.Beside)
	end(decided(held), err)
	switch {
	case errors.Is(err, entity.ErrElsewhere):
		return nil, r.elsewhere(p)
	case err != nil:
		var f *registry.Fault
		errors.As(r.fail(err, "command", q.Command, q.Correlation), &f) // it is one
		return holdAnswer{Fault: f.Keep()}, nil
	case !r.lent.add(q.Hold, &lending{held: held, node: q.Node, until: time.Now().Add(patience)}):
		held.End(entity.Fate{Status: store.Failed})
		return nil, errors.New("nobody waits for the turn any more")
	}
	return holdAnswer{Decision: held.Decision}, nil
}

// decided is what observers are told of.
func decided(held *entity.Held) (reply entity.Reply) {
	if held != nil {
		reply.Events = len(held.Events)
	}
	return reply
}

// toldQuestion tells what became of what is held.
type toldQuestion struct {
	Partition store.Partition
	Hold      store.ID
	Fate      entity.Fate
}

// Tell implements entity.Nodes.
func (o others) Tell(ctx context.Context, p store.Partition, id store.ID, f entity.Fate) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.r.cfg.Cluster.lease())
	defer cancel()
	err := o.r.askOwner(ctx, p, "told", toldQuestion{p, id, f}, &struct{}{}, true)
	if err != nil && !errors.Is(err, errHeld) {
		o.r.cfg.Log.Warn("tell the outcome of a group; the owner takes the partition anew", "partition", int(p), "error", err)
	}
}

// answerTold ends what is held for another node.
func (r *Runtime) answerTold(_ context.Context, decode func(any) error) (any, error) {
	var q toldQuestion
	if err := decode(&q); err != nil {
		return nil, err
	}
	if q.Partition < 0 || int(q.Partition) >= r.tail.Partitions() {
		return nil, peer.ErrElsewhere
	}
	r.lent.end(q.Hold, q.Fate)
	return struct{}{}, nil
}

// headOf is the position of the last event of a partition that is known to be
// durable, whoever has appended it.
func (r *Runtime) headOf(p store.Partition) store.Position {
	known := r.tail.Head(p)
	if r.node == nil || r.node.Owns(p) {
		return known
	}
	ctx, cancel := context.WithTimeout(context.Background(), r.cfg.Cluster.lease())
	defer cancel()
	head, err := r.cfg.Store.Head(ctx, p)
	if err != nil {
		return known // what is waited for is less than could be
	}
	return max(known, head)
}
