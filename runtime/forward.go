package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/internal/entity"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// runCommand runs a command where its entity is: here, or by way of the node
// that owns the partition.
func (r *Runtime) runCommand(ctx context.Context, call *entity.Call) (entity.Reply, error) {
	if r.node == nil {
		return r.engine.Run(ctx, call)
	}
	p := r.partitionOf(call)
	for doubt := false; ; {
		reply, err := r.engine.Run(ctx, call)
		if !errors.Is(err, entity.ErrElsewhere) {
			return reply, doubtful(doubt, err)
		}
		if call, err = repeatable(call); err != nil {
			return entity.Reply{}, err
		}
		reply, err = r.runElsewhere(ctx, p, call)
		if doubt = doubt || errors.Is(err, errDoubt); !errors.Is(err, errHeld) {
			return reply, doubtful(doubt, err)
		}
	}
}

// doubtful is the error of a call that an owner may have run before it was lost:
// only what the store has under the call's id tells.
func doubtful(doubt bool, err error) error {
	f, ok := errors.AsType[*registry.Fault](err)
	if !doubt || !ok || f.Code != registry.Unavailable && f.Code != registry.Overloaded {
		return err
	}
	return registry.Faultf(registry.Unknown, "whether the command had its effect is not known yet; send it again with the same key").Because(err)
}

// repeatable is a call whose result is stored under its id, so that it can be
// sent again where an answer was lost.
func repeatable(call *entity.Call) (*entity.Call, error) {
	if call.Repeatable {
		return call, nil
	}
	data, err := json.Marshal(call.In)
	if err != nil {
		return nil, registry.Faultf(registry.Internal, "the input of %s cannot be written as JSON", call.Command.FullName()).Because(err)
	}
	c := *call
	c.Repeatable, c.Digest = true, entity.DigestOf(call.Command.FullName(), call.ID, data)
	return &c, nil
}

// runQuestion asks the owner of an entity to run a command.
type runQuestion struct {
	Command, ID            string
	In                     json.RawMessage
	Key                    store.ID
	Digest                 []byte
	Correlation, Causation store.ID
	Metadata               json.RawMessage `json:",omitempty"`
}

func questionOf(call *entity.Call) (runQuestion, error) {
	in, err := json.Marshal(call.In)
	if err != nil {
		return runQuestion{}, registry.Faultf(registry.Internal, "the input of %s cannot be written as JSON", call.Command.FullName()).Because(err)
	}
	return runQuestion{
		Command: call.Command.FullName(), ID: call.ID, In: in, Key: call.Key, Digest: call.Digest[:],
		Correlation: call.Correlation, Causation: call.Causation, Metadata: call.Metadata,
	}, nil
}

type runAnswer struct {
	Data     json.RawMessage
	Events   int
	Position store.Position
	Fault    []byte // as kept; empty: none
}

func (r *Runtime) runElsewhere(ctx context.Context, p store.Partition, call *entity.Call) (entity.Reply, error) {
	q, err := questionOf(call)
	if err != nil {
		return entity.Reply{}, err
	}
	var a runAnswer
	err = r.askOwner(ctx, p, "run", q, &a, true)
	switch {
	case errors.Is(err, errHeld):
		return entity.Reply{}, err
	case err != nil:
		return entity.Reply{}, registry.Faultf(registry.Unavailable, "no node has the entity at the moment; try again later").Because(err)
	case len(a.Fault) > 0:
		return entity.Reply{}, registry.KeptFault(a.Fault)
	}
	return entity.Reply{Data: a.Data, Events: a.Events, Partition: p, Position: a.Position}, nil
}

// answerRun runs a command for another node.
func (r *Runtime) answerRun(ctx context.Context, decode func(any) error) (any, error) {
	var q runQuestion
	if err := decode(&q); err != nil {
		return nil, err
	}
	call, err := r.callOf(&q)
	if err != nil {
		return nil, err
	}
	p := r.partitionOf(call)
	if err := r.owned(ctx, p); err != nil {
		return nil, err
	}
	ctx, end := r.beginForward(ctx, call)
	reply, err := r.engine.Run(ctx, call)
	end(reply, err)
	switch {
	case errors.Is(err, entity.ErrElsewhere):
		return nil, r.elsewhere(p)
	case err != nil:
		var f *registry.Fault
		errors.As(r.fail(err, "command", q.Command, q.Correlation), &f) // it is one
		return runAnswer{Fault: f.Keep()}, nil
	case reply.Repeated:
		reply.Position = r.tail.Head(reply.Partition) // it stands somewhere in the log
	}
	return runAnswer{Data: reply.Data, Events: reply.Events, Position: reply.Position}, nil
}

func (r *Runtime) callOf(q *runQuestion) (*entity.Call, error) {
	for _, c := range r.registry.Commands {
		if c.FullName() != q.Command {
			continue
		}
		in, err := c.Decode(q.In)
		if err != nil {
			return nil, fmt.Errorf("read input of %s: %w", q.Command, err)
		}
		if len(q.Digest) != len(entity.Digest{}) {
			return nil, fmt.Errorf("the digest of a call has %d bytes, not %d", len(q.Digest), len(entity.Digest{}))
		}
		return &entity.Call{
			Command: c, ID: q.ID, In: in, Key: q.Key, Repeatable: true, Digest: entity.Digest(q.Digest),
			Correlation: q.Correlation, Causation: q.Causation, Metadata: q.Metadata,
		}, nil
	}
	return nil, fmt.Errorf("command %q is in no service of this node: run the same program on all", q.Command)
}

// workQuestion asks the owner of kept work to retry or skip it.
type workQuestion struct {
	Partition store.Partition
	Verb, ID  string
}

// workElsewhere has the owner of a piece of work do something with it; false: it
// is this node's.
func (r *Runtime) workElsewhere(ctx context.Context, verb, id string) (bool, error) {
	if r.node == nil {
		return false, nil
	}
	if p, err := r.flow.Find(id); err == nil && !r.node.Owns(p) {
		return r.workAt(ctx, p, verb, id)
	}
	return false, nil
}

// workAt is workElsewhere for work in a partition.
func (r *Runtime) workAt(ctx context.Context, p store.Partition, verb, id string) (bool, error) {
	var kept []byte
	switch err := r.askOwner(ctx, p, "work", workQuestion{p, verb, id}, &kept, true); {
	case errors.Is(err, errHeld):
		return false, nil
	case err != nil:
		return true, registry.Faultf(registry.Unavailable, "no node has the work at the moment; try again later").Because(err)
	case len(kept) > 0:
		return true, registry.KeptFault(kept)
	}
	return true, nil
}

// answerWork retries or skips a piece of work for another node.
func (r *Runtime) answerWork(ctx context.Context, decode func(any) error) (any, error) {
	var q workQuestion
	if err := decode(&q); err != nil {
		return nil, err
	}
	err := r.owned(ctx, q.Partition)
	if err != nil {
		return nil, err
	}
	switch q.Verb {
	case "retry":
		err = r.Work().retry(ctx, q.ID)
	case "skip":
		err = r.Work().skip(ctx, q.ID)
	default:
		return nil, fmt.Errorf("there is nothing like %q", q.Verb)
	}
	if err == nil {
		return []byte{}, nil
	}
	f, ok := errors.AsType[*registry.Fault](talix.EngineError(err))
	if !ok {
		return nil, err
	}
	return f.Keep(), nil
}
