package runtime

import (
	"context"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/talix-dev/talix"
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
	op := s.operation(talix.KindAction, r.registry.Owner(a), a.Name)
	err = r.observe(ctx, op, func(ctx context.Context) (err error) {
		out, err = a.Handle(ctx, s, in, e)
		return err
	})
	return out, err
}

// onEvent runs an action on an event. The ids of what it runs derive from the
// event and the action. Fresh: it is certain that it was not run before.
func (r *Runtime) onEvent(ctx context.Context, a *registry.Action, event any, e *store.Event, fresh bool) deliver.Run {
	if a.Topic != nil {
		return deliver.Run{Err: r.publish(ctx, a, event, e)}
	}
	runID := registry.RunID(string(work.Event), a.Name, e.Stream.Type, e.Stream.ID, strconv.FormatInt(int64(e.Version), 10))
	run := r.flow.Open(e.Partition, runID, fresh)
	s := r.newScope(cause{
		base:        id.DeriveName(e.ID, a.Name),
		delivered:   true,
		correlation: e.Correlation,
		causation:   e.ID,
		wrote:       positions{{e.Partition, e.Position}},
	})
	s.line = run.Line()
	_, err := r.act(ctx, a, s, event, e)
	if err == nil {
		err = run.Missed()
	}
	out := deliver.Run{Err: err, Notes: run.Notes(), Noted: run.Noted}
	if !fresh || run.Journaled() {
		out.Journal = runID
	}
	return out
}

// onItem runs an action whose work is kept.
func (r *Runtime) onItem(ctx context.Context, a *registry.Action, in any, item work.Item, run *flow.Run) (any, error) {
	s := r.newScope(cause{base: item.Base, delivered: true, correlation: item.Correlation, causation: item.Causation})
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
		err := a.Source.Source.Receive(ctx, func(ctx context.Context, m source.Message) error {
			return r.onMessage(ctx, a, m)
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

func (r *Runtime) onMessage(ctx context.Context, a *registry.Action, m source.Message) error {
	in, err := a.Source.Decode(m)
	if err != nil {
		return err
	}
	base := id.Hash("message", a.Name, m.ID)
	_, err = r.act(ctx, a, r.newScope(cause{base: base, delivered: true, causation: base}), in, nil)
	return err
}
