package runtime

import (
	"context"
	"time"

	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
)

// trim forgets old results of commands, a few at a time.
func (r *Runtime) trim(ctx context.Context) {
	started := r.cfg.Now()
	heads := make([]store.Position, r.tail.Partitions())
	for p := range heads {
		heads[p] = r.tail.Head(store.Partition(p))
	}
	ticker := time.NewTicker(time.Minute)
	defer ticker.Stop()
	for settled := false; ; {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		if settled = settled || r.settled(ctx, heads, started); settled {
			r.forget(ctx)
		}
	}
}

// settled tells whether all that was under way when the runtime was last ended
// has been run again: until then, the results of its commands are needed,
// however old they are, so that they have their effect once.
func (r *Runtime) settled(ctx context.Context, heads []store.Position, started time.Time) bool {
	if r.shared() && !r.markedAll(ctx, heads) {
		return false
	}
	for _, s := range r.dispatcher.Status() {
		if s.Mark < heads[s.Partition] {
			return false
		}
	}
	keeper := r.cfg.Store.(store.Keeper)
	for p := range heads {
		due, err := keeper.Due(ctx, store.Partition(p), work.Space, store.Record{}, started, 1)
		if err != nil || len(due) > 0 {
			return false
		}
	}
	return true
}

func (r *Runtime) forget(ctx context.Context) {
	const portion = 1000
	for n := portion; n == portion && ctx.Err() == nil; {
		var err error
		if n, err = r.cfg.Store.Trim(ctx, r.cfg.Now().Add(-r.cfg.KeepResults), portion); err != nil && ctx.Err() == nil {
			r.cfg.Log.Error("forget old command ids", "error", err)
		}
	}
}
