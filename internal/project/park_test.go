package project_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/talix-dev/talix/internal/project"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/table"
)

func entityOf(id string) store.Stream { return store.Stream{Type: "account", ID: id} }

// parkedOf lists what a view has parked.
func (r *running) parkedOf(tb testing.TB, view string) []project.Parked {
	tb.Helper()
	all, err := r.Parked(tb.Context(), view, store.Stream{}, 1000)
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

// rested returns when what is done at the start has been done.
func (r *running) rested(tb testing.TB, view string) {
	tb.Helper()
	if err := r.Retry(tb.Context(), view, entityOf("nobody")); err == nil {
		tb.Error("an entity that does not exist was parked")
	}
}

func balance(tb testing.TB, tables *memTables, view, id string) int64 {
	tb.Helper()
	row := tables.dump(view)[id]
	if row == nil {
		tb.Fatalf("there is no row %q", id)
	}
	return row[1].Int()
}

// A poison event parks its entity, in order; the others go on. It is there
// after a restart, and once the program is mended, each event has its effect
// once.
func TestPoisonParksItsEntityAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ill atomic.Bool
		ill.Store(true)
		l, tables := newLog(t, 1), newTables()
		cfg := project.Config{Tables: tables, Tail: l.tail, Load: l.Load, Registry: bank(parking(&ill))}
		p := start(t, cfg)
		l.add(deposits("a", 1, 2, 13, 4)...)
		l.add(deposits("b", 5, 6)...)
		l.add(fact{"account", "a", "NOTED", noted{"ignored"}})
		l.add(deposits("a", 7)...)
		p.caughtUp(t, l)
		if a, b := balance(t, tables, "picky", "a"), balance(t, tables, "picky", "b"); a != 3 || b != 11 {
			t.Errorf("balances %d and %d, want 3 and 11", a, b)
		}
		check := func(p *running, attempts int64) {
			t.Helper()
			all := p.parkedOf(t, "picky")
			if len(all) != 1 {
				t.Fatalf("parked: %+v", all)
			}
			got := all[0]
			if got.Entity != entityOf("a") || got.Event.Version != 3 || string(got.Event.Data) != `{"amount":13}` || got.Attempts != attempts ||
				got.Behind != 2 || !strings.Contains(got.Error, "bad luck") || got.Since.IsZero() || got.Making {
				t.Errorf("parked: %+v", got)
			}
			if s := p.Status()[0]; s.Parked != 1 || s.Fault != nil || s.Stopped || s.Lag() != 0 {
				t.Errorf("status: %+v", s)
			}
		}
		check(p, 1)
		var poison *project.Poison
		if err := p.Retry(t.Context(), "picky", entityOf("a")); !errors.As(err, &poison) || poison.Event.Version != 3 {
			t.Errorf("Retry while it is ill says %v", err)
		}
		check(p, 2)
		if err := p.Retry(t.Context(), "picky", entityOf("b")); err == nil {
			t.Error("Retry of what is not parked says nothing")
		}
		p.stop()
		p = start(t, cfg)
		p.caughtUp(t, l)
		p.rested(t, "picky")
		check(p, 3) // it is tried again by itself
		ill.Store(false)
		if err := p.Retry(t.Context(), "picky", entityOf("a")); err != nil {
			t.Errorf("Retry of a mended program says %v", err)
		}
		l.add(deposits("a", 100)...)
		p.caughtUp(t, l)
		if a := balance(t, tables, "picky", "a"); a != 127 {
			t.Errorf("balance %d, want 127", a)
		}
		if all := p.parkedOf(t, "picky"); len(all) != 0 {
			t.Errorf("still parked: %+v", all)
		}
		p.stop()
	})
}

// A new program tries by itself.
func TestParkedEventsAreTriedAtTheStart(t *testing.T) {
	t.Parallel()
	var ill atomic.Bool
	ill.Store(true)
	l, tables := newLog(t, 1), newTables()
	cfg := project.Config{Tables: tables, Tail: l.tail, Load: l.Load, Registry: bank(parking(&ill))}
	p := start(t, cfg)
	l.add(deposits("a", 13, 4, 13, 5)...)
	p.caughtUp(t, l)
	p.stop()
	ill.Store(false)
	p = start(t, cfg)
	p.caughtUp(t, l)
	p.rested(t, "picky")
	if all := p.parkedOf(t, "picky"); len(all) != 0 || balance(t, tables, "picky", "a") != 35 {
		t.Errorf("parked %+v, balance %d", all, balance(t, tables, "picky", "a"))
	}
	p.stop()
}

func TestSkip(t *testing.T) {
	t.Parallel()
	var ill atomic.Bool
	ill.Store(true)
	l, tables := newLog(t, 1), newTables()
	p := start(t, project.Config{Tables: tables, Tail: l.tail, Load: l.Load, Registry: bank(parking(&ill))})
	l.add(deposits("a", 1, 13, 4, 13, 5, 13)...)
	p.caughtUp(t, l)
	for _, want := range []struct {
		version store.Version
		behind  int64
		balance int64
	}{{4, 2, 5}, {6, 0, 10}} {
		var poison *project.Poison
		if err := p.Skip(t.Context(), "picky", entityOf("a")); !errors.As(err, &poison) {
			t.Errorf("Skip before another one says %v", err)
		}
		all := p.parkedOf(t, "picky")
		if len(all) != 1 || all[0].Event.Version != want.version || all[0].Behind != want.behind || all[0].Attempts != 1 {
			t.Fatalf("parked: %+v, want version %d with %d behind", all, want.version, want.behind)
		}
		if got := balance(t, tables, "picky", "a"); got != want.balance {
			t.Errorf("balance %d, want %d", got, want.balance)
		}
	}
	if err := p.Skip(t.Context(), "picky", entityOf("a")); err != nil {
		t.Errorf("Skip of the last one says %v", err)
	}
	l.add(deposits("a", 20)...)
	p.caughtUp(t, l)
	if got := balance(t, tables, "picky", "a"); got != 30 || len(p.parkedOf(t, "picky")) != 0 {
		t.Errorf("balance %d, want 30; parked %+v", got, p.parkedOf(t, "picky"))
	}
	p.stop()
}

