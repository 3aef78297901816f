package project_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/talix-dev/talix/internal/project"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/tail"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/table"
)

// team are processes that keep up views in the same tables. Time is that of a
// bubble.
type team struct {
	tb     testing.TB
	log    *memLog
	tables table.Store
	joined int

	mu     sync.Mutex
	mates  map[string]*mate
	living map[string]bool // as all see it
	owners []string
}

// mate is one of them.
type mate struct {
	*running
	team    *team
	name    string
	tail    *tail.Tail
	erasure atomic.Int64
	serving map[int]context.CancelFunc
	served  map[int]chan struct{} // closed when that has ended
	ended   sync.WaitGroup
}

func newTeam(tb testing.TB, partitions int, tables table.Store) *team {
	tb.Helper()
	return &team{tb: tb, log: newLog(tb, partitions), tables: tables, mates: map[string]*mate{}, living: map[string]bool{}, owners: make([]string, partitions)}
}

// join begins a process with a definition of views.
func (t *team) join(views ...*registry.View) *mate {
	t.tb.Helper()
	return t.joinWith(t.tables, views...)
}

func (t *team) joinWith(tables table.Store, views ...*registry.View) *mate {
	t.tb.Helper()
	t.joined++
	m := &mate{team: t, name: fmt.Sprint("mate-", t.joined), serving: map[int]context.CancelFunc{}, served: map[int]chan struct{}{}}
	own, err := tail.Open(t.tb.Context(), t.log)
	if err != nil {
		t.tb.Fatal(err)
	}
	m.tail = own
	cfg := project.Config{
		Tables: tables, Tail: own, Load: t.log.Load, Registry: bank(views...), Batch: 10, Ignored: 1000, Log: slog.New(slog.DiscardHandler),
		Shared: true, Self: m.name, Sight: t.sight, Erasure: m.erasure.Load,
	}
	first, err := project.New(cfg)
	for err == nil && first.Ensure(t.tb.Context()) != nil {
		// The store fails now and then. A process that runs has told of itself.
	}
	m.running = start(t.tb, cfg)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mates[m.name], t.living[m.name] = m, true
	t.share()
	return m
}

func (t *team) sight() project.Sight {
	t.mu.Lock()
	defer t.mu.Unlock()
	return project.Sight{Living: slices.Sorted(maps.Keys(t.living)), Owners: slices.Clone(t.owners)}
}

// share deals the partitions out to those who live.
func (t *team) share() {
	names := slices.Sorted(maps.Keys(t.living))
	for p := range t.owners {
		want := ""
		if len(names) > 0 {
			want = names[p%len(names)]
		}
		if want == t.owners[p] {
			continue
		}
		if old := t.mates[t.owners[p]]; old != nil {
			old.serving[p]()
		}
		t.owners[p] = want
		if m := t.mates[want]; m != nil {
			m.serve(p)
		}
	}
}

func (m *mate) serve(p int) {
	ctx, cancel := context.WithCancel(m.team.tb.Context())
	before, done := m.served[p], make(chan struct{})
	m.serving[p], m.served[p] = cancel, done
	m.ended.Go(func() {
		defer close(done)
		if before != nil {
			<-before // as a node releases a partition before it claims it again
		}
		if m.tail.Refresh(ctx, store.Partition(p)) == nil {
			m.Serve(ctx, store.Partition(p))
		}
	})
}

// die ends a process, which tells nobody.
func (m *mate) die() {
	m.silent()
	m.stop()
	m.ended.Wait()
}

// silent has the others take a process for dead, which goes on.
func (m *mate) silent() {
	t := m.team
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.living, m.name)
	t.share()
}

// end ends all.
func (t *team) end() {
	for _, name := range slices.Sorted(maps.Keys(t.mates)) {
		t.mates[name].die()
	}
}

// add appends events; their partitions' owners know at once.
func (t *team) add(facts ...fact) {
	for _, f := range facts {
		e := t.log.append(f)
		t.mu.Lock()
		owner := t.mates[t.owners[e.Partition]]
		t.mu.Unlock()
		if owner != nil {
			owner.tail.Publish(e.Partition, []*store.Event{e})
		}
	}
}

// seen waits until a process shows all events.
func (m *mate) seen() {
	m.team.tb.Helper()
	ctx, cancel := context.WithTimeout(m.team.tb.Context(), time.Hour)
	defer cancel()
	if err := m.Wait(ctx, nil, m.team.log.heads()); err != nil {
		m.team.tb.Fatal(err)
	}
}

// whole waits until a process has nothing more to make.
func (m *mate) whole() {
	m.team.tb.Helper()
	ctx, cancel := context.WithTimeout(m.team.tb.Context(), time.Hour)
	defer cancel()
	if err := m.WaitWhole(ctx, m.names); err != nil {
		m.team.tb.Fatal(err)
	}
	untilTrue(m.team.tb, func() bool {
		return !slices.ContainsFunc(m.Status(), func(s project.Status) bool { return s.Making != nil })
	})
	m.seen()
}

// untilTrue waits for what must happen, by the clock of a bubble.
func untilTrue(tb testing.TB, happened func() bool) {
	tb.Helper()
	for range 100_000 {
		if happened() {
			return
		}
		<-time.After(20 * time.Millisecond)
	}
	tb.Fatal("it did not happen")
}

// verify finds differences of the view balances.
func (m *mate) verify() (found []project.Difference) {
	m.team.tb.Helper()
	for d, err := range m.Verify(m.team.tb.Context(), "balances") {
		if err != nil {
			m.team.tb.Fatal(err)
		}
		found = append(found, d)
	}
	return found
}

// total is the balance of all rows.
func total(t *memTables) (sum int64) {
	for _, row := range t.dump("balances") {
		sum += row[1].Int()
	}
	return sum
}

// hung is a store whose updates wait while it is shut.
type hung struct {
	table.Store
	mu   sync.Mutex
	gate chan struct{} // nil: it is open
}

func (h *hung) shut() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.gate = make(chan struct{})
}

func (h *hung) open() {
	h.mu.Lock()
	defer h.mu.Unlock()
	close(h.gate)
	h.gate = nil
}

func (h *hung) Update(ctx context.Context, fn func(table.Tx) error) error {
	h.mu.Lock()
	gate := h.gate
	h.mu.Unlock()
	if gate != nil {
		<-gate
	}
	return h.Store.Update(ctx, fn)
}
