package entity

import (
	"context"
	"fmt"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/snapshot"
	"github.com/talix-dev/talix/store"
)

// End emits the entity's last event.
func (t *turn) End(event any) {
	t.Emit(event)
	t.events[len(t.events)-1].Metadata = registry.EndMarkBeside(t.call.Metadata)
	t.ended = true
}

// finish ends what an entity that is deleted holds. What the handler did to
// timers and unique values does not count, before the last event or after it.
func (t *turn) finish() error {
	if _, keeps := t.engine.cfg.Store.(store.Keeper); !keeps {
		return nil // and so there is nothing
	}
	if err := t.ReleaseAll(); err != nil {
		return err
	}
	t.timers = nil
	if t.engine.cfg.Timers != nil {
		t.timers = t.engine.cfg.Timers.ClearAll(t.live.stream)
	}
	if gone, fits := snapshot.Removal(t.live.stream); fits {
		t.timers = append(t.timers, gone...)
	}
	return nil
}

// hasEnded tells whether an entity was deleted, by the event of its version.
func (g *Engine) hasEnded(ctx context.Context, s store.Stream, version store.Version) (bool, error) {
	if version == 0 {
		return false, nil
	}
	for e, err := range g.cfg.Store.Load(ctx, s, version-1) {
		if err != nil {
			return false, unreadable(fmt.Errorf("load %s: %w", s, err))
		}
		return registry.Ends(&e), nil
	}
	return false, nil
}
