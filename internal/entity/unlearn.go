package entity

import (
	"context"
	"math"
	"time"

	"github.com/talix-dev/talix/internal/registry"
)

// Unlearn drops the states of the live entities that of accepts, one after
// another; each is folded anew when it is needed next. When it returns nil, no
// state is left that rests on what was read before.
func (g *Engine) Unlearn(ctx context.Context, of func(*registry.Entity) bool) error {
	for i := range g.shards {
		for _, l := range g.shards[i].hold(of) {
			err := l.enter(ctx, math.MaxInt, math.MaxInt64, time.Now)
			if err == nil {
				l.drop()
				l.leave()
			}
			g.release(l)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// hold finds instances and keeps them in memory until they are released.
func (s *shard) hold(of func(*registry.Entity) bool) (all []*live) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.live {
		if !of(l.def) {
			continue
		}
		if l.refs == 0 {
			l.unlink()
		}
		l.refs++
		all = append(all, l)
	}
	return all
}
