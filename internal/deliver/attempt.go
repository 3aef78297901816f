package deliver

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// try runs the action once, when there is a slot.
func (c *consumer) try(ctx context.Context, e *store.Event, fresh bool) (run Run) {
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return Run{Err: context.Cause(ctx)}
	}
	defer func() { <-c.slots }()
	defer func() {
		if p := recover(); p != nil {
			run = Run{Err: fmt.Errorf("panic: %v\n%s", p, debug.Stack())}
		}
	}()
	facts, err := c.decode(e)
	if err != nil {
		return Run{Err: err}
	}
	return c.cfg.Act(ctx, c.action, facts, e, fresh)
}

// decode reads an event. What cannot be read now, no later attempt can read.
func (c *consumer) decode(e *store.Event) (registry.Facts, error) {
	facts, err := c.entity.Decode(e)
	if err != nil {
		return facts, poison(err, "the event cannot be read")
	}
	return facts, nil
}

func poison(cause error, format string, args ...any) error {
	f := registry.Faultf(registry.Internal, format, args...).Because(cause)
	f.Final = true
	return f
}

// pause waits with exponential backoff and jitter; false if ctx ended.
func (c *consumer) pause(ctx context.Context, attempt int) bool {
	timer := time.NewTimer(c.backoff(attempt))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// backoff is how long to wait after so many attempts.
func (c *consumer) backoff(attempt int) time.Duration {
	first, longest := c.cfg.FirstPause, c.cfg.LongestPause
	if c.action.Retry.First > 0 {
		first, longest = c.action.Retry.First, c.action.Retry.Max
	}
	d := longest
	if attempt < 32 {
		d = min(longest, first<<(attempt-1))
	}
	return d/2 + rand.N(d/2+1)
}
