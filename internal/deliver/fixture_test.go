package deliver_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/talix-dev/talix/internal/commit"
	"github.com/talix-dev/talix/internal/deliver"
	"github.com/talix-dev/talix/internal/id"
	"github.com/talix-dev/talix/internal/journal"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/tail"
	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
	"github.com/talix-dev/talix/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// made is the event that the tests' action takes; other is one that it doesn't.
type made struct{ N int }

type other struct{}

func event[E any](typ string) *registry.Event {
	return &registry.Event{
		Type: typ, Schema: 1, Go: reflect.TypeFor[E](),
		Decode: func(data []byte) (any, error) {
			var e E
			err := json.Unmarshal(data, &e)
			return e, err
		},
	}
}

// things is the entity of the tests.
func things() *registry.Entity {
	e := &registry.Entity{Type: "thing", ByGo: map[reflect.Type]*registry.Event{}, ByName: map[string]*registry.Event{}}
	for _, ev := range []*registry.Event{event[made]("THING:MADE"), event[other]("THING:OTHER")} {
		e.Events, e.ByGo[ev.Go], e.ByName[ev.Type] = append(e.Events, ev), ev, ev
	}
	return e
}

// act is what an action does in a test.
type act func(ctx context.Context, e *store.Event) deliver.Run

// freshKey is where the context of an act says whether the run is fresh.
type freshKey struct{}

// world is what outlives a runtime: the store, and what was seen.
type world struct {
	tb     testing.TB
	store  keeping
	entity *registry.Entity
	action *registry.Action
	ids    *id.Source
	change []func(*deliver.Config)
	log    *slog.Logger

	mu       sync.Mutex
	act      act
	done     map[string][]store.Version // successes by entity, in order
	versions map[string]store.Version
}

func newWorld(tb testing.TB, cfg memory.Config, a act) *world {
	w := &world{
		tb: tb, store: memory.New(cfg), entity: things(), ids: id.NewSource(time.Now), act: a, log: slog.New(slog.DiscardHandler),
		done: map[string][]store.Version{}, versions: map[string]store.Version{},
	}
	w.action = &registry.Action{Name: "act", Event: &registry.EventTrigger{Go: reflect.TypeFor[made]()}}
	tb.Cleanup(func() {
		if t, ok := tb.(*testing.T); ok {
			storetest.Check(t, w.store)
		}
	})
	return w
}

// become changes what the action does.
func (w *world) become(a act) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.act = a
}

func (w *world) run(ctx context.Context, _ *registry.Action, _ registry.Facts, e *store.Event, fresh bool) deliver.Run {
	w.mu.Lock()
	a := w.act
	w.mu.Unlock()
	run := a(context.WithValue(ctx, freshKey{}, fresh), e)
	if run.Err == nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.done[e.Stream.ID] = append(w.done[e.Stream.ID], e.Version)
	}
	return run
}

func (w *world) doneOf(entity string) []store.Version {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.done[entity])
}

// host is one runtime on a world.
type host struct {
	*world
	tail       *tail.Tail
	groups     []*commit.Group
	runner     *work.Runner
	dispatcher *deliver.Dispatcher
	cancel     context.CancelFunc
	running    sync.WaitGroup
}

// keeping is a store with records.
type keeping interface {
	store.Store
	store.Keeper
}

// open makes a runtime that does nothing yet. It fails only where the store
// does.
func (w *world) open(ctx context.Context, s keeping) (*host, error) {
	h := &host{world: w, cancel: func() {}}
	var err error
	if h.tail, err = tail.Open(ctx, s); err != nil {
		return nil, err
	}
	for p := range w.store.Partitions() {
		h.groups = append(h.groups, commit.Start(commit.Config{
			Store: s, Partition: store.Partition(p), Publish: h.tail.Publish, Refresh: h.tail.Refresh,
		}))
	}
	group := func(p store.Partition) *commit.Group { return h.groups[p] }
	h.runner = work.New(work.Config{
		Store: s, Group: group, Now: time.Now, NewRev: w.ids.New, Log: slog.New(slog.DiscardHandler),
		Run: func(ctx context.Context, item work.Item) work.Verdict { return h.dispatcher.RunItem(ctx, item) },
	})
	reg := registry.New()
	reg.AddEntity(w.entity)
	if w.action != nil {
		reg.AddAction(w.action)
	}
	cfg := deliver.Config{
		Registry: reg, Store: s, Tail: h.tail, Group: group, Work: h.runner, Act: w.run, Log: w.log,
	}
	for _, c := range w.change {
		c(&cfg)
	}
	if h.dispatcher, err = deliver.New(ctx, cfg); err != nil {
		h.stop()
		return nil, err
	}
	return h, nil
}

// start runs a runtime until stop, or the end of the test.
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
	h.running.Go(func() { h.dispatcher.Run(ctx) })
	h.running.Go(func() { h.runner.Run(ctx) })
}

func (h *host) stop() {
	h.cancel()
	h.running.Wait()
	for _, g := range h.groups {
		g.Close()
	}
}

// emit appends events of a type to an entity.
func (h *host) emit(typ, entity string, n int) {
	h.tb.Helper()
	s := store.Stream{Type: "thing", ID: entity}
	p := store.PartitionOf(s, h.store.Partitions())
	h.mu.Lock()
	from := h.versions[entity]
	h.versions[entity] += store.Version(n)
	h.mu.Unlock()
	a := store.Append{Stream: s, Expect: from}
	for i := range n {
		v := from + store.Version(i) + 1
		a.Events = append(a.Events, store.Event{ID: h.ids.New(), Stream: s, Version: v, Type: typ, Schema: 1, Time: time.Now(), Data: fmt.Appendf(nil, `{"N":%d}`, v)})
	}
	b := store.Batch{Appends: []store.Append{a}, Key: h.ids.New(), Result: []byte("{}"), Time: time.Now()}
	for {
		pending := h.groups[p].Submit(b, nil)
		pending.Wait(context.Background())
		switch o := pending.Outcome(); o.Status {
		case store.Durable, store.Duplicate:
			return
		case store.Conflict:
			h.tb.Errorf("append to %s: %v", s, o.Status)
			return
		}
	}
}

// make appends n events that the action takes.
func (h *host) make(entity string, n int) { h.emit("THING:MADE", entity, n) }

// lanes are all that is parked, tried again or waits.
func (h *host) lanes() []deliver.Lane {
	h.tb.Helper()
	lanes, err := h.dispatcher.Parked(h.tb.Context(), "", "", 1000)
	if err != nil {
		h.tb.Fatal(err)
	}
	return lanes
}

// items is how many records of work the store has, and entries how many of
// journals.
func (w *world) items() int   { return w.records(work.Space) }
func (w *world) entries() int { return w.records(journal.Space) }

func (w *world) records(space string) int {
	w.tb.Helper()
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

// note writes an entry of a journal, in a store of one partition.
func (w *world) note(key string) {
	w.tb.Helper()
	o := w.store.Commit(context.Background(), 0, []store.Batch{{Records: []store.Change{{Record: store.Record{Space: journal.Space, Key: key, Rev: w.ids.New()}}}}})
	if o[0].Status != store.Durable {
		w.tb.Error(o[0])
	}
}

func versions(from, to store.Version) (all []store.Version) {
	for v := from; v <= to; v++ {
		all = append(all, v)
	}
	return all
}
