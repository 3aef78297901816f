package runtime

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/broker"
	"github.com/talix-dev/talix/internal/deliver"
	"github.com/talix-dev/talix/internal/flow"
	"github.com/talix-dev/talix/internal/id"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/source"
	"github.com/talix-dev/talix/store"
)

// act runs an action in a scope of its own.
func (r *Runtime) act(ctx context.Context, a *registry.Action, s *scope, in any, e *store.Event) (out any, err error) {
	op := s.action(a)
	s.cause.caller, s.cause.service = op.Name, op.Service
	observe := r.observe
	if s.line != nil {
		observe = r.watch
	}
	err = observe(ctx, op, func(ctx context.Context) (err error) {
		out, err = a.Handle(ctx, s, in, e)
		return err
	})
	return out, err
}

// watch is observe for work that is kept: a failure is no one's answer, but is
// tried again, or parked.
func (r *Runtime) watch(ctx context.Context, op talix.Operation, run func(context.Context) error) error {
	started := r.cfg.Now()
	ctx = r.plugins.begin(ctx, op)
	err := r.intercept(ctx, op, r.plugins.interceptors, run)
	if i, ok := errors.AsType[*registry.Interrupt](err); ok {
		if i.Kind == registry.Suspended || i.Kind == registry.Cancelled {
			r.waiting(ctx, op, started)
			return i // nothing that has failed
		}
		err = i
	}
	if err != nil && ctx.Err() == nil {
		r.cfg.Log.Warn("an action failed", "action", op.Name, "correlation", op.CorrelationID, "error", err)
	}
	if len(r.plugins.reporters) > 0 {
		r.tell(ctx, op, started, 0, err)
	}
	return err
}

// onEvent runs an action on what a stored event is by now: in one run, whose
// journal goes on from one fact to the next. Fresh: it is certain that it was
// not run before.
func (r *Runtime) onEvent(ctx context.Context, a *registry.Action, facts registry.Facts, e *store.Event, fresh bool) deliver.Run {
	if a.Topic != nil {
		return deliver.Run{Err: r.publishAll(ctx, a, facts, e)}
	}
	runID := registry.RunID(string(work.Event), a.Name, e.Stream.Type, e.Stream.ID, strconv.FormatInt(int64(e.Version), 10))
	return r.deliver(ctx, a, facts, e, delivery{runID: runID, base: a.Name, fresh: fresh})
}

// delivery is what tells one delivery of an event to an action from another.
type delivery struct {
	runID  string
	base   string // what the ids of what it runs derive from, beside the event
	fresh  bool
	replay bool
}

func (r *Runtime) deliver(ctx context.Context, a *registry.Action, facts registry.Facts, e *store.Event, d delivery) deliver.Run {
	run := r.flow.Open(e.Partition, d.runID, d.fresh)
	line := run.Line()
	var err error
	acted := false
	for i := 0; i < facts.Len() && err == nil; i++ {
		if f := facts.At(i); f.Event.Go == a.Event.Go {
			acted = true
			err = r.onFact(ctx, a, f, e, line, d)
		}
	}
	if acted && err == nil {
		err = run.Missed(ctx)
	}
	return ended(run, d.fresh, err)
}

// onFact runs an action on one of the events that a stored one is. The ids of
// what it runs derive from the event and the delivery's base.
func (r *Runtime) onFact(ctx context.Context, a *registry.Action, f registry.Fact, e *store.Event, line *flow.Line, d delivery) error {
	s := r.newScope(cause{
		base:        id.DeriveName(f.As.ID, d.base),
		delivered:   true,
		replay:      d.replay,
		correlation: e.Correlation,
		causation:   e.ID,
		wrote:       positions{{e.Partition, e.Position}},
		of:          e.Stream.ID,
		attempt:     work.Attempt(ctx),
		carried:     r.carried(e.Metadata),
	})
	s.line = line
	_, err := r.act(ctx, a, s, f.Data, f.As)
	return err
}

// onItem runs an action whose work is kept.
func (r *Runtime) onItem(ctx context.Context, a *registry.Action, in any, item work.Item, run *flow.Run) (any, error) {
	return r.onKept(ctx, a, in, item, run, r.carried(item.Carried))
}

func (r *Runtime) onKept(ctx context.Context, a *registry.Action, in any, item work.Item, run *flow.Run, carried func(string) string) (any, error) {
	s := r.newScope(cause{
		base: item.Base, delivered: true, correlation: item.Correlation, causation: item.Causation, of: flow.SubjectOf(item),
		attempt: item.Attempts + 1, carried: carried,
	})
	s.line = run.Line()
	out, err := r.act(ctx, a, s, in, nil)
	run.Wrote = s.written().String()
	return out, err
}

// receive runs the actions on outside triggers until ctx ends.
func (r *Runtime) receive(ctx context.Context) {
	var all sync.WaitGroup
	for _, a := range r.registry.Actions {
		if a.Source != nil {
			all.Go(func() { r.receiveFrom(ctx, a) })
		}
	}
	all.Wait()
}

func (r *Runtime) receiveFrom(ctx context.Context, a *registry.Action) {
	for attempt := 0; ; attempt++ {
		err := r.sources[a].Receive(ctx, func(ctx context.Context, m source.Message) error {
			return r.queues.Intake(ctx, a, m)
		})
		if ctx.Err() != nil {
			return
		}
		r.cfg.Log.Error("receive from outside system", "action", a.Name, "trigger", a.Source.Name, "error", err)
		most := min(time.Minute, 100*time.Millisecond<<min(attempt, 10))
		select {
		case <-time.After(most/2 + rand.N(most/2)):
		case <-ctx.Done():
			return
		}
	}
}

// onMessage runs an action on a message.
func (r *Runtime) onMessage(ctx context.Context, a *registry.Action, in any, m broker.Message, item work.Item, fresh bool) deliver.Run {
	run := r.flow.Open(item.Partition, item.Run, fresh)
	_, err := r.onKept(ctx, a, in, item, run, r.carriedBy(m.Attributes))
	if err == nil {
		err = run.Missed(ctx)
	}
	return ended(run, fresh, err)
}

// ended is how a run ended.
func ended(run *flow.Run, fresh bool, err error) deliver.Run {
	out := deliver.Run{Err: err}
	if err != nil {
		out.Notes, out.Noted = run.Notes(), run.Noted
	}
	if !fresh || run.Journaled() {
		out.Journal = run.ID
	}
	return out
}