// Too many parked entities mean that the code is at fault.
func TestTooManyParkedStopTheView(t *testing.T) {
	t.Parallel()
	var ill atomic.Bool
	ill.Store(true)
	l, tables := newLog(t, 1), newTables()
	p := start(t, project.Config{Tables: tables, Tail: l.tail, Load: l.Load, Registry: bank(parking(&ill)), MaxParked: 3})
	for i := range 4 {
		l.add(deposits(fmt.Sprint(i), 13)...)
	}
	var poison *project.Poison
	if err := p.Wait(t.Context(), nil, l.heads()); !errors.As(err, &poison) || !strings.Contains(err.Error(), "3 entities are parked") || poison.Event.Position != 4 {
		t.Errorf("Wait says %v", err)
	}
	if all := p.parkedOf(t, "picky"); len(all) != 3 {
		t.Errorf("parked: %+v", all)
	}
	p.stop()
}

// uniqueRow has a name that no other row may have.
type uniqueRow struct {
	ID    string
	Name  string `db:"name,unique"`
	Moves int
}

func uniqueNames() *registry.View {
	return tableOf[uniqueRow]("names", when(func(r *uniqueRow, e renamed, _ *store.Event) {
		r.Name = e.Name
		r.Moves++
	}))
}

// A row that the store refuses parks the entity whose event made it, and no
// other one.
func TestUniqueIndexParks(t *testing.T) {
	t.Parallel()
	for name, tables := range map[string]table.Store{"memory": newTables(), "sqlite": openTables(t, "")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLog(t, 1)
			rename := func(id, name string) fact { return fact{"account", id, "RENAMED", renamed{Name: name}} }
			l.add(rename("a", "x"), rename("b", "y"), rename("c", "z"), rename("a", "w"), rename("b", "x"), rename("c", "w"), rename("d", "v"), rename("c", "u"))
			p := start(t, project.Config{Tables: tables, Tail: l.tail, Load: l.Load, Registry: bank(uniqueNames())})
			p.caughtUp(t, l)
			all := p.parkedOf(t, "names")
			if len(all) != 1 || all[0].Entity.ID != "c" || all[0].Event.Version != 2 || all[0].Behind != 1 {
				t.Fatalf("parked: %+v", all)
			}
			l.add(rename("a", "t"))
			p.caughtUp(t, l)
			if err := p.Retry(t.Context(), "names", entityOf("c")); err != nil {
				t.Errorf("Retry once the name is free says %v", err)
			}
			l.add(rename("d", "t")) // taken
			p.caughtUp(t, l)
			if err := p.Retry(t.Context(), "names", entityOf("d")); err == nil {
				t.Error("Retry while the name is taken says nothing")
			}
			l.add(rename("a", "s"))
			p.caughtUp(t, l)
			if err := p.Retry(t.Context(), "names", entityOf("d")); err != nil {
				t.Errorf("Retry once the name is free says %v", err)
			}
			p.stop()
		})
	}
}

// TestParkingSurvivesCrashes: with random failures, restarts and retries, what
// is not parked in the end has had its effect once and in order.
func TestParkingSurvivesCrashes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var ill atomic.Bool
				r := rand.New(rand.NewPCG(seed, 5))
				l, tables := newLog(t, 1+r.IntN(2)), newTables()
				flaky := &faulty{Store: tables, chance: rand.New(rand.NewPCG(seed, 6)).IntN}
				views := func() *registry.Registry { return bank(moody(&ill), accounts()) }
				for range 15 {
					ill.Store(r.IntN(2) == 0)
					l.reopen(t)
					p := start(t, project.Config{Tables: flaky, Tail: l.tail, Load: l.Load, Registry: views(), Batch: 1 + r.IntN(30), Ignored: 8})
					l.add(someFacts(r, r.IntN(120), 20)...)
					for range r.IntN(4) {
						time.Sleep(time.Duration(r.IntN(200)) * time.Millisecond)
						ill.Store(r.IntN(2) == 0)
						_ = p.Retry(t.Context(), "moody", entityOf(fmt.Sprintf("a%d", r.IntN(20))))
					}
					p.stop()
				}
				flaky.heal()
				ill.Store(false)
				p := start(t, project.Config{Tables: flaky, Tail: l.tail, Load: l.Load, Registry: views()})
				p.caughtUp(t, l)
				p.rested(t, "moody")
				if all := p.parkedOf(t, "moody"); len(all) != 0 {
					t.Errorf("parked in a healthy program: %+v", all)
				}
				p.stop()
				want := alone(t, l, moody(&ill))
				if diff := cmp.Diff(want.dumpAll("moody"), tables.dumpAll("moody"), sameValues); diff != "" {
					t.Errorf("(-one by one +after crashes):\n%s", diff)
				}
			})
		})
	}
}

// moody can't take some events while it is ill; its rows tell the order.
func moody(ill *atomic.Bool) *registry.View {
	return tableOf[nestedRow]("moody", when(func(r *nestedRow, e deposited, at *store.Event) {
		r.Tags = append(r.Tags, fmt.Sprint(at.Version))
		if ill.Load() && e.Amount%7 == 0 {
			panic("bad mood")
		}
		r.Sum += float64(e.Amount)
	}))
}
