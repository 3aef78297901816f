package journal_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/talix-dev/talix/internal/journal"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

// find asks for a step that must not be there.
func find(tb testing.TB, b *journal.Branch, name string) journal.Step {
	tb.Helper()
	step, err := b.Find(context.Background(), "step", name)
	if err != nil || step.Found {
		tb.Fatalf("find %s: %+v, %v", name, step, err)
	}
	return step
}

func TestResultsAreKeptByteForByte(t *testing.T) {
	t.Parallel()
	w := onMemory(t)
	want := []journal.Entry{
		{Path: "0001", Kind: "step", Name: "nothing"},
		{Path: "0002", Kind: "step", Name: "lines", Data: []byte("a\nb\x00\xff\n")},
		{Path: "0003", Kind: "step", Name: "failed\n\"", Error: []byte("no\n")},
		{Path: "0004", Kind: "step", Name: "", Data: []byte("both"), Error: []byte("no")},
		{Path: "0005", Kind: "step", Name: "failed without words", Error: []byte{}},
		{Path: "0006", Kind: "step", Name: "large", Data: bytes.Repeat([]byte("0123456789"), 1<<19)},
	}
	j := w.open()
	b := j.Root()
	for _, e := range want {
		step := find(t, b, e.Name)
		step.Data, step.Error = e.Data, e.Error
		if _, err := j.Keep(context.Background(), step); err != nil {
			t.Fatal(err)
		}
	}
	b = w.open().Root()
	for i, e := range w.entries(t) {
		step, err := b.Find(context.Background(), "step", want[i].Name)
		if text(e) != text(want[i]) || err != nil || !step.Found || text(step.Entry) != text(want[i]) || (step.Error == nil) != (want[i].Error == nil) {
			t.Errorf("%.100s came back as %.100s, %v", text(want[i]), text(step), err)
		}
	}
}

func TestTooLargeIsRefused(t *testing.T) {
	t.Parallel()
	w := onMemory(t)
	j := w.open()
	step := find(t, j.Root(), "large")
	step.Data = make([]byte, 16<<20+1)
	_, err := j.Keep(context.Background(), step)
	if !errors.Is(err, journal.ErrTooLarge) || !strings.Contains(err.Error(), "large") {
		t.Errorf("it was answered by %v", err)
	}
	step.Data = step.Data[1:]
	if _, err := j.Keep(context.Background(), step); err != nil {
		t.Error(err)
	}
}

func TestNotesAreWrittenWithTheNextStep(t *testing.T) {
	t.Parallel()
	w := onMemory(t)
	j := w.open()
	b := j.Root()
	j.Note(find(t, b, "a"))
	j.Note(find(t, b, "b"))
	if n := len(w.entries(t)); n != 0 {
		t.Errorf("%d entries are there before one is kept", n)
	}
	if _, err := j.Keep(context.Background(), find(t, b, "c")); err != nil {
		t.Fatal(err)
	}
	if n := len(w.entries(t)); n != 3 {
		t.Errorf("%d entries are there", n)
	}
	if left := j.Changes(); len(left) != 0 {
		t.Errorf("%d notes are left", len(left))
	}
}

func TestNotesAreWrittenByTheCaller(t *testing.T) {
	t.Parallel()
	w := onMemory(t)
	j := w.open()
	b := j.Root()
	j.Note(find(t, b, "a"))
	w.commits = []memory.Kind{memory.Fail}
	w.commit1(t, j.Changes(), store.Failed)
	w.commit1(t, j.Changes(), store.Durable)
	j.Note(find(t, b, "b"))
	j.Kept()
	left := j.Changes()
	if len(left) != 1 || !strings.HasSuffix(left[0].Key, "/0002") {
		t.Errorf("left are %+v", left)
	}
	if n := len(w.entries(t)); n != 1 {
		t.Errorf("%d entries are there", n)
	}
}

