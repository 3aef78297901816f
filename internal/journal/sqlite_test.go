package journal_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/talix-dev/talix/internal/journal"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/sqlite"
)

// mortal is a store whose process is killed behind one of its commits.
type mortal struct {
	*sqlite.Store
	left  int
	alive context.CancelFunc
}

func (m *mortal) Commit(ctx context.Context, p store.Partition, b []store.Batch) []store.Outcome {
	m.left--
	if m.left >= 0 {
		out := m.Store.Commit(ctx, p, b)
		if m.left == 0 {
			m.alive()
		}
		return out
	}
	out := make([]store.Outcome, len(b))
	for i := range out {
		out[i] = store.Outcome{Status: store.Failed, Err: errCrash}
	}
	return out
}

// What a run has done outlives the process, at whichever commit it ends.
func TestKilledOnSQLite(t *testing.T) {
	t.Parallel()
	for seed := range uint64(5) {
		r := rand.New(rand.NewPCG(seed, 3))
		p := append(grow(r, 3), op{kind: "step", name: "last"})
		w := &world{fixture: &fixture{}}
		dir := t.TempDir()
		for life, err := 0, errCrash; err != nil; life++ {
			err = w.liveOnSQLite(t, dir, p, 1+r.IntN(5))
			if errors.Is(err, journal.ErrChanged) || life > 200 {
				t.Fatalf("seed %d, life %d: %v", seed, life, err)
			}
		}
	}
}

func (w *world) liveOnSQLite(t *testing.T, dir string, p program, commits int) error {
	s, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	w.fixture = &fixture{}
	w.on(t, &mortal{Store: s, left: commits, alive: cancel})
	defer w.group.Close()
	w.done = map[string]string{}
	for _, e := range w.entries(t) {
		w.done[e.Path] = string(e.Data)
	}
	l := &life{journal: w.open(), do: w.do(t)}
	return l.run(ctx, p)
}

// BenchmarkSteps is the time that a step takes whose result is kept.
func BenchmarkSteps(b *testing.B) {
	s, err := sqlite.Open(context.Background(), sqlite.Config{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	f := &fixture{}
	f.on(b, s)
	defer f.group.Close()
	for _, n := range []int{1, 10, 100} {
		b.Run(fmt.Sprint("resume after ", n), func(b *testing.B) {
			c := f.config()
			c.ID = fmt.Sprint(b.Name(), b.N)
			line(b, c, n)
			for b.Loop() {
				line(b, c, n)
			}
		})
	}
	b.Run("keep", func(b *testing.B) {
		c := f.config()
		c.ID, c.Fresh = fmt.Sprint(b.Name(), b.N), true
		line(b, c, b.N)
	})
}

func line(b *testing.B, c journal.Config, n int) {
	j := journal.New(c)
	root := j.Root()
	for range n {
		step, err := root.Find(context.Background(), "step", "a")
		if err == nil && !step.Found {
			_, err = j.Keep(context.Background(), step)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
