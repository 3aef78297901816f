package work

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"
)

// streak logs the first of the failures that follow one another, and when they
// are over.
type streak struct {
	log *slog.Logger

	mu      sync.Mutex
	failing bool
}

// failed tells of a failure, unless ctx ended: then whoever tried was stopped.
func (s *streak) failed(ctx context.Context, what string, err error) {
	if ctx.Err() != nil {
		return
	}
	s.mu.Lock()
	first := !s.failing
	s.failing = true
	s.mu.Unlock()
	if first {
		s.log.Error("the store fails; it is tried again until it does not", "trying", what, "error", err)
	}
}

func (s *streak) worked() {
	s.mu.Lock()
	over := s.failing
	s.failing = false
	s.mu.Unlock()
	if over {
		s.log.Info("the store works again")
	}
}

// How long what failed at the store waits before it is tried again.
const (
	firstPause = 20 * time.Millisecond
	mostPause  = 5 * time.Second
)

// pause waits after the nth failure in a row, the first being 0; false if ctx
// ended.
func pause(ctx context.Context, n int) bool {
	d := min(mostPause, firstPause<<min(n, 20))
	return wait(ctx, d/2+rand.N(d/2))
}

func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
