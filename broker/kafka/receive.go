package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/talix-dev/talix/broker"
)

const (
	defaultInFlight = 256
	// lookEvery is how often errors of fetching are looked for.
	lookEvery = time.Second
	// leaveLimit is how long the servers may take to hear that a receiver ends.
	leaveLimit = 2 * time.Second
)

// Receive implements broker.Broker.
func (b *Broker) Receive(ctx context.Context, s broker.Subscription, deliver func(*broker.Delivery)) error {
	work, end, err := b.begin(context.WithoutCancel(ctx))
	if err != nil {
		return fmt.Errorf("receive from %s: %w", s.Topic, err)
	}
	defer end()
	s.InFlight = cmp.Or(s.InFlight, defaultInFlight)
	r := &receiver{
		broker: b, sub: s, deliver: deliver, partitions: map[int32]*partition{},
		changed: make(chan struct{}, 1), commits: make(chan struct{}, 1), moved: make(chan struct{}, 1), handing: make(chan struct{}, 1),
		stopping: func() bool { return ctx.Err() != nil },
	}
	if err := r.run(ctx, work); err != nil {
		return fmt.Errorf("receive from %s: %w", s.Topic, err)
	}
	return nil
}

// receiver is one Receive.
type receiver struct {
	broker  *Broker
	client  *kgo.Client
	sub     broker.Subscription
	deliver func(*broker.Delivery)

	changed  chan struct{} // something was settled, or has come
	commits  chan struct{} // a position has moved
	handing  chan struct{} // held while records are taken from the client and delivered
	stopping func() bool   // nothing is delivered any more
	over     func()        // ends what is left
	moved    chan struct{} // what a partition that moves waits for may be so

	abandoned <-chan struct{} // nothing that is in work is waited for

	mu         sync.Mutex
	partitions map[int32]*partition
	unsettled  int // what was delivered and is not settled
	waiters    []waiter
	failure    error // why nothing can be settled any more
}

// run receives until ctx ends, then goes on until everything is settled. work
// ends when the broker is closed.
func (r *receiver) run(ctx, work context.Context) error {
	life, end := context.WithCancel(work)
	defer end()
	r.over = end
	defer context.AfterFunc(ctx, r.stop)()
	err := r.broker.persist(life, "receive from "+r.sub.Topic, func() error { return r.broker.ensure(life, r.sub.Topic) })
	if err == nil {
		err = r.member(life, work)
	}
	r.fail(cmp.Or(err, errOrphan))
	switch {
	case closing(work):
		return broker.ErrClosed
	case ctx.Err() != nil:
		return nil
	}
	return err
}

// stop is for the end of the deliveries.
func (r *receiver) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.unsettled == 0 {
		r.over()
	}
	wake(r.changed)
}

// member takes part in the group until life ends.
func (r *receiver) member(life, work context.Context) (err error) {
	abandoned, abandon := context.WithCancel(work)
	defer abandon()
	r.abandoned = abandoned.Done()
	if r.client, err = r.broker.connect(r.options()...); err != nil {
		return fmt.Errorf("join group: %w", err)
	}
	var committer sync.WaitGroup
	committing, end := context.WithCancel(context.WithoutCancel(life))
	defer committer.Wait()
	defer end()
	committer.Go(func() { r.commit(committing) })
	defer r.leave()
	if err = r.flow(life); err != nil {
		abandon()
	}
	return err
}

func (r *receiver) options() []kgo.Opt {
	session, handover := r.broker.cfg.Session, r.broker.cfg.Handover
	return []kgo.Opt{
		kgo.ConsumerGroup(r.sub.Topic + "." + r.sub.Group),
		kgo.ConsumeTopics(r.sub.Topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.SessionTimeout(session),
		kgo.HeartbeatInterval(min(session/4, 3*time.Second)),
		kgo.RebalanceTimeout(handover + session),
		kgo.DisableAutoCommit(),
		kgo.OnPartitionsAssigned(func(ctx context.Context, _ *kgo.Client, got map[string][]int32) { r.assigned(ctx, got[r.sub.Topic]) }),
		kgo.OnPartitionsRevoked(func(ctx context.Context, _ *kgo.Client, lost map[string][]int32) { r.revoked(ctx, lost[r.sub.Topic]) }),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, lost map[string][]int32) { r.lost(lost[r.sub.Topic]) }),
		kgo.WithHooks(arrivals(func() { wake(r.changed) })),
	}
}

