package runtime_test

import (
	"log/slog"
	"maps"
	"sync/atomic"
	"testing"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
	"github.com/talix-dev/talix/store/storetest"
)

// Purse is a flat state.
type Purse struct{ Coins int }

type Put struct {
	Coins int `json:"coins"`
}

func (e Put) Apply(p *Purse, _ talix.Meta) { p.Coins += e.Coins }

type Taken struct {
	Coins int `json:"coins"`
}

func (e Taken) Apply(p *Purse, _ talix.Meta) { p.Coins -= e.Coins }

// Shelf is a state that refers to something.
type Shelf struct{ Items map[string]int }

type Stored struct{ Item string }

func (e Stored) Apply(s *Shelf, _ talix.Meta) {
	if s.Items == nil {
		s.Items = map[string]int{}
	}
	s.Items[e.Item]++
}

type coins struct {
	N int `json:"n" minimum:"1" maximum:"1000"`
}

type held struct {
	Coins   int
	Version int64
}

// world is a set of definitions of its own, so that tests can count calls.
type world struct {
	purses  *talix.Entity[Purse]
	put     *talix.Command[coins, held]
	take    *talix.Command[coins, held]
	look    *talix.Command[struct{}, held]
	failing *talix.Command[struct{}, struct{}]

	shelves *talix.Entity[Shelf]
	add     *talix.Command[string, int]
	refuse  *talix.Command[string, struct{}]

	decided atomic.Int64 // runs of handlers
	extra   talix.Components
}

func newWorld() *world {
	w := &world{}
	w.purses = talix.NewEntity("purse", talix.Event[Put]("PURSE:PUT"), talix.Event[Taken]("PURSE:TAKEN"))
	w.put = talix.NewCommand(w.purses, "put", func(c talix.CommandContext[Purse], in coins) (held, error) {
		w.decided.Add(1)
		c.Emit(Put{in.N})
		return held{c.State().Coins, c.Version()}, nil
	})
	w.take = talix.NewCommand(w.purses, "take", func(c talix.CommandContext[Purse], in coins) (held, error) {
		w.decided.Add(1)
		if c.State().Coins < in.N {
			return held{}, talix.Reject("there are only %d coins", c.State().Coins)
		}
		c.Emit(Taken{in.N})
		return held{c.State().Coins, c.Version()}, nil
	})
	w.look = talix.NewCommand(w.purses, "look", func(c talix.CommandContext[Purse], _ struct{}) (held, error) {
		w.decided.Add(1)
		return held{c.State().Coins, c.Version()}, nil
	})
	w.failing = talix.NewCommand(w.purses, "fail", func(c talix.CommandContext[Purse], _ struct{}) (struct{}, error) {
		c.Emit(Put{1000})
		panic("a bug")
	})
	w.shelves = talix.NewEntity("shelf", talix.Event[Stored]("SHELF:STORED"))
	w.add = talix.NewCommand(w.shelves, "add", func(c talix.CommandContext[Shelf], item string) (int, error) {
		c.Emit(Stored{item})
		return c.State().Items[item], nil
	})
	w.refuse = talix.NewCommand(w.shelves, "refuse", func(c talix.CommandContext[Shelf], item string) (struct{}, error) {
		c.Emit(Stored{item})
		return struct{}{}, talix.Reject("no room for %s", item)
	})
	return w
}

func (w *world) service() talix.Service {
	return talix.Service{Name: "test", Components: append(talix.Components{
		w.purses, w.put, w.take, w.look, w.failing, w.shelves, w.add, w.refuse,
	}, w.extra...)}
}

// start runs a world on a store until the test ends.
func start(t *testing.T, w *world, s store.Store, change ...func(*runtime.Config)) *runtime.Runtime {
	t.Helper()
	cfg := runtime.Config{Store: s, Parts: []talix.Part{w.service()}, Log: slog.New(slog.DiscardHandler)}
	for _, c := range change {
		c(&cfg)
	}
	rt, err := runtime.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	rt.Start()
	t.Cleanup(rt.Stop)
	return rt
}

// checked is a memory store whose integrity is checked when the test ends.
func checked(t *testing.T, cfg memory.Config) *memory.Store {
	t.Helper()
	s := memory.New(cfg)
	t.Cleanup(func() { storetest.Check(t, s) })
	return s
}

func coinsIn(t *testing.T, s store.Store, id string) (coins, version int) {
	t.Helper()
	for e, err := range s.Load(t.Context(), store.Stream{Type: "purse", ID: id}, 0) {
		if err != nil {
			t.Fatal(err)
		}
		version++
		if int(e.Version) != version {
			t.Fatalf("version %d stands where %d should", e.Version, version)
		}
		var change struct{ Coins int }
		decode(t, e.Data, &change)
		if e.Type == "PURSE:TAKEN" {
			change.Coins = -change.Coins
		}
		coins += change.Coins
	}
	return coins, version
}

func copyOf(m map[string]int) map[string]int { return maps.Clone(m) }