func (f *fixture) commit1(tb testing.TB, changes []store.Change, want store.Status) {
	tb.Helper()
	p := f.group.Submit(store.Batch{Records: changes}, nil)
	p.Wait(context.Background())
	if o := p.Outcome(); o.Status != want {
		tb.Errorf("the batch ended as %s: %v", o.Status, o.Err)
	}
}

func TestMoreGoesInTheSameBatch(t *testing.T) {
	t.Parallel()
	w := onMemory(t)
	j := w.open()
	b := j.Root()
	mine := store.Change{Record: store.Record{Space: "signal", Key: "x", Rev: w.ids.New()}}
	if _, err := j.Keep(context.Background(), find(t, b, "a"), mine); err != nil {
		t.Fatal(err)
	}
	if _, found, _ := w.store.(store.Keeper).Record(context.Background(), 0, "signal", "x"); !found {
		t.Error("it is not there")
	}
	_, err := j.Keep(context.Background(), find(t, b, "b"), mine)
	if !errors.Is(err, journal.ErrConflict) || len(w.entries(t)) != 1 {
		t.Errorf("what conflicts was answered by %v, and left %d entries", err, len(w.entries(t)))
	}
}

func TestUnknownOutcomes(t *testing.T) {
	t.Parallel()
	for name, kinds := range map[string][]memory.Kind{
		"failed":        {memory.Fail, memory.Fail},
		"written":       {memory.UnknownWritten},
		"lost":          {memory.UnknownLost, memory.UnknownLost},
		"late":          {memory.UnknownLate},
		"late and lost": {memory.UnknownLate, memory.UnknownLost, memory.UnknownWritten},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := onMemory(t)
			defer w.group.Close()
			j := w.open()
			b := j.Root()
			j.Note(find(t, b, "a"))
			step := find(t, b, "b")
			step.Data = []byte("mine")
			w.next(kinds...)
			stands, err := j.Keep(context.Background(), step)
			if err != nil || string(stands.Data) != "mine" || stands.Found || len(j.Changes()) != 0 {
				t.Errorf("%s: %+v, %v", name, stands, err)
			}
			if n := len(w.entries(t)); n != 2 {
				t.Errorf("%s: %d entries are there", name, n)
			}
		})
	}
}

func TestPatienceEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := onMemory(t)
		defer w.group.Close()
		j := w.open()
		step := find(t, j.Root(), "a")
		down := make([]memory.Kind, 10_000)
		for i := range down {
			down[i] = memory.Fail
		}
		w.next(down...)
		began := time.Now()
		_, err := j.Keep(context.Background(), step)
		if took := time.Since(began); !errors.Is(err, memory.ErrInjected) || took > time.Minute || took < 50*time.Second {
			t.Errorf("after %v: %v", took, err)
		}
		w.next()
		if _, err := j.Keep(context.Background(), step); err != nil {
			t.Errorf("the same step, once the store works: %v", err)
		}
	})
}

func TestClosedStoreIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*fixture) error{
		"group": func(w *fixture) error { w.group.Close(); return nil },
		"store": func(w *fixture) error { return w.store.Close() },
	} {
		synctest.Test(t, func(t *testing.T) {
			w := onMemory(t)
			defer w.group.Close()
			j := w.open()
			step := find(t, j.Root(), "a")
			if err := end(w); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			if _, err := j.Keep(context.Background(), step); err == nil || time.Since(began) > 0 {
				t.Errorf("%s: after %v: %v", name, time.Since(began), err)
			}
		})
	}
}

// What two runs have noted does not conflict, as nobody could resolve it then.
func TestNotesOfTwoRunsGoInBatchesOfTheCaller(t *testing.T) {
	t.Parallel()
	w := onMemory(t)
	first, second := w.open(), w.open()
	for _, j := range []*journal.Journal{first, second} {
		j.Note(find(t, j.Root(), "a"))
	}
	w.commit1(t, first.Changes(), store.Durable)
	w.commit1(t, second.Changes(), store.Durable)
}

