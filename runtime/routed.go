package runtime

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/talix-dev/talix/internal/peer"
	"github.com/talix-dev/talix/store"
)

// routed is the store of a node: what is committed to a partition that another
// node owns goes by way of that node, so that every write is the owner's and
// fenced. All nodes read the store itself.
type routed struct {
	store.Store
	store.Keeper
	store.Lister
	r *Runtime
}

// Commit implements store.Store.
func (s routed) Commit(ctx context.Context, p store.Partition, batches []store.Batch) []store.Outcome {
	if s.r.node.Holds(p) {
		return s.Store.Commit(ctx, p, batches)
	}
	for i := range batches {
		if len(batches[i].Appends) > 0 {
			return every(batches, store.Outcome{Status: store.Failed, Err: errMoved})
		}
	}
	return s.r.commitElsewhere(ctx, p, batches)
}

// errMoved is why events are not committed that were decided by who has lost
// the partition since: the owner has to decide, by what it has in memory.
var errMoved = fmt.Errorf("commit: %w", store.ErrFenced)

func every(batches []store.Batch, o store.Outcome) []store.Outcome {
	all := make([]store.Outcome, len(batches))
	for i := range all {
		all[i] = o
	}
	return all
}

// patience bounds how long an owner is looked for.
const patience = 10 * time.Second

var errNoOwner = errors.New("no node that owns the partition was found in time")

// errHeld ends a search: this node has the partition.
var errHeld = errors.New("this node owns the partition")

// askOwner puts a question to the owner of a partition, whoever that is. Where
// that node is not the owner any more, or was not reached, the new one is asked.
// What any other error leaves open is for again to decide.
func (r *Runtime) askOwner(ctx context.Context, p store.Partition, name string, question, answer any, again bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	doubt := error(nil)
	for told := false; ; {
		changed, to := r.node.Changed(), r.ownerOf(p)
		switch {
		case r.node.Owns(p):
			return errors.Join(errHeld, doubt)
		case r.node.Deserted():
			return errors.Join(errNoOwner, doubt)
		case to.Address != "" && to.Name != r.node.Name():
			err := r.askUntilMoved(ctx, p, to, name, question, answer)
			open := !errors.Is(err, peer.ErrElsewhere) && !errors.Is(err, peer.ErrUnreached)
			if err == nil || open && !again {
				return err
			}
			if open {
				doubt = fmt.Errorf("%w: %w", errDoubt, err)
			}
			if told = !told && r.learn(p, err); told {
				continue
			}
			r.node.Look()
		case to.Name == r.node.Name() && r.node.Await(ctx, p):
		default: // it is between two nodes, or so it seems
			r.node.Look()
		}
		if !untilChanged(ctx, changed) {
			return errors.Join(errNoOwner, context.Cause(ctx), doubt)
		}
	}
}

// errDoubt: what was asked may have been done.
var errDoubt = errors.New("an owner may have done it and was lost")

// searchPause is how long at most an owner is taken for the right one that was
// not.
const searchPause = 20 * time.Millisecond

func untilChanged(ctx context.Context, changed <-chan struct{}) bool {
	timer := time.NewTimer(searchPause)
	defer timer.Stop()
	select {
	case <-changed:
		return rest(ctx, time.Millisecond)
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// askUntilMoved asks a node as long as it is seen to own the partition: one that
// hangs is not waited for once another has taken over.
func (r *Runtime) askUntilMoved(ctx context.Context, p store.Partition, to store.Node, name string, question, answer any) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answered := make(chan error, 1)
	go func() { answered <- r.peers.Ask(ctx, to.Address, name, question, answer) }()
	for {
		changed := r.node.Changed()
		if r.node.Route(p).Name != to.Name {
			cancel()
			return <-answered
		}
		select {
		case err := <-answered:
			return err
		case <-changed:
		}
	}
}

// commitQuestion asks the owner of a partition to commit.
type commitQuestion struct {
	Partition store.Partition
	Batches   []store.Batch
}

type commitAnswer struct {
	Status   store.Status
	Position store.Position
	Result   []byte
	Error    string
}

// commitElsewhere commits by way of the owner. Where its answer is lost, the
// outcome is Unknown, as that of a store is.
func (r *Runtime) commitElsewhere(ctx context.Context, p store.Partition, batches []store.Batch) []store.Outcome {
	var answers []commitAnswer
	err := r.askOwner(ctx, p, "commit", commitQuestion{p, batches}, &answers, false)
	switch {
	case errors.Is(err, errHeld):
		return r.cfg.Store.Commit(ctx, p, batches)
	case errors.Is(err, errNoOwner):
		return every(batches, store.Outcome{Status: store.Failed, Err: fmt.Errorf("commit: %w", err)})
	case err == nil && len(answers) != len(batches):
		err = errors.New("it did not answer about each batch")
	}
	if err != nil {
		return every(batches, store.Outcome{Status: store.Unknown, Err: fmt.Errorf("commit by way of the owner: %w", err)})
	}
	out := make([]store.Outcome, len(answers))
	for i, a := range answers {
		out[i] = store.Outcome{Status: a.Status, Position: a.Position, Result: a.Result}
		if a.Error != "" {
			out[i].Err = errors.New(a.Error)
		}
	}
	return out
}

// answerCommit commits for another node.
func (r *Runtime) answerCommit(ctx context.Context, decode func(any) error) (any, error) {
	var q commitQuestion
	if err := decode(&q); err != nil {
		return nil, err
	}
	if err := r.owned(ctx, q.Partition); err != nil {
		return nil, err
	}
	own := r.unsealed().(routed).Store // a question is passed on once
	out := own.Commit(context.WithoutCancel(ctx), q.Partition, q.Batches)
	answers := make([]commitAnswer, len(out))
	fenced := true
	for i, o := range out {
		answers[i] = commitAnswer{Status: o.Status, Position: o.Position, Result: o.Result}
		if o.Err != nil {
			answers[i].Error = o.Err.Error()
		}
		fenced = fenced && errors.Is(o.Err, store.ErrFenced)
		if o.Status == store.Durable || o.Status == store.Unknown { // who asked may find it written
			r.flow.Notice(q.Partition, q.Batches[i].Records)
		}
	}
	if fenced {
		return nil, r.elsewhere(q.Partition)
	}
	return answers, nil
}
