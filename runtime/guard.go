package runtime

import (
	"context"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/internal/entity"
	"github.com/talix-dev/talix/store"
)

// watch adds a plugin to those of commands that it is.
func (ps *plugins) watch(p any) {
	if guard, ok := p.(talix.Guard); ok {
		ps.guards = append(ps.guards, guard)
	}
	if follower, ok := p.(talix.Follower); ok {
		ps.followers = append(ps.followers, follower)
	}
	if retrier, ok := p.(talix.Retrier); ok {
		ps.retriers = append(ps.retriers, retrier)
	}
}

// guard asks the guards of a command, and lets the other plugins see what
// becomes of it.
func (s *scope) guard(ctx context.Context, op *talix.Operation, call *entity.Call) error {
	ps := &s.r.plugins
	for _, g := range ps.guards {
		err := contain(ctx, func(ctx context.Context) error { return g.Guard(ctx, *op) })
		if err != nil {
			return talix.EngineError(err)
		}
	}
	if ps.follows(ctx) {
		call.Appended = func(events []store.Event) { ps.appended(ctx, s.commandOperation(call), events) }
	}
	if ps.retries(ctx) {
		call.Retried = func(r entity.Retry) { ps.retrying(ctx, s.commandOperation(call), r) }
	}
	return nil
}

// follows tells whether a follower asks for the events of the operation of ctx.
func (ps *plugins) follows(ctx context.Context) bool {
	for _, f := range ps.followers {
		if asks(ctx, f) {
			return true
		}
	}
	return false
}

// retries tells whether a retrier asks for the attempts at it.
func (ps *plugins) retries(ctx context.Context) bool {
	for _, o := range ps.retriers {
		if asks(ctx, o) {
			return true
		}
	}
	return false
}

// asks tells whether a plugin wants to know what becomes of the command of ctx:
// one that has Follows says so of each.
func asks(ctx context.Context, p talix.Plugin) bool {
	some, ok := p.(interface {
		Follows(ctx context.Context) bool
	})
	return !ok || some.Follows(ctx)
}

// guardAll is guard for the commands of a group, each in its own context.
func (s *scope) guardAll(ctxs []context.Context, ops []talix.Operation, calls []*entity.Call) error {
	for i, call := range calls {
		if err := s.guard(ctxs[i], &ops[i], call); err != nil {
			return err
		}
	}
	return nil
}

func (ps *plugins) appended(ctx context.Context, op talix.Operation, events []store.Event) {
	metas := make([]talix.Meta, len(events))
	for i := range events {
		metas[i] = talix.MetaOf(&events[i])
	}
	for _, f := range ps.followers {
		f.Appended(ctx, op, metas)
	}
}

func (ps *plugins) retrying(ctx context.Context, op talix.Operation, r entity.Retry) {
	retry := talix.Retry{Attempt: r.Attempt, Reason: talix.RetryConflict, Pause: r.Pause}
	if r.Unknown {
		retry.Reason = talix.RetryUnknown
	}
	for _, o := range ps.retriers {
		o.Retrying(ctx, op, retry)
	}
}
