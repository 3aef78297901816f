package redis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// errExpired ends a session.
var errExpired = errors.New("the lease has ended")

const (
	firstPause   = 20 * time.Millisecond
	longestPause = 2 * time.Second
)

// pause waits before the n-th attempt after a failure, counted from 0.
func pause(ctx context.Context, n int) error {
	d := min(firstPause<<min(n, 10), longestPause)
	timer := time.NewTimer(d/2 + rand.N(d/2)) //nolint:gosec // not for secrets
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// persist repeats fn until it succeeds, its error is the server's answer, or
// ctx ends.
func (b *Broker) persist(ctx context.Context, fn func() error) error {
	for n := 0; ; n++ {
		err := fn()
		if err == nil || answered(err) {
			return err
		}
		if n == 0 && ctx.Err() == nil {
			b.cfg.Log.LogAttrs(ctx, slog.LevelWarn, "redis does not answer, trying again", slog.Any("error", err))
		}
		if pause(ctx, n) != nil {
			return fmt.Errorf("%w (the last attempt: %w)", context.Cause(ctx), err)
		}
	}
}

// answered tells whether an error is what the server says of the request, and
// not that it cannot be reached, is starting or hands over to another one.
func answered(err error) bool {
	var answer redis.Error
	if errors.As(err, &answer) {
		return !begins(answer.Error(), "LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "BUSY ", "NOREPLICAS")
	}
	return errors.Is(err, errVolatile) || errors.Is(err, errReplicas)
}

// hopeless says what to do about an error after which no attempt can succeed,
// or nil.
func hopeless(err error) error {
	var answer redis.Error
	switch {
	case errors.Is(err, errVolatile):
		return err
	case !errors.As(err, &answer):
		return nil
	case begins(answer.Error(), "WRONGTYPE"):
		return fmt.Errorf("the topic's key is there and is no stream; choose another topic or delete the key: %w", err)
	case begins(answer.Error(), "NOAUTH", "WRONGPASS", "NOPERM", "ERR AUTH", "ERR invalid password", "ERR Client sent AUTH"):
		return fmt.Errorf("set the user and password in Address, and allow all commands on the topic's keys: %w", err)
	case begins(answer.Error(), "ERR unknown command"):
		return fmt.Errorf("use Redis 6.2 or later: %w", err)
	}
	return nil
}

func begins(s string, prefixes ...string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

// wait waits for a while.
func (b *Broker) wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
