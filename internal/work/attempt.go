package work

import "context"

type attemptKey struct{}

// WithAttempt is a context for the nth run of the same work, from 1.
func WithAttempt(ctx context.Context, n int) context.Context {
	if n <= 1 {
		return ctx
	}
	return context.WithValue(ctx, attemptKey{}, n)
}

// Attempt is how often the work of a context is run by now, from 1.
func Attempt(ctx context.Context) int {
	if n, ok := ctx.Value(attemptKey{}).(int); ok {
		return n
	}
	return 1
}