// Notes are written by one branch, and the others wait for that.
func TestNotesAreWrittenOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := onMemory(t)
		defer w.group.Close()
		j := w.open()
		branches, err := j.Root().Fork(context.Background(), "f", []string{"a", "b", "c"})
		if err != nil {
			t.Fatal(err)
		}
		w.slow(time.Second)
		var all sync.WaitGroup
		for _, b := range branches {
			all.Go(func() {
				if _, err := j.Keep(context.Background(), find(t, b, "x")); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := w.count(); n != 1 || len(j.Changes()) != 0 {
			t.Errorf("the journal was read %d times, and %d notes are left", n, len(j.Changes()))
		}
	})
}

func TestUnreadableStore(t *testing.T) {
	t.Parallel()
	w := onMemory(t)
	w.runs(t, steps("a"))
	w.unreadable(errors.New("no"))
	j := w.open()
	b := j.Root()
	if _, err := b.Find(context.Background(), "step", "a"); err == nil || errors.Is(err, journal.ErrChanged) {
		t.Errorf("find: %v", err)
	}
	w.unreadable(nil)
	if step, err := b.Find(context.Background(), "step", "a"); err != nil || !step.Found {
		t.Errorf("find, once it can be read: %+v, %v", step, err)
	}
}

func TestReadOnceOrNotAtAll(t *testing.T) {
	t.Parallel()
	w := onMemory(t)
	w.runs(t, append(steps("a", "b", "c"), all("f", steps("d"), steps("e"), steps("f"))))
	if n := w.count(); n != 1 {
		t.Errorf("it was read %d times", n)
	}
	c := w.config()
	c.ID, c.Fresh = "other", true
	l := &life{journal: journal.New(c), do: echo}
	if err := l.run(context.Background(), steps("a", "b")); err != nil || w.count() != 1 {
		t.Errorf("a fresh one: %v, read %d times", err, w.count()-1)
	}
}

func TestForget(t *testing.T) {
	t.Parallel()
	w := onMemory(t)
	w.runs(t, steps("a", "b"))
	c := w.config()
	c.ID = "run2"
	l := &life{journal: journal.New(c), do: echo}
	if err := l.run(context.Background(), steps("x")); err != nil {
		t.Fatal(err)
	}
	w.commit1(t, []store.Change{journal.Forget("run")}, store.Durable)
	if n := len(w.entries(t)); n != 0 {
		t.Errorf("%d entries are left", n)
	}
	if left, err := l.journal.Entries(context.Background()); err != nil || len(left) != 1 {
		t.Errorf("of the other one %d are left, %v", len(left), err)
	}
}

func TestEntriesAreDueToBeSwept(t *testing.T) {
	t.Parallel()
	w := onMemory(t)
	c := w.config()
	c.Keep, c.Now = time.Hour, func() time.Time { return time.Unix(1e9, 0) }
	l := &life{journal: journal.New(c), do: echo}
	if err := l.run(context.Background(), steps("x")); err != nil {
		t.Fatal(err)
	}
	due, err := w.store.(store.Keeper).Due(context.Background(), 0, journal.Space, store.Record{}, time.Time{}, 10)
	if err != nil || len(due) != 1 || !due[0].Due.Equal(time.Unix(1e9+3600, 0)) {
		t.Errorf("due are %+v, %v", due, err)
	}
}

func TestDamagedEntry(t *testing.T) {
	t.Parallel()
	for _, data := range []string{"", "{}", "x\n", `{"data":5}` + "\nabc", `{"data":-1}` + "\nabc", "{}\nabc"} {
		w := onMemory(t)
		w.commit1(t, []store.Change{{Record: store.Record{Space: journal.Space, Key: "run/0001", Rev: w.ids.New(), Data: []byte(data)}}}, store.Durable)
		if err := w.run(steps("a")); !errors.Is(err, store.ErrCorrupt) {
			t.Errorf("%q: %v", data, err)
		}
	}
}
