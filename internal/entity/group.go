package entity

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	"github.com/talix-dev/talix/internal/commit"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// group is several commands of different entities on their way to one append.
type group struct {
	engine  *Engine
	calls   []*Call
	lives   []*live
	turns   []*turn
	pending *commit.Pending // nil: nothing was to be stored
	lost    store.Stream    // an entity that was changed by others meanwhile
}

// RunGroup runs commands of different entities, which stand in ascending order
// of type and id, as one: all take effect, by one append, or none does. Their
// Key, Repeatable and Digest are those of the group. When it returns replies or
// a rejection, all that this rests on is durable. Errors are *registry.Fault,
// and name the entity that they are about.
func (g *Engine) RunGroup(ctx context.Context, calls []*Call) ([]Reply, error) {
	replies, err := g.runGroup(ctx, calls)
	if g.cfg.Nodes != nil && errors.Is(err, ErrElsewhere) {
		return g.runSpread(ctx, calls)
	}
	return replies, err
}

// runGroup runs a group of entities that are all this process's.
func (g *Engine) runGroup(ctx context.Context, calls []*Call) ([]Reply, error) {
	terms, ok := g.ownsAll(calls)
	if !ok {
		return nil, elsewhere(nil)
	}
	r := &group{engine: g, calls: calls}
	for _, c := range calls {
		stream := streamOf(c)
		r.lives = append(r.lives, g.acquire(c.Command.Entity, stream, g.Home(c)))
	}
	defer r.release()
	if err := r.fits(); err != nil {
		return nil, err
	}
	for attempt := range g.cfg.Attempts {
		replies, again, err := r.attempt(ctx)
		if !again && r.pending == nil && !g.stillOwnsAll(calls, terms) {
			return nil, elsewhere(nil)
		}
		if !again {
			return replies, err
		}
		r.findLost(ctx)
		if attempt+1 == g.cfg.Attempts {
			break
		}
		if err := g.again(ctx, attempt, false, calls...); err != nil {
			return nil, notStarted(err)
		}
	}
	return nil, contended(cmp.Or(r.lost, r.lives[0].stream))
}

func streamOf(c *Call) store.Stream {
	return store.Stream{Type: c.Command.Entity.Type, ID: c.ID}
}

// Home is the partition of a call's entity.
func (g *Engine) Home(c *Call) store.Partition { return store.PartitionOf(streamOf(c), g.partitions) }

// RecallGroup finds the replies of an earlier call with the same key, without
// running anything.
func (g *Engine) RecallGroup(ctx context.Context, calls []*Call) ([]Reply, bool, error) {
	first, found, err := g.recall(ctx, g.Home(calls[0]), calls[0])
	if !found || err != nil {
		return nil, false, err
	}
	replies, err := g.replies(calls, first)
	return replies, true, err
}

func (r *group) release() {
	for _, l := range r.lives {
		r.engine.release(l)
	}
}

// fits tells why the group cannot be taken.
func (r *group) fits() error {
	_, spans := r.engine.cfg.Store.(store.Spanner)
	for _, l := range r.lives {
		if r.engine.cfg.Group(l.partition).Busy() {
			return overloaded()
		}
		if l.partition != r.lives[0].partition && !spans {
			return registry.Faultf(registry.Internal, "the store cannot change entities of several partitions in one append: use one that is a store.Spanner")
		}
	}
	return nil
}

// attempt decides once and waits for the outcome; again tells that it was
// decided on states that did not come to be.
func (r *group) attempt(ctx context.Context) (replies []Reply, again bool, err error) {
	r.turns, r.pending = r.turns[:0], nil
	if err := r.decide(ctx); err != nil {
		return nil, false, err
	}
	if r.pending != nil {
		return r.await(ctx)
	}
	for _, t := range r.turns {
		if !r.engine.gate(ctx, t.gate) {
			return nil, ctx.Err() == nil, notStarted(context.Cause(ctx))
		}
	}
	if t := r.turns[len(r.turns)-1]; t.err != nil {
		return r.rejected(ctx, t)
	}
	for _, t := range r.turns {
		replies = append(replies, Reply{Data: t.reply, Value: t.out, Partition: t.live.partition})
	}
	return replies, false, nil
}

// rejected is the answer where a command of the group was rejected; an earlier
// call with the same key may have been taken all the same.
func (r *group) rejected(ctx context.Context, t *turn) ([]Reply, bool, error) {
	if t.call.Repeatable {
		if replies, found, err := r.engine.RecallGroup(ctx, r.calls); found || err != nil {
			return replies, false, err
		}
	}
	return nil, false, about(t.live.stream, t.err)
}