// arrivals is called for every record that the client has fetched.
type arrivals func()

// OnFetchRecordBuffered implements kgo.HookFetchRecordBuffered.
func (a arrivals) OnFetchRecordBuffered(*kgo.Record) { a() }

// OnFetchRecordUnbuffered implements kgo.HookFetchRecordUnbuffered.
func (a arrivals) OnFetchRecordUnbuffered(*kgo.Record, bool) {}

// leave tells the servers, as far as they are there, that the receiver ends.
func (r *receiver) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), leaveLimit)
	defer cancel()
	_ = r.client.LeaveGroupContext(ctx) // else the session ends by itself
	r.client.Close()
}

// flow delivers until life ends or going on is hopeless.
func (r *receiver) flow(life context.Context) error {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		if err := r.hand(life); err != nil {
			return err
		}
		r.redeliver()
		select {
		case <-life.Done():
			return nil
		case <-r.changed:
		case <-look.C:
		}
	}
}

// hand delivers what the client has fetched. Nothing is between the client and
// the partition's queue when it moves: revoked waits for its turn.
func (r *receiver) hand(life context.Context) error {
	for life.Err() == nil {
		n := r.room()
		if n == 0 {
			return nil
		}
		if !r.turn(life, nil) {
			return nil
		}
		fetches := r.client.PollRecords(nil, n) //nolint:staticcheck // nil means: don't wait
		fetches.EachRecord(r.take)
		r.yield()
		if err := r.check(life, fetches); err != nil {
			return err
		}
		if fetches.NumRecords() == 0 {
			return nil
		}
	}
	return nil
}

// take delivers a record of a partition that the receiver has.
func (r *receiver) take(record *kgo.Record) {
	r.mu.Lock()
	p := r.partitions[record.Partition]
	if p == nil || p.moving || r.stopping() {
		r.mu.Unlock()
		return
	}
	f := p.add(record)
	r.unsettled++
	r.mu.Unlock()
	r.give(f)
}

// check tells what cannot be mended by waiting.
func (r *receiver) check(life context.Context, fetches kgo.Fetches) error {
	for _, e := range fetches.Errors() {
		if mend := hopeless(e.Err); mend != nil {
			return mend
		}
		if life.Err() == nil && !errors.Is(e.Err, kgo.ErrClientClosed) {
			r.broker.cfg.Log.LogAttrs(life, slog.LevelWarn, "receiving from kafka was interrupted, trying again",
				slog.String("topic", r.sub.Topic), slog.Any("error", e.Err))
		}
	}
	return nil
}

func (r *receiver) give(f *flight) {
	r.deliver(&broker.Delivery{
		Message: r.broker.decode(f.record),
		Settler: &settler{receiver: r, flight: f, turn: make(chan struct{}, 1)},
	})
}

// room is how many messages may be delivered now.
func (r *receiver) room() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopping() {
		return 0
	}
	return max(0, r.sub.InFlight-r.unsettled)
}

// redeliver delivers what was given back.
func (r *receiver) redeliver() {
	for {
		r.mu.Lock()
		f := r.returned()
		if f == nil || r.stopping() || r.unsettled >= r.sub.InFlight {
			r.mu.Unlock()
			return
		}
		f.state = open
		f.partition.backs--
		f.partition.open++
		r.unsettled++
		r.mu.Unlock()
		r.give(f)
	}
}

func (r *receiver) returned() *flight {
	for _, p := range r.partitions {
		if f := p.returned(); f != nil {
			return f
		}
	}
	return nil
}

// wake makes whoever waits on a channel look again.
func wake(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default: // it will
	}
}
