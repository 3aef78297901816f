package work_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/talix-dev/talix/internal/commit"
	"github.com/talix-dev/talix/internal/id"
	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is one that can be set.
type clock struct {
	mu  sync.Mutex
	off time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.off)
}

func (c *clock) jump(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.off += d
}

// logs counts messages.
type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logs) count(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), what)
}

// fixture is a runner on a store.
type fixture struct {
	*work.Runner
	store  store.Store
	groups []*commit.Group
	clock  clock
	logs   logs
	ids    *id.Source

	mu   sync.Mutex
	ran  map[string]int
	end  context.CancelFunc
	over chan struct{}
}

// keeper is what the tests read records by.
func (f *fixture) keeper() store.Keeper { return f.store.(store.Keeper) }

// make prepares a runner that does not run yet.
func setUp(tb testing.TB, s store.Store, c work.Config) *fixture {
	tb.Helper()
	f := &fixture{store: s, ran: map[string]int{}, end: func() {}}
	f.ids = id.NewSource(f.clock.now)
	for p := range s.Partitions() {
		f.groups = append(f.groups, commit.Start(commit.Config{Store: s, Partition: store.Partition(p)}))
	}
	c.Look = cmp.Or(c.Look, -1) // it would find what Wake does not
	run := c.Run
	c.Run = func(ctx context.Context, item work.Item) work.Verdict {
		f.mu.Lock()
		f.ran[item.ID]++
		f.mu.Unlock()
		if run == nil {
			return gone
		}
		return run(ctx, item)
	}
	c.Store, c.Now, c.NewRev = s, f.clock.now, f.ids.New
	c.Group = func(p store.Partition) *commit.Group { return f.groups[p] }
	c.Log = slog.New(slog.NewTextHandler(&f.logs, nil))
	f.Runner = work.New(c)
	tb.Cleanup(f.stop)
	return f
}

func start(tb testing.TB, s store.Store, c work.Config) *fixture {
	tb.Helper()
	f := setUp(tb, s, c)
	f.run()
	return f
}

func (f *fixture) run() {
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})
	f.end, f.over = cancel, over
	go func() {
		defer close(over)
		f.Run(ctx)
	}()
}

// stop ends the runner and its groups.
func (f *fixture) stop() {
	f.end()
	if f.over != nil {
		<-f.over
	}
	for _, g := range f.groups {
		g.Close()
	}
}

func (f *fixture) runs(id string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ran[id]
}

// all is how often each item ran.
func (f *fixture) all() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.ran)
}

func (f *fixture) create(tb testing.TB, item work.Item) work.Item {
	tb.Helper()
	got, made, err := f.Create(context.Background(), item)
	if err != nil || !made {
		tb.Fatalf("create %q: %t, %v", item.ID, made, err)
	}
	return got
}

// due is an item that is due now.
func (f *fixture) due(id string) work.Item {
	return work.Item{ID: id, Kind: work.Timer, Action: "act", Status: work.Ready, Due: f.clock.now()}
}

func (f *fixture) get(tb testing.TB, id string) work.Item {
	tb.Helper()
	item, found, err := f.Get(context.Background(), 0, id)
	if err != nil || !found {
		tb.Fatalf("get %q: %t, %v", id, found, err)
	}
	return item
}

// count is how many items there are.
func (f *fixture) count(tb testing.TB) int {
	tb.Helper()
	n := 0
	for p := range f.store.Partitions() {
		items, err := f.List(context.Background(), store.Partition(p), "", "", 1_000_000)
		if err != nil {
			tb.Fatal(err)
		}
		n += len(items)
	}
	return n
}

// empty tells whether nothing is left in the first partition.
func (f *fixture) empty() bool {
	left, err := f.List(context.Background(), 0, "", "", 1)
	return err == nil && len(left) == 0
}

// gone is the verdict that deletes an item.
func gone(work.Item) (*work.Item, []store.Change) { return nil, nil }

// finish is the verdict that the item is done.
func finish(now work.Item) (*work.Item, []store.Change) {
	now.Status, now.Due = work.Done, time.Time{}
	return &now, nil
}

// one is a store in memory of one partition.
func one(fault func() memory.Kind) *memory.Store {
	c := memory.Config{Partitions: 1}
	if fault != nil {
		c.Fault = func(store.Partition, []store.Batch) memory.Fault { return memory.Fault{Kind: fault()} }
	}
	return memory.New(c)
}

// until waits for a condition; the test's own deadline bounds it.
func until(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	deadline := time.Now().Add(time.Minute)
	for tick := time.NewTicker(time.Millisecond); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			tb.Fatalf("it did not come to be that %s", what)
		}
	}
}

func ids(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%05d", i)
	}
	return out
}

// dice makes faults at random.
func dice(seed uint64, kinds ...memory.Kind) func() memory.Kind {
	var mu sync.Mutex
	r := rand.New(rand.NewPCG(seed, 1))
	return func() memory.Kind {
		mu.Lock()
		defer mu.Unlock()
		return kinds[r.IntN(len(kinds))]
	}
}

func equal(a, b work.Item) bool { return gocmp.Equal(a, b) }

// pass lets time pass in a bubble, and what is due then be done.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}
