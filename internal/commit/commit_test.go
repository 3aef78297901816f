package commit_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"github.com/talix-dev/talix/internal/commit"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// batch appends one event to a stream.
func batch(id string, expect store.Version) store.Batch {
	s := store.Stream{Type: "thing", ID: id}
	e := store.Event{Stream: s, Version: expect + 1, Type: "THING", Data: []byte("{}")}
	return store.Batch{Appends: []store.Append{{Stream: s, Expect: expect, Events: []store.Event{e}}}}
}

// fixture is a group on a memory store, whose commits the test may hold up.
type fixture struct {
	store  *memory.Store
	group  *commit.Group
	mu     sync.Mutex
	groups []int            // sizes
	gate   chan struct{}    // a commit takes one; nil: none is needed
	seen   []store.Position // published
	kinds  []memory.Kind    // faults of the next commits
}

func start(t *testing.T, c commit.Config, gate chan struct{}) *fixture {
	f := &fixture{gate: gate}
	f.store = memory.New(memory.Config{Partitions: 1, Fault: func(_ store.Partition, b []store.Batch) memory.Fault {
		f.mu.Lock()
		f.groups = append(f.groups, len(b))
		var fault memory.Fault
		if len(f.kinds) > 0 {
			fault.Kind, f.kinds = f.kinds[0], f.kinds[1:]
		}
		f.mu.Unlock()
		if f.gate != nil {
			<-f.gate
		}
		return fault
	}})
	c.Store = f.store
	c.Publish = func(_ store.Partition, events []*store.Event) {
		for _, e := range events {
			f.seen = append(f.seen, e.Position)
		}
	}
	f.group = commit.Start(c)
	t.Cleanup(f.group.Close)
	return f
}

func TestBatchesGatherWhileOneIsUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := start(t, commit.Config{}, make(chan struct{}))
		var all sync.WaitGroup
		for i := range 10 {
			all.Go(func() {
				p := f.group.Submit(batch(fmt.Sprint(i), 0), nil)
				if !p.Wait(t.Context()) || p.Outcome().Status != store.Durable {
					t.Errorf("batch %d: %+v", i, p.Outcome())
				}
			})
			if i == 0 {
				synctest.Wait() // it is alone under way
			}
		}
		synctest.Wait()
		close(f.gate)
		all.Wait()
		if len(f.groups) != 2 || f.groups[0] != 1 || f.groups[1] != 9 {
			t.Errorf("the groups had the sizes %v, want 1 and 9", f.groups)
		}
		if len(f.seen) != 10 {
			t.Errorf("%d events were published", len(f.seen))
		}
		f.group.Close()
	})
}

func TestBrokenChain(t *testing.T) {
	t.Parallel()
	f := start(t, commit.Config{}, nil)
	chain := &commit.Chain{}
	wait := func(b store.Batch, c *commit.Chain) store.Status {
		p := f.group.Submit(b, c)
		p.Wait(t.Context())
		return p.Outcome().Status
	}
	if s := wait(batch("a", 5), chain); s != store.Conflict || !chain.Broken() {
		t.Errorf("a wrong version ended as %v", s)
	}
	if s := wait(batch("b", 0), chain); s != store.Conflict {
		t.Errorf("what continued it ended as %v", s)
	}
	if s := wait(batch("b", 0), &commit.Chain{}); s != store.Durable {
		t.Errorf("another chain ended as %v", s)
	}
}

func TestBusy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := start(t, commit.Config{MaxBatches: 2}, make(chan struct{}))
		var all sync.WaitGroup
		for i := range 3 {
			all.Go(func() { f.group.Submit(batch(fmt.Sprint(i), 0), nil).Wait(t.Context()) })
			synctest.Wait()
			if got, want := f.group.Busy(), i == 2; got != want {
				t.Errorf("busy is %t with %d behind the one under way", got, i)
			}
		}
		close(f.gate)
		all.Wait()
		f.group.Close()
	})
}

func TestWhoGoesAwayLeavesTheBatchToOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := start(t, commit.Config{}, make(chan struct{}))
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() { f.group.Submit(batch("a", 0), nil).Wait(t.Context()) })
		synctest.Wait()
		p := f.group.Submit(batch("b", 0), nil)
		all.Go(func() {
			if p.Wait(ctx) {
				t.Error("it waited to the end")
			}
		})
		synctest.Wait()
		cancel()
		synctest.Wait()
		close(f.gate)
		all.Wait()
		synctest.Wait()
		if !p.Settled() || p.Outcome().Status != store.Durable {
			t.Errorf("the batch ended as %+v", p.Outcome())
		}
		f.group.Close()
	})
}

func TestCloseCommitsWhatWaits(t *testing.T) {
	t.Parallel()
	f := start(t, commit.Config{}, nil)
	p := f.group.Submit(batch("a", 0), nil)
	f.group.Close()
	if !p.Settled() || p.Outcome().Status != store.Durable {
		t.Errorf("what waited ended as %+v", p.Outcome())
	}
	late := f.group.Submit(batch("b", 0), nil)
	late.Wait(t.Context())
	if o := late.Outcome(); o.Status != store.Failed || !errors.Is(o.Err, commit.ErrClosed) {
		t.Errorf("what came later ended as %+v", o)
	}
}

// A commit whose outcome is not known is looked for, until it has landed.
func TestDoubt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		looks := make(chan struct{}, 1000)
		f := start(t, commit.Config{Refresh: func(context.Context, store.Partition) error {
			looks <- struct{}{}
			return nil
		}}, nil)
		f.kinds = []memory.Kind{memory.UnknownWritten}
		p := f.group.Submit(batch("a", 0), nil)
		p.Wait(t.Context())
		if p.Outcome().Status != store.Unknown {
			t.Fatalf("it ended as %+v", p.Outcome())
		}
		for range 5 {
			<-looks
		}
		f.group.Close()
	})
}
