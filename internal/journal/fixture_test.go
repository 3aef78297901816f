package journal_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/talix-dev/talix/internal/commit"
	"github.com/talix-dev/talix/internal/id"
	"github.com/talix-dev/talix/internal/journal"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// faults is what goes wrong at the store.
type faults struct {
	mu      sync.Mutex
	commits []memory.Kind // of the next ones
	read    error         // of all reads
	reads   int
	delay   time.Duration // of commits
}

func (f *faults) slow(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.delay = d
}

func (f *faults) commit(store.Partition, []store.Batch) memory.Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	fault := memory.Fault{Delay: f.delay}
	if len(f.commits) > 0 {
		fault.Kind, f.commits = f.commits[0], f.commits[1:]
	}
	return fault
}

func (f *faults) next(kinds ...memory.Kind) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.commits = kinds
}

func (f *faults) ask(string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reads++
	return f.read
}

func (f *faults) unreadable(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.read = err
}

func (f *faults) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.reads
}

// fixture is a store with its group.
type fixture struct {
	faults
	store store.Store
	group *commit.Group
	ids   *id.Source
}

func onMemory(tb testing.TB) *fixture {
	f := &fixture{}
	f.on(tb, memory.New(memory.Config{Partitions: 1, Fault: f.commit, ReadFault: f.ask}))
	return f
}

func (f *fixture) on(tb testing.TB, s store.Store) {
	f.store, f.ids = s, id.NewSource(time.Now)
	f.group = commit.Start(commit.Config{Store: s})
	tb.Cleanup(f.group.Close)
}

func (f *fixture) config() journal.Config {
	return journal.Config{Store: f.store, Group: f.group, NewRev: f.ids.New, ID: "run", Patience: time.Minute}
}

func (f *fixture) open() *journal.Journal { return journal.New(f.config()) }

func (f *fixture) entries(tb testing.TB) []journal.Entry {
	tb.Helper()
	entries, err := f.open().Entries(context.Background())
	if err != nil {
		tb.Fatal(err)
	}
	return entries
}

// op is a step of a program, or its branches.
type op struct {
	kind, name string
	noted      bool
	branches   []program
}

type program []op

// life is one run of a program, with what its steps do.
type life struct {
	journal *journal.Journal
	do      func(path, name string) []byte
	results sync.Map // path → what the program got
}

var errCrash = errors.New("the process was killed")

// run runs a whole program, and tells whether it asked for all there is.
func (l *life) run(ctx context.Context, p program) error {
	if err := l.line(ctx, l.journal.Root(), p); err != nil {
		return err
	}
	return l.journal.Missed()
}

func (l *life) line(ctx context.Context, b *journal.Branch, p program) error {
	for _, o := range p {
		var err error
		if o.branches != nil {
			err = l.fork(ctx, b, o)
		} else {
			err = l.step(ctx, b, o)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (l *life) step(ctx context.Context, b *journal.Branch, o op) error {
	step, err := b.Find(ctx, o.kind, o.name)
	if err != nil {
		return err
	}
	if step.Found {
		l.results.Store(step.Path, string(step.Data))
		return nil
	}
	if ctx.Err() != nil {
		return errCrash
	}
	step.Data = l.do(step.Path, o.name)
	if o.noted {
		step.Data = echo(step.Path, o.name) // it comes to the same however often it is done
		l.journal.Note(step)
	} else if step, err = l.journal.Keep(ctx, step); err != nil {
		return err
	}
	l.results.Store(step.Path, string(step.Data))
	return nil
}

func (l *life) fork(ctx context.Context, b *journal.Branch, o op) error {
	names := make([]string, len(o.branches))
	for i := range names {
		names[i] = fmt.Sprint(i)
	}
	branches, err := b.Fork(ctx, o.name, names)
	if err != nil {
		return err
	}
	errs := make([]error, len(branches))
	var all sync.WaitGroup
	for i := range branches {
		all.Go(func() { errs[i] = l.line(ctx, branches[i], o.branches[i]) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// echo is what steps do that need not be told apart.
func echo(path, name string) []byte { return []byte(path + name) }

// steps is a program of kept steps.
func steps(names ...string) program {
	var p program
	for _, n := range names {
		p = append(p, op{kind: "step", name: n})
	}
	return p
}

func all(name string, branches ...program) op { return op{name: name, branches: branches} }

func (f *fixture) runs(tb testing.TB, p program) {
	tb.Helper()
	if err := f.run(p); err != nil {
		tb.Fatal(err)
	}
}

func (f *fixture) run(p program) error {
	l := &life{journal: f.open(), do: echo}
	return l.run(context.Background(), p)
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}
