package runtime_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

// Tent is an entity that is struck in the end.
type Tent struct{ Pegs int }

type Pegged struct{ N int }

func (e Pegged) Apply(t *Tent, _ talix.Meta) { t.Pegs += e.N }

type Struck struct{}

func (Struck) Apply(t *Tent, _ talix.Meta) { t.Pegs = 0 }

// camp are definitions of an entity that has a snapshot at every second event.
type camp struct {
	*world
	peg, strike *talix.Command[struct{}, int64]
}

func newCamp() *camp {
	c := &camp{world: newWorld()}
	tents := talix.NewEntity("tent", talix.Event[Pegged]("TENTS:PEGGED"), talix.Event[Struck]("TENTS:STRUCK")).SnapshotEvery(2)
	c.peg = talix.NewCommand(tents, "peg", func(ctx talix.CommandContext[Tent], _ struct{}) (int64, error) {
		ctx.Emit(Pegged{1})
		return ctx.Version(), nil
	})
	c.strike = talix.NewCommand(tents, "strike", func(ctx talix.CommandContext[Tent], _ struct{}) (int64, error) {
		ctx.Delete(Struck{})
		return ctx.Version(), nil
	})
	c.extra = talix.Components{tents, c.peg, c.strike}
	return c
}

// interposed is a store that has something done before it commits snapshots.
type interposed struct {
	store.Store
	store.Keeper
	before func()
}

func (s interposed) Commit(ctx context.Context, p store.Partition, batches []store.Batch) []store.Outcome {
	if slices.ContainsFunc(batches, putsSnapshot) {
		s.before()
	}
	return s.Store.Commit(ctx, p, batches)
}

func putsSnapshot(b store.Batch) bool {
	return slices.ContainsFunc(b.Records, func(c store.Change) bool { return c.Space == "snapshot" && c.Op == store.Put })
}

// An entity is deleted by another runtime when its snapshot is on its way to the
// store: nothing is left behind. Where it only got another event, it goes on.
func TestSnapshotBehindADeletion(t *testing.T) {
	t.Parallel()
	stores := map[string]func(t *testing.T) store.Store{
		"memory":     func(t *testing.T) store.Store { return checked(t, memory.Config{}) },
		"sqlite":     func(t *testing.T) store.Store { p, _ := folder(t, t.TempDir()); return p.store },
		"postgresql": func(t *testing.T) store.Store { p, _, _ := database(t); return p.store },
	}
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, c := open(t), newCamp()
			other := start(t, c.world, s)
			for id, end := range map[string]*talix.Command[struct{}, int64]{"struck": c.strike, "pegged": c.peg} {
				c.overtake(t, s, id, func() {
					if version, err := talix.Run(other.Context(t.Context()), end, id, struct{}{}); err != nil || version != 3 {
						t.Errorf("the other runtime got version %d, %v", version, err)
					}
				})
			}
			if r, found := recordOf(t, s, store.Stream{Type: "tent", ID: "struck"}); found {
				t.Errorf("a snapshot of what was deleted is left: %s", r.Data)
			}
			if version, err := talix.Run(other.Context(t.Context()), c.peg, "pegged", struct{}{}); err != nil || version != 4 {
				t.Errorf("an entity that lives on got version %d, %v", version, err)
			}
			other.Stop()
			if _, found := recordOf(t, s, store.Stream{Type: "tent", ID: "pegged"}); !found {
				t.Error("an entity that lives on gets no snapshot")
			}
		})
	}
}

// overtake has something done between the making of a snapshot and its commit.
func (c *camp) overtake(t *testing.T, s store.Store, id string, do func()) {
	t.Helper()
	done := false
	once := sync.OnceFunc(func() { done = true; do() })
	rt := start(t, c.world, interposed{s, s.(store.Keeper), once})
	for range 2 {
		if _, err := talix.Run(rt.Context(t.Context()), c.peg, id, struct{}{}); err != nil {
			t.Fatal(err)
		}
	}
	rt.Stop() // which writes snapshots
	if !done {
		t.Error("no snapshot was on its way")
	}
}

// Whoever deletes in this runtime does so before a snapshot is submitted, or
// after it.
func TestSnapshotsAmongDeletions(t *testing.T) {
	t.Parallel()
	s, c := checked(t, memory.Config{Partitions: 1}), newCamp()
	rt := start(t, c.world, s, func(c *runtime.Config) { c.Entities.SnapshotEvery = 1 })
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			id := string(rune('a' + i%50))
			for _, command := range []*talix.Command[struct{}, int64]{c.peg, c.peg, c.strike} {
				_, _ = talix.Run(rt.Context(t.Context()), command, id, struct{}{}) // others have struck it, perhaps
			}
		})
	}
	all.Wait()
	rt.Stop()
	if left, err := s.Records(t.Context(), 0, "snapshot", "", "", 100); err != nil || len(left) > 0 {
		t.Errorf("%d snapshots were left behind, %v", len(left), err)
	}
}
