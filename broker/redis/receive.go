package redis

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/talix-dev/talix/broker"
)

const defaultInFlight = 256

// Receive implements broker.Broker.
func (b *Broker) Receive(ctx context.Context, s broker.Subscription, deliver func(*broker.Delivery)) error {
	work, end, err := b.begin(context.WithoutCancel(ctx))
	if err != nil {
		return fmt.Errorf("receive from %s: %w", s.Topic, err)
	}
	defer end()
	s.InFlight = cmp.Or(s.InFlight, defaultInFlight)
	r := &receiver{
		broker: b, sub: s, deliver: deliver, owner: rand.Text(),
		flight: map[string]struct{}{}, changed: make(chan struct{}, 1),
	}
	if err := r.run(ctx, work); err != nil {
		return fmt.Errorf("receive from %s: %w", s.Topic, err)
	}
	return nil
}

// receiver is one Receive.
type receiver struct {
	broker  *Broker
	sub     broker.Subscription
	deliver func(*broker.Delivery)
	owner   string // names the receiver in the lease

	changed chan struct{} // something was settled
	ended   func() bool   // nothing is delivered any more

	mu     sync.Mutex
	lose   context.CancelFunc  // ends the session that has the lease; nil: there is none
	until  time.Time           // the lease is held until then
	flight map[string]struct{} // the entries that were delivered and are not settled
	again  []string            // those that were given back
}

// run receives until ctx ends, then waits until everything is settled. work
// ends when the broker is closed.
func (r *receiver) run(ctx, work context.Context) error {
	receiving, stop := context.WithCancelCause(work)
	defer stop(nil)
	defer context.AfterFunc(ctx, func() { stop(context.Cause(ctx)) })()
	r.ended = func() bool { return ctx.Err() != nil }
	var keeper sync.WaitGroup
	defer keeper.Wait()
	keeping, end := context.WithCancel(work)
	defer end()
	keeper.Go(func() { r.keep(keeping) })

	err := r.sessions(receiving)
	r.settled(work)
	r.release(work)
	if closing(work) {
		return broker.ErrClosed
	}
	return err
}

// sessions receives until ctx ends, or going on is hopeless.
func (r *receiver) sessions(ctx context.Context) error {
	for n := 0; ctx.Err() == nil; n++ {
		began := time.Now()
		err := r.session(ctx)
		if mend := hopeless(err); mend != nil {
			return mend
		}
		if time.Since(began) > longestPause {
			n = 0
		}
		if err != nil && ctx.Err() == nil && n == 0 {
			r.broker.cfg.Log.LogAttrs(ctx, slog.LevelWarn, "receiving from redis was interrupted, trying again",
				slog.String("topic", r.sub.Topic), slog.Any("error", err))
		}
		_ = pause(ctx, n)
	}
	return nil
}

// session receives until ctx ends, the lease is lost, or an error.
func (r *receiver) session(ctx context.Context) error {
	if err := r.open(ctx); err != nil {
		return err
	}
	ctx, lose := context.WithCancel(ctx)
	defer lose()
	r.mu.Lock()
	r.lose = lose
	r.mu.Unlock()
	return r.flow(ctx)
}

// open makes the group if it is missing, and waits for the lease.
func (r *receiver) open(ctx context.Context) error {
	if _, err := r.broker.durability(ctx); err != nil {
		return err
	}
	err := r.broker.client.XGroupCreateMkStream(ctx, r.sub.Topic, r.sub.Group, "0").Err()
	if err != nil && !redis.HasErrorPrefix(err, "BUSYGROUP") {
		return fmt.Errorf("make group %s: %w", r.sub.Group, err)
	}
	return r.acquire(ctx)
}

// flow delivers: first what is pending, then what is new.
func (r *receiver) flow(ctx context.Context) error {
	if err := r.recover(ctx); err != nil {
		return err
	}
	w, err := r.watch(ctx)
	if err != nil {
		return err
	}
	defer w.close()
	for ctx.Err() == nil {
		if ids := r.takeAgain(); len(ids) > 0 {
			if err := r.redeliver(ctx, ids); err != nil {
				return err
			}
			continue
		}
		if err := r.fresh(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

// fresh delivers what nobody of the group has had, or waits for a change.
func (r *receiver) fresh(ctx context.Context, w *watcher) error {
	n := r.room()
	if n == 0 {
		r.idle(ctx)
		return nil
	}
	entries, err := r.read(ctx, n)
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		return w.wait(ctx)
	}
	w.last = entries[len(entries)-1].ID
	for _, e := range entries {
		if err := r.hand(ctx, e, 1); err != nil {
			return err
		}
	}
	return nil
}

// idle waits until something was settled.
func (r *receiver) idle(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-r.changed:
	}
}

// hand delivers an entry, unless the time for it is over: then it stays
// pending, for the next session here or elsewhere.
func (r *receiver) hand(ctx context.Context, e redis.XMessage, attempt int) error {
	r.mu.Lock()
	if ctx.Err() != nil || r.ended() || !time.Now().Before(r.until) {
		r.mu.Unlock()
		return errExpired
	}
	r.flight[e.ID] = struct{}{}
	r.mu.Unlock()
	r.deliver(&broker.Delivery{
		Message: r.broker.decode(r.sub.Topic, e), Attempt: attempt,
		Settler: &settler{receiver: r, entry: e, turn: make(chan struct{}, 1)},
	})
	return nil
}

// room is how many messages may be delivered now.
func (r *receiver) room() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return max(0, r.sub.InFlight-len(r.flight))
}

// settled waits until everything that was delivered is settled, or the broker
// is closed.
func (r *receiver) settled(work context.Context) {
	for r.room() < r.sub.InFlight && work.Err() == nil {
		r.idle(work)
	}
}

// done removes what was settled.
func (r *receiver) done(id string, again bool) {
	r.mu.Lock()
	delete(r.flight, id)
	if again {
		r.again = append(r.again, id)
	}
	r.mu.Unlock()
	select {
	case r.changed <- struct{}{}:
	default: // it is known already
	}
}

func (r *receiver) takeAgain() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	ids := r.again
	r.again = nil
	return ids
}
