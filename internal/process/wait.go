package process

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// final ends polling at once.
type final struct{ error }

func (f final) Unwrap() error { return f.error }

// Poll calls check until it returns nil, at first quickly and then every 50 ms,
// and returns its last error when ctx has ended.
func Poll(ctx context.Context, check func() error) error {
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
