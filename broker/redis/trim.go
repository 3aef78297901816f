package redis

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"
)

// trimEvery trims the stream if the last time was long enough ago, and returns
// when that was.
func (r *receiver) trimEvery(ctx context.Context, last time.Time) time.Time {
	keep := r.broker.cfg.Keep
	if keep == 0 || !r.holding() || time.Since(last) < min(keep, time.Minute) {
		return last
	}
	if err := r.trim(ctx, time.Now().Add(-keep)); err != nil && ctx.Err() == nil {
		r.broker.cfg.Log.LogAttrs(ctx, slog.LevelWarn, "trimming a stream failed",
			slog.String("topic", r.sub.Topic), slog.Any("error", err))
	}
	return time.Now()
}

// trim removes what is older and what every group has taken care of. A group
// that is made meanwhile begins with what is left.
func (r *receiver) trim(ctx context.Context, older time.Time) error {
	groups, err := r.broker.client.XInfoGroups(ctx, r.sub.Topic).Result()
	if err != nil {
		return fmt.Errorf("look where the groups are: %w", err)
	}
	least := strconv.FormatInt(older.UnixMilli(), 10) + "-0"
	for _, g := range groups {
		needs := g.LastDeliveredID
		if g.Pending > 0 {
			summary, err := r.broker.client.XPending(ctx, r.sub.Topic, g.Name).Result()
			if err != nil {
				return fmt.Errorf("look what group %s needs: %w", g.Name, err)
			}
			needs = cmp.Or(summary.Lower, needs)
		}
		least = lower(least, needs)
	}
	return r.broker.client.XTrimMinIDApprox(ctx, r.sub.Topic, least, 0).Err()
}

// lower is the lower of two ids of entries.
func lower(a, b string) string {
	at, an := split(a)
	bt, bn := split(b)
	if cmp.Or(cmp.Compare(at, bt), cmp.Compare(an, bn)) <= 0 {
		return a
	}
	return b
}

func split(id string) (ms, n uint64) {
	first, second, _ := strings.Cut(id, "-")
	ms, _ = strconv.ParseUint(first, 10, 64) // Redis made it
	n, _ = strconv.ParseUint(second, 10, 64)
	return ms, n
}
