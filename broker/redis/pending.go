package redis

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
)

const pendingPage = 128

// recover delivers, in order, what the group has pending and nobody has in
// work: what receivers that are gone have left, and what was read when the
// connection broke.
func (r *receiver) recover(ctx context.Context) error {
	r.takeAgain() // all of it is pending
	for from := "-"; ctx.Err() == nil; {
		page, err := r.pending(ctx, from, "+", pendingPage)
		if err != nil || len(page) == 0 {
			return err
		}
		if err := r.claim(ctx, page); err != nil {
			return err
		}
		from = "(" + page[len(page)-1].ID
	}
	return nil
}

// redeliver delivers entries that were given back, if they are still pending.
func (r *receiver) redeliver(ctx context.Context, ids []string) error {
	for _, id := range ids {
		page, err := r.pending(ctx, id, id, 1)
		if err != nil {
			return err
		}
		if err := r.claim(ctx, page); err != nil {
			return err
		}
	}
	return nil
}

func (r *receiver) pending(ctx context.Context, from, to string, n int64) ([]redis.XPendingExt, error) {
	page, err := r.broker.client.XPendingExt(ctx, &redis.XPendingExtArgs{
		Stream: r.sub.Topic, Group: r.sub.Group, Start: from, End: to, Count: n,
	}).Result()
	if err != nil {
		return nil, fmt.Errorf("read what is pending: %w", err)
	}
	return page, nil
}

// claim delivers pending entries that are not in flight here, as far as there
// is room, one after another.
func (r *receiver) claim(ctx context.Context, page []redis.XPendingExt) error {
	for len(page) > 0 && ctx.Err() == nil {
		n := min(r.room(), len(page))
		if n == 0 {
			r.idle(ctx)
			continue
		}
		if err := r.claimNow(ctx, r.absent(page[:n])); err != nil {
			return err
		}
		page = page[n:]
	}
	return nil
}

// absent leaves out what is in flight here.
func (r *receiver) absent(page []redis.XPendingExt) []redis.XPendingExt {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []redis.XPendingExt
	for _, p := range page {
		if _, in := r.flight[p.ID]; !in {
			out = append(out, p)
		}
	}
	return out
}

func (r *receiver) claimNow(ctx context.Context, page []redis.XPendingExt) error {
	if len(page) == 0 {
		return nil
	}
	args, attempts := []any{r.sub.Group, consumer}, map[string]int{}
	for _, p := range page {
		args = append(args, p.ID)
		attempts[p.ID] = int(p.RetryCount) + 1
	}
	reply, err := r.script(ctx, claimScript, args...).Slice()
	if err != nil {
		return fmt.Errorf("claim what is pending: %w", err)
	}
	for _, e := range entries(reply) {
		if err := r.hand(ctx, e, attempts[e.ID]); err != nil {
			return err
		}
	}
	return nil
}

// read takes up to n entries that nobody of the group has had.
func (r *receiver) read(ctx context.Context, n int) ([]redis.XMessage, error) {
	reply, err := r.script(ctx, readScript, r.sub.Group, consumer, n).Slice()
	if err == redis.Nil { //nolint:errorlint // go-redis gives the value itself
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	for _, stream := range reply {
		if pair, ok := stream.([]any); ok && len(pair) == 2 {
			list, _ := pair[1].([]any)
			return entries(list), nil
		}
	}
	return nil, nil
}

// entries reads the reply that scripts give. Entries that were trimmed are
// left out.
func entries(reply []any) []redis.XMessage {
	var out []redis.XMessage
	for _, r := range reply {
		pair, ok := r.([]any)
		if !ok || len(pair) != 2 {
			continue
		}
		id, _ := pair[0].(string)
		fields, ok := pair[1].([]any)
		if !ok {
			continue
		}
		e := redis.XMessage{ID: id, Values: make(map[string]any, len(fields)/2)}
		for i := 0; i+1 < len(fields); i += 2 {
			name, _ := fields[i].(string)
			e.Values[name] = fields[i+1]
		}
		out = append(out, e)
	}
	return out
}
