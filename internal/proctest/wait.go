package proctest

import (
	"context"
	"testing"
	"time"

	"github.com/talix-dev/talix/internal/process"
)

// Eventually calls check until it returns nil, at first quickly and then every
// 50 ms, and fails the test with its last error when the limit has passed.
func Eventually(t testing.TB, limit time.Duration, check func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	if err := process.Poll(ctx, check); err != nil {
		t.Fatalf("not within %v: %v", limit, err)
	}
}
