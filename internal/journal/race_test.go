package journal_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/talix-dev/talix/internal/journal"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

// Of two runs of the same, each step has the result of the one that was
// faster, for both.
func TestTwoRunsAgree(t *testing.T) {
	t.Parallel()
	for range 20 {
		w := onMemory(t)
		p := append(steps("a", "b"), op{kind: "run", name: "n", noted: true}, all("f", steps("c", "d"), steps("e")), op{kind: "step", name: "g"})
		var n atomic.Int64
		lives := make([]*life, 3)
		var all sync.WaitGroup
		for i := range lives {
			c := w.config()
			c.Fresh = i == 0
			lives[i] = &life{journal: journal.New(c), do: func(string, string) []byte { return fmt.Append(nil, n.Add(1)) }}
			all.Go(func() {
				if err := lives[i].run(context.Background(), p); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		for _, e := range w.entries(t) {
			for _, l := range lives {
				if got, ok := l.results.Load(e.Path); e.Kind != "all" && (!ok || got != string(e.Data)) {
					t.Errorf("%s is %s in the store and %v to a run", e.Path, e.Data, got)
				}
			}
		}
	}
}

// faster is a run that another one overtook after it looked.
func faster(t *testing.T, mine, others journal.Step, noted bool) error {
	w := onMemory(t)
	keep := func(j *journal.Journal, s journal.Step) error {
		step := find(t, j.Root(), "a")
		step.Kind, step.Name, step.Data = s.Kind, s.Name, s.Data
		if noted {
			j.Note(step)
			step.Path = "0002"
		}
		stands, err := j.Keep(context.Background(), step)
		if err == nil && string(stands.Data) != string(others.Data) {
			t.Errorf("%s stands", stands.Data)
		}
		return err
	}
	slow := w.open()
	b := slow.Root()
	if _, err := b.Find(context.Background(), "step", "z"); err != nil { // it has read the journal
		t.Fatal(err)
	}
	if err := keep(w.open(), others); err != nil {
		t.Fatal(err)
	}
	return keep(slow, mine)
}

func step(kind, name, data string) journal.Step {
	return journal.Step{Entry: journal.Entry{Kind: kind, Name: name, Data: []byte(data)}}
}

func TestOvertaken(t *testing.T) {
	t.Parallel()
	theirs := step("step", "a", "theirs")
	if err := faster(t, step("step", "a", "mine"), theirs, false); err != nil {
		t.Errorf("the same step: %v", err)
	}
	if err := faster(t, step("step", "b", "mine"), theirs, false); !errors.Is(err, journal.ErrChanged) {
		t.Errorf("another name: %v", err)
	}
	if err := faster(t, step("run", "a", "mine"), theirs, false); !errors.Is(err, journal.ErrChanged) {
		t.Errorf("another kind: %v", err)
	}
	if err := faster(t, step("step", "a", "theirs"), theirs, true); err != nil {
		t.Errorf("the same notes: %v", err)
	}
	if err := faster(t, step("step", "a", "mine"), theirs, true); !errors.Is(err, journal.ErrRaced) {
		t.Errorf("other notes: %v", err)
	}
}

// Notes that another run has written already stay out of the way.
func TestNotesOfAnotherRun(t *testing.T) {
	t.Parallel()
	w := onMemory(t)
	first, second := w.open(), w.open()
	for _, j := range []*journal.Journal{second, first} {
		b := j.Root()
		j.Note(find(t, b, "a"))
		j.Note(find(t, b, "b"))
		if j == first {
			if _, err := j.Keep(context.Background(), find(t, b, "c")); err != nil {
				t.Fatal(err)
			}
			continue
		}
		defer func() {
			d := find2(t, b, "c", "d")
			if _, err := second.Keep(context.Background(), d); err != nil {
				t.Error(err)
			}
			if n := len(w.entries(t)); n != 4 || len(second.Changes()) != 0 {
				t.Errorf("%d entries are there, and %d notes left", n, len(second.Changes()))
			}
		}()
	}
}

// find2 is the second of two steps that are asked for.
func find2(tb testing.TB, b *journal.Branch, first, second string) journal.Step {
	tb.Helper()
	find(tb, b, first)
	return find(tb, b, second)
}

// Whoever keeps a step in one branch does not go on before the fork that it
// stands below is durable, though another branch writes that.
func TestForkIsDurableBeforeWhatIsBelow(t *testing.T) {
	t.Parallel()
	w := &fixture{}
	hold, entered := make(chan struct{}), make(chan struct{}, 10)
	var n atomic.Int64
	w.on(t, memory.New(memory.Config{Partitions: 1, Fault: func(_ store.Partition, b []store.Batch) memory.Fault {
		if n.Add(1) == 1 {
			entered <- struct{}{}
			<-hold
			return memory.Fault{Kind: memory.Fail}
		}
		return memory.Fault{}
	}}))
	j := w.open()
	branches, err := j.Root().Fork(context.Background(), "f", []string{"a", "b"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() {
		if _, err := j.Keep(ctx, find(t, branches[0], "x")); err == nil {
			t.Error("it was kept by a store that failed, in a run that was killed")
		}
	})
	<-entered
	all.Go(func() {
		if _, err := j.Keep(context.Background(), find(t, branches[1], "y")); err != nil {
			t.Error(err)
		}
	})
	cancel()
	close(hold)
	all.Wait()
	if entries := w.entries(t); len(entries) != 2 || entries[0].Kind != "all" {
		t.Errorf("there are %s", text(entries))
	}
}
