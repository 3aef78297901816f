package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/talix-dev/talix/broker"
)

const (
	firstPause   = 20 * time.Millisecond
	longestPause = 2 * time.Second
)

// backoff is how long to wait after the n-th failure, counted from 1.
func backoff(n int) time.Duration {
	d := min(firstPause<<min(n-1, 10), longestPause)
	return d/2 + rand.N(d/2) //nolint:gosec // not for secrets
}

// pause waits after the n-th failure, counted from 1.
func pause(ctx context.Context, n int) error {
	timer := time.NewTimer(backoff(n))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

var errOrphan = errors.New("the partition has moved to another receiver of the group; the message comes again there")

// persist repeats fn until it succeeds, going on is hopeless, or ctx ends.
func (b *Broker) persist(ctx context.Context, what string, fn func() error) error {
	for n := 1; ; n++ {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		err := fn()
		if err == nil {
			return nil
		}
		if mend := hopeless(err); mend != nil {
			return mend
		}
		if n == 1 && ctx.Err() == nil {
			b.cfg.Log.LogAttrs(ctx, slog.LevelWarn, "kafka refused, trying again",
				slog.String("what", what), slog.Any("error", err))
		}
		if pause(ctx, n) != nil {
			return fmt.Errorf("%w (the last attempt: %w)", context.Cause(ctx), err)
		}
	}
}

// hopeless says what to do about an error after which no attempt can succeed,
// or nil.
func hopeless(err error) error {
	switch {
	case is(err, kerr.MessageTooLarge, kerr.RecordListTooLarge):
		return fmt.Errorf("%w: %w", broker.ErrTooLarge, err)
	case is(err, kerr.InvalidTopicException):
		return fmt.Errorf("choose another name for the topic, of letters, digits, dots, dashes and underscores: %w", err)
	case is(err, kerr.TopicAuthorizationFailed, kerr.GroupAuthorizationFailed, kerr.ClusterAuthorizationFailed):
		return fmt.Errorf("allow the user to describe, create, read and write the topic and its groups: %w", err)
	case is(err, kerr.SaslAuthenticationFailed, kerr.UnsupportedSaslMechanism, kerr.IllegalSaslState):
		return fmt.Errorf("set the user and password in Options: %w", err)
	case is(err, kerr.PolicyViolation, kerr.InvalidReplicationFactor, kerr.InvalidPartitions):
		return fmt.Errorf("make the topic by hand, or change Partitions and Replicas: %w", err)
	case is(err, kerr.InvalidSessionTimeout):
		return fmt.Errorf("set Session to what the servers allow: %w", err)
	}
	return nil
}

func is(err error, any ...error) bool {
	for _, e := range any {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
