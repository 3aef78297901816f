package runtime

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/internal/id"
	"github.com/talix-dev/talix/internal/registry"
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
// event and the action.
func (r *Runtime) onEvent(ctx context.Context, a *registry.Action, event any, e *store.Event) error {
	s := r.newScope(cause{
		base:        id.DeriveName(e.ID, a.Name),
		delivered:   true,
		correlation: e.Correlation,
		causation:   e.ID,
		wrote:       positions{{e.Partition, e.Position}},
	})
	_, err := r.act(ctx, a, s, event, e)
	return err
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

// trim forgets old results of commands, a few at a time.
func (r *Runtime) trim(ctx context.Context) {
	ticker := time.NewTicker(time.Minute)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		const portion = 1000
		for n := portion; n == portion && ctx.Err() == nil; {
			var err error
			if n, err = r.cfg.Store.Trim(ctx, r.cfg.Now().Add(-r.cfg.KeepResults), portion); err != nil && ctx.Err() == nil {
				r.cfg.Log.Error("forget old command ids", "error", err)
			}
		}
	}
}
