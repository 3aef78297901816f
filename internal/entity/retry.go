package entity

import (
	"context"
	"math/rand/v2"
	"time"
)

// again tells of an attempt that failed, counted from zero, and waits before the
// next one.
func (g *Engine) again(ctx context.Context, attempt int, unknown bool, calls ...*Call) error {
	d := g.pause(attempt)
	for _, c := range calls {
		if c.Retried != nil {
			c.Retried(Retry{attempt + 1, unknown, d})
		}
	}
	return wait(ctx, d)
}

// pause is how long to wait after an attempt: not at all at first, then with
// jitter, and longer each time.
func (g *Engine) pause(attempt int) time.Duration {
	if attempt == 0 {
		return 0
	}
	return rand.N(min(time.Millisecond<<min(attempt, 20), g.cfg.MaxPause)) + 1
}

func wait(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
