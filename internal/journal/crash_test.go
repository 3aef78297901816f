package journal_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/talix-dev/talix/internal/commit"
	"github.com/talix-dev/talix/internal/journal"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

// grow makes a program at random.
func grow(r *rand.Rand, depth int) program {
	p := program{}
	for range 1 + r.IntN(4) {
		if depth > 0 && r.IntN(3) == 0 {
			o := op{name: fmt.Sprint("fork", r.IntN(3)), branches: []program{}}
			for range r.IntN(4) {
				o.branches = append(o.branches, grow(r, depth-1))
			}
			p = append(p, o)
			continue
		}
		p = append(p, op{kind: "step", name: fmt.Sprint("step", r.IntN(3)), noted: r.IntN(3) == 0})
	}
	return p
}

// killer is a process that is killed at one of its commits: before or after it
// is written, heard of or not.
type killer struct {
	left  atomic.Int64
	kind  atomic.Int64
	alive context.CancelFunc
}

func (k *killer) commit(store.Partition, []store.Batch) memory.Fault {
	left := k.left.Add(-1)
	switch {
	case left > 0:
		return memory.Fault{}
	case left < 0:
		return memory.Fault{Kind: memory.Fail}
	}
	kind := memory.Kind(k.kind.Load())
	k.alive()
	return memory.Fault{Kind: kind}
}

// world is what survives a process.
type world struct {
	*fixture
	killer
	mu   sync.Mutex
	done map[string]string // what the store had when the process began
	n    int
}

// do is the effect of a step: another result each time.
func (w *world) do(tb testing.TB) func(path, name string) []byte {
	return func(path, name string) []byte {
		w.mu.Lock()
		defer w.mu.Unlock()
		if have, ok := w.done[path]; ok {
			tb.Errorf("step %s at %s ran again, after it came to %s", name, path, have)
		}
		w.n++
		return fmt.Appendf(nil, "result %d", w.n)
	}
}

// live runs a program until it ends or is killed.
func (w *world) live(tb testing.TB, p program, commits int64, kind memory.Kind) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	w.left.Store(commits)
	w.kind.Store(int64(kind))
	w.alive = cancel
	w.group = commit.Start(commit.Config{Store: w.store})
	defer w.group.Close()
	w.done = map[string]string{}
	entries := w.entries(tb)
	for _, e := range entries {
		w.done[e.Path] = string(e.Data)
	}
	c := w.config()
	c.Fresh = len(entries) == 0
	l := &life{journal: journal.New(c), do: w.do(tb)}
	err := l.run(ctx, p)
	for _, e := range w.entries(tb) {
		if got, ok := l.results.Load(e.Path); ok && got != string(e.Data) {
			tb.Errorf("step %s came to %s, and is %s to the run", e.Path, e.Data, got)
		}
	}
	return err
}

// Whatever a run is made of and wherever it is killed, it comes to its end, no
// step runs again that was kept, and no change is seen that is none.
func TestKilledAtAnyPoint(t *testing.T) {
	t.Parallel()
	kinds := []memory.Kind{memory.None, memory.Fail, memory.UnknownWritten, memory.UnknownLost, memory.UnknownLate}
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 1))
		p := append(grow(r, 3), op{kind: "step", name: "last"})
		w := &world{fixture: &fixture{}}
		w.on(t, memory.New(memory.Config{Partitions: 1, Fault: w.commit}))
		w.kill(t, r, p, kinds)
		if t.Failed() {
			t.Fatalf("seed %d: %s", seed, text(w.entries(t)))
		}
	}
}

func (w *world) kill(t *testing.T, r *rand.Rand, p program, kinds []memory.Kind) {
	for life := 0; ; life++ {
		commits := int64(1 + r.IntN(3))
		if life > 200 {
			t.Fatal("it comes to no end")
		}
		err := w.live(t, p, commits, kinds[r.IntN(len(kinds))])
		if errors.Is(err, journal.ErrChanged) || errors.Is(err, journal.ErrRaced) || errors.Is(err, journal.ErrConflict) {
			t.Fatal(err)
		}
		if err == nil && w.left.Load() >= 0 {
			return
		}
	}
}

// TestEachPrefix kills a run behind each of its steps.
func TestEachPrefix(t *testing.T) {
	t.Parallel()
	p := append(steps("a", "b"), all("side by side", steps("c", "d"), program{}, steps("e")))
	p = append(p, op{kind: "run", name: "f", noted: true}, op{kind: "step", name: "g"})
	for n := range int64(8) {
		w := &world{fixture: &fixture{}}
		w.on(t, memory.New(memory.Config{Partitions: 1, Fault: w.commit}))
		_ = w.live(t, p, n+1, memory.None)
		before := len(w.entries(t))
		if err := w.live(t, p, 1000, memory.None); err != nil {
			t.Fatalf("after %d commits: %v", n, err)
		}
		if after := len(w.entries(t)); before > after || after != 8 {
			t.Errorf("after %d commits there were %d entries, and %d in the end", n, before, after)
		}
	}
}
