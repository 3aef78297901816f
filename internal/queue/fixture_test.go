package queue_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/talix-dev/talix/broker"
	brokermemory "github.com/talix-dev/talix/broker/memory"
	"github.com/talix-dev/talix/internal/commit"
	"github.com/talix-dev/talix/internal/deliver"
	"github.com/talix-dev/talix/internal/id"
	"github.com/talix-dev/talix/internal/queue"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/source"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
	"github.com/talix-dev/talix/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const topic = "orders"

var errBug = errors.New("a bug")

type act func(ctx context.Context, m broker.Message, item work.Item) deliver.Run

// freshKey is where the context of an act says whether the run is fresh.
type freshKey struct{}

func ok(context.Context, broker.Message, work.Item) deliver.Run { return deliver.Run{} }

// failAt fails at one message.
func failAt(id string, err error) act {
	return func(_ context.Context, m broker.Message, _ work.Item) deliver.Run {
		if m.ID == id {
			return deliver.Run{Err: err}
		}
		return deliver.Run{}
	}
}

// world is what outlives a runtime.
type world struct {
	tb     testing.TB
	store  keeping
	broker *brokermemory.Broker // the test's own connection
	action *registry.Action
	ids    *id.Source
	log    *slog.Logger
	wrap   func(broker.Broker) broker.Broker // what hosts get; nil: their connection

	mu   sync.Mutex
	act  act
	done map[string][]string // IDs by key, in order
}

func newWorld(tb testing.TB, cfg memory.Config, brokerCfg brokermemory.Config, a act) *world {
	w := &world{
		tb: tb, store: memory.New(cfg), broker: brokermemory.New(brokerCfg), ids: id.NewSource(time.Now), act: a,
		log: slog.New(slog.DiscardHandler), done: map[string][]string{},
	}
	decode := func(data []byte) (any, error) {
		if string(data) == "poison" {
			return nil, errBug
		}
		return string(data), nil
	}
	w.action = &registry.Action{Name: "act", Queue: &registry.QueueTrigger{
		Topic: topic, Decode: func(m broker.Message) (any, error) { return decode(m.Data) },
	}}
	tb.Cleanup(func() {
		w.broker.Close()
		if t, ok := tb.(*testing.T); ok {
			storetest.Check(t, w.store)
		}
	})
	return w
}

// fromSource makes the action one on an outside system.
func (w *world) fromSource() {
	decode := w.action.Queue.Decode
	w.action = &registry.Action{Name: "act", Source: &registry.SourceTrigger{
		Name: "outside", Decode: func(m source.Message) (any, error) { return decode(broker.Message{Data: m.Data}) },
	}}
}

func (w *world) become(a act) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.act = a
}

func (w *world) run(ctx context.Context, _ *registry.Action, _ any, m broker.Message, item work.Item, fresh bool) deliver.Run {
	w.mu.Lock()
	a := w.act
	w.mu.Unlock()
	run := a(context.WithValue(ctx, freshKey{}, fresh), m, item)
	if run.Err == nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.done[m.Key] = append(w.done[m.Key], m.ID)
	}
	return run
}

func (w *world) expect(key string, want ...string) {
	w.tb.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if got := w.done[key]; !slices.Equal(got, want) {
		w.tb.Errorf("%q: %v were done, want %v", key, got, want)
	}
}

// publish publishes messages of a key, by their IDs.
func (w *world) publish(key string, ids ...string) {
	w.tb.Helper()
	for _, id := range ids {
		for w.broker.Publish(context.Background(), topic, broker.Message{ID: id, Key: key, Data: []byte("data")}) != nil {
		}
	}
}

// dead are the IDs in the dead-letter queue, and the reasons.
func (w *world) dead(ctx context.Context) map[string]string {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	found := map[string]string{}
	err := w.broker.Receive(ctx, broker.Subscription{Topic: broker.DeadLetter(topic), Group: w.ids.New().String()}, func(d *broker.Delivery) {
		found[d.ID] = d.Attributes[broker.DeadReason]
		if d.Attributes[broker.DeadTopic] != topic || d.Attributes[broker.DeadGroup] != "act" {
			w.tb.Errorf("dead letter with %v", d.Attributes)
		}
		d.Ack(context.Background())
	})
	if err != nil {
		w.tb.Error(err)
	}
	return found
}

// records counts the records of a space.
func (w *world) records(space string) int {
	n := 0
	for p := range w.store.Partitions() {
		found, err := w.store.Records(context.Background(), store.Partition(p), space, "", "", 10_000)
		if err != nil {
			w.tb.Fatal(err)
		}
		n += len(found)
	}
	return n
}

// host is one runtime on a world.
type host struct {
	*world
	broker  *brokermemory.Broker
	groups  []*commit.Group
	runner  *work.Runner
	queues  *queue.Queues
	cancel  context.CancelFunc
	running sync.WaitGroup
}

// keeping is a store with records.
type keeping interface {
	store.Store
	store.Keeper
}

func (w *world) open(ctx context.Context, s keeping) (*host, error) {
	h := &host{world: w, cancel: func() {}, broker: w.broker.Connect()}
	for p := range w.store.Partitions() {
		h.groups = append(h.groups, commit.Start(commit.Config{Store: s, Partition: store.Partition(p)}))
	}
	group := func(p store.Partition) *commit.Group { return h.groups[p] }
	h.runner = work.New(work.Config{
		Store: s, Group: group, Now: time.Now, NewRev: w.ids.New, Log: w.log,
		Run:   func(ctx context.Context, item work.Item) work.Verdict { return h.queues.RunItem(ctx, item) },
		Sweep: []work.Sweep{{Space: queue.Seen}},
	})
	reg := registry.New()
	if w.action != nil {
		reg.AddAction(w.action)
	}
	var connection broker.Broker = h.broker
	if w.wrap != nil {
		connection = w.wrap(connection)
	}
	var err error
	h.queues, err = queue.New(ctx, queue.Config{
		Registry: reg, Store: s, Group: group, Work: h.runner, Brokers: map[string]broker.Broker{"": connection},
		Act: w.run, NewRev: w.ids.New, Log: w.log,
	})
	if err != nil {
		h.stop()
		return nil, err
	}
	return h, nil
}

func (w *world) start() *host {
	w.tb.Helper()
	h, err := w.open(w.tb.Context(), w.store)
	if err != nil {
		w.tb.Fatal(err)
	}
	h.begin()
	w.tb.Cleanup(h.stop)
	return h
}

func (h *host) begin() {
	ctx, cancel := context.WithCancel(context.Background())
	h.cancel = cancel
	h.running.Go(func() { h.queues.Run(ctx) })
	h.running.Go(func() { h.runner.Run(ctx) })
}

func (h *host) stop() {
	h.cancel()
	h.running.Wait()
	h.broker.Close()
	for _, g := range h.groups {
		g.Close()
	}
}

func (h *host) stuck() []queue.Stuck {
	h.tb.Helper()
	all, err := h.queues.Parked(h.tb.Context(), "", "", 1000)
	if err != nil {
		h.tb.Fatal(err)
	}
	return all
}

// one is the only message that is stuck.
func (h *host) one() queue.Stuck {
	h.tb.Helper()
	all := h.stuck()
	if len(all) != 1 {
		h.tb.Fatalf("%d messages are stuck", len(all))
	}
	return all[0]
}

func idsOf(prefix string, from, to int) (ids []string) {
	for i := from; i <= to; i++ {
		ids = append(ids, fmt.Sprint(prefix, i))
	}
	return ids
}
