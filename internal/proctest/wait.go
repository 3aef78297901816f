package proctest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

// Eventually calls check until it returns nil, at first quickly and then every
// 50 ms, and fails the test with its last error when the limit has passed.
func Eventually(t testing.TB, limit time.Duration, check func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	if err := poll(ctx, check); err != nil {
		t.Fatalf("not within %v: %v", limit, err)
	}
}

// final ends polling at once.
type final struct{ error }

func (f final) Unwrap() error { return f.error }

func poll(ctx context.Context, check func() error) error {
	const longest = 50 * time.Millisecond
	pause := time.Millisecond
	timer := time.NewTicker(pause)
	defer timer.Stop()
	for {
		err := check()
		if err == nil || errors.As(err, &final{}) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w; the last try: %w", ctx.Err(), err)
		case <-timer.C:
		}
		pause = min(2*pause, longest)
		timer.Reset(pause)
	}
}
