package redis

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// blockFor is how long the server is asked to wait for an entry before it is
// asked again.
const blockFor = 10 * time.Second

// watcher waits for new entries. Reading for a group inside a script cannot
// wait, so it only looks, with a connection of its own, which it cuts to end.
type watcher struct {
	receiver *receiver
	client   *redis.Client
	last     string     // no entry up to this one is new
	came     chan error // of the look that is under way; nil: none is
	looks    sync.WaitGroup
}

func (r *receiver) watch(ctx context.Context) (*watcher, error) {
	groups, err := r.broker.client.XInfoGroups(ctx, r.sub.Topic).Result()
	if err != nil {
		return nil, fmt.Errorf("look where group %s is: %w", r.sub.Group, err)
	}
	options := *r.broker.options
	options.PoolSize = 1
	w := &watcher{receiver: r, client: redis.NewClient(&options), last: "0-0"}
	for _, g := range groups {
		if g.Name == r.sub.Group {
			w.last = g.LastDeliveredID
		}
	}
	return w, nil
}

// wait waits until a new entry may be there, or something was settled.
func (w *watcher) wait(ctx context.Context) error {
	if w.came == nil {
		w.came = make(chan error, 1)
		came, last := w.came, w.last
		w.looks.Go(func() { came <- w.look(ctx, last) })
	}
	select {
	case <-ctx.Done():
	case <-w.receiver.changed:
	case err := <-w.came:
		w.came = nil
		return err
	}
	return nil
}

func (w *watcher) look(ctx context.Context, last string) error {
	err := w.client.XRead(ctx, &redis.XReadArgs{
		Streams: []string{w.receiver.sub.Topic, last}, Count: 1, Block: blockFor,
	}).Err()
	if errors.Is(err, redis.Nil) {
		return nil
	}
	return err
}

func (w *watcher) close() {
	_ = w.client.Close() // it was only looking
	w.looks.Wait()
}