// decide takes the turns of all entities, in their order, so that groups do not
// wait for each other in a circle; ordinary commands have no more than one. It
// decides each command, and submits what they came to.
func (r *group) decide(ctx context.Context) error {
	g := r.engine
	for i, l := range r.lives {
		if err := l.enter(ctx, g.cfg.MaxQueue, g.cfg.MaxWait, g.cfg.Now); err != nil {
			r.leave(i)
			return about(l.stream, err)
		}
	}
	defer r.leave(len(r.lives))
	var beside []Claim
	now := g.now()
	for i, l := range r.lives {
		t, err := g.try(ctx, l, r.calls[i], now, beside...)
		if err != nil {
			r.undo()
			return about(l.stream, err)
		}
		r.turns = append(r.turns, t)
		if t.err != nil {
			r.undo()
			t.gate = l.unsettled()
			return nil
		}
		beside = append(beside, t.claimed()...)
	}
	return r.submit()
}

func (r *group) leave(n int) {
	for _, l := range r.lives[:n] {
		l.leave()
	}
}

func (r *group) undo() {
	for _, t := range r.turns {
		t.undo()
	}
}

// submit hands what the turns came to to the group commit, as one append.
func (r *group) submit() error {
	for _, t := range r.turns {
		t.base, t.gate = t.live.version, t.live.unsettled()
	}
	if !r.stores() {
		return nil
	}
	replies := make([]json.RawMessage, len(r.turns))
	for i, t := range r.turns {
		replies[i] = t.kept
	}
	reply, err := json.Marshal(replies)
	if err != nil {
		r.undo()
		return registry.Faultf(registry.Internal, "the replies of the group cannot be written as JSON").Because(err)
	}
	r.pending = r.engine.submitAll(r.turns, reply)
	for _, t := range r.turns {
		t.pending = r.pending
		t.advance()
	}
	return nil
}

// stores tells whether there is anything to store.
func (r *group) stores() bool {
	for _, t := range r.turns {
		if t.stores() {
			return true
		}
	}
	return false
}

// await waits for the group's append and tells what it led to.
func (r *group) await(ctx context.Context) (replies []Reply, again bool, err error) {
	p, err := r.engine.settle(ctx, r.pending, r.lives[0], r.calls...)
	if err != nil {
		return nil, false, err
	}
	switch o := p.Outcome(); {
	case o.Status == store.Conflict:
		return nil, true, nil
	case o.Status == store.Duplicate && r.calls[0].Repeatable:
		first, err := r.engine.first(r.lives[0].partition, r.calls[0], o.Result)
		if err != nil {
			return nil, false, err
		}
		replies, err = r.engine.replies(r.calls, first)
		return replies, false, err
	}
	for _, t := range r.turns {
		replies = append(replies, t.done(p))
	}
	return replies, false, nil
}

// replies takes the stored reply of a group apart.
func (g *Engine) replies(calls []*Call, first Reply) ([]Reply, error) {
	var each []json.RawMessage
	if err := json.Unmarshal(first.Data, &each); err != nil || len(each) != len(calls) {
		return nil, registry.Faultf(registry.Invalid, "this key was used before for another command or input; use a new one").
			Because(errors.Join(fmt.Errorf("%d replies are stored for %d commands", len(each), len(calls)), err))
	}
	replies := make([]Reply, len(calls))
	for i, c := range calls {
		replies[i] = Reply{Data: each[i], Partition: g.Home(c), Repeated: true}
	}
	return replies, nil
}

// findLost looks for the entity that was changed by others while the group was
// under way.
func (r *group) findLost(ctx context.Context) {
	for _, t := range r.turns {
		if t.gate != nil && t.gate.Settled() && t.gate.Outcome().Status != store.Durable || r.engine.overtaken(ctx, t.live.stream, t.base, t.call.Key) {
			r.lost = t.live.stream
			return
		}
	}
}

// overtaken tells whether another command's event stands where those of a command
// were to stand.
func (g *Engine) overtaken(ctx context.Context, s store.Stream, base store.Version, key store.ID) bool {
	next, stop := iter.Pull2(g.cfg.Store.Load(ctx, s, base))
	defer stop()
	e, err, ok := next()
	return ok && err == nil && e.Command != key
}

func contended(lost store.Stream) error {
	f := registry.Faultf(registry.Unavailable, "%s %q is changed by others all the time; try again later", lost.Type, lost.ID)
	f.Entity = lost.String()
	return f
}

// about names the entity that an error is about.
func about(s store.Stream, err error) error {
	f, ok := errors.AsType[*registry.Fault](err)
	if !ok {
		return err
	}
	named := *f
	named.Entity = s.String()
	if named.No() {
		named.Message = fmt.Sprintf("%s %q: %s", s.Type, s.ID, f.Message)
	}
	return &named
}
