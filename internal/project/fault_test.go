package project_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/talix-dev/talix/internal/project"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

type storeEvent = store.Event

// picky panics on an amount of 13 while it is ill, which stops it.
func picky(ill *atomic.Bool) *registry.View {
	v := parking(ill)
	v.StopOnPoison = true
	return v
}

// parking parks such an event.
func parking(ill *atomic.Bool) *registry.View {
	return tableOf[accountRow]("picky", when(func(r *accountRow, e deposited, _ *storeEvent) {
		r.Balance += e.Amount
		if e.Amount == 13 && ill.Load() {
			panic("bad luck")
		}
	}))
}

func deposits(id string, amounts ...int64) []fact {
	var facts []fact
	for _, n := range amounts {
		facts = append(facts, fact{"account", id, "DEPOSITED", deposited{n}})
	}
	return facts
}

func TestPoisonStopsItsViewAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ill atomic.Bool
		ill.Store(true)
		l, tables := newLog(t, 1), newTables()
		p := start(t, project.Config{Tables: tables, Tail: l.tail, Load: l.Load, Registry: bank(picky(&ill), accounts())})
		l.add(deposits("a", 1, 2, 13, 4)...)

		begin := time.Now()
		err := p.Wait(t.Context(), nil, l.heads())
		var poison *project.Poison
		if !errors.As(err, &poison) || poison.Event.Position != 3 || poison.View != "picky" {
			t.Fatalf("Wait for a stopped view: %v; want the event at position 3 of picky", err)
		}
		if fault, ok := errors.AsType[*registry.Fault](err); !ok || fault.Code != registry.Unavailable {
			t.Errorf("Wait for a stopped view: %v; want a Fault with the code unavailable", err)
		}
		if time.Since(begin) > 0 {
			t.Errorf("Wait for a stopped view took %s", time.Since(begin))
		}
		for _, part := range []string{"picky", "DEPOSITED", "position 3", "bad luck"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%q is not in the error: %v", part, err)
			}
		}
		if err := p.Wait(t.Context(), []string{"picky"}, map[store.Partition]store.Position{0: 2}); err != nil {
			t.Errorf("Wait for what came before: %v", err)
		}
		if got := tables.dump("picky")["a"][1].Int(); got != 3 {
			t.Errorf("balance %d, want 3: what comes before the event", got)
		}
		if err := p.Wait(t.Context(), []string{"accounts"}, l.heads()); err != nil {
			t.Errorf("the other view: %v", err)
		}
		time.Sleep(10 * time.Second) // of the bubble's clock: it is tried again
		status := p.Status()[0]
		if !status.Stopped || status.Mark != 2 || status.Lag() != 2 || !errors.As(status.Fault, &poison) || status.Since != begin {
			t.Errorf("status %+v; want stopped at 2", status)
		}

		ill.Store(false)
		time.Sleep(2 * time.Minute) // of the bubble's clock
		if err := p.Wait(t.Context(), nil, l.heads()); err != nil {
			t.Fatalf("Wait for a healed view: %v", err)
		}
		if got := tables.dump("picky")["a"][1].Int(); got != 20 {
			t.Errorf("balance %d after healing, want 20", got)
		}
		if s := p.Status()[0]; s.Fault != nil || s.Stopped {
			t.Errorf("status after healing: %+v", s)
		}
		p.stop()
	})
}

func stopping(v *registry.View) *registry.View {
	v.StopOnPoison = true
	return v
}

func TestPoisonOfEveryKind(t *testing.T) {
	t.Parallel()
	type row struct {
		ID    string
		Count uint64
		At    time.Time
	}
	rows := stopping(tableOf[row]("rows", when(func(r *row, e deposited, _ *storeEvent) {
		r.Count += uint64(e.Amount)
		if e.Amount == 99 {
			r.At = time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC)
		}
	})))
	for name, bad := range map[string]any{
		"not JSON":     []byte("{"),
		"wrong type":   []byte(`{"amount": "five"}`),
		"too large":    deposited{-2}, // from 1, below zero
		"out of years": deposited{99},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, tables := newLog(t, 1), newTables()
			l.add(fact{"account", "a", "DEPOSITED", deposited{1}}, fact{"account", "a", "DEPOSITED", bad}, fact{"account", "b", "DEPOSITED", deposited{2}})
			p := start(t, project.Config{Tables: tables, Tail: l.tail, Load: l.Load, Registry: bank(rows)})
			var poison *project.Poison
			if err := p.Wait(t.Context(), nil, l.heads()); !errors.As(err, &poison) || poison.Event.Position != 2 {
				t.Fatalf("Wait: %v; want the event at position 2", err)
			}
			if got := tables.dump("rows"); len(got) != 1 || got["a"][1].Int() != 1 {
				t.Errorf("rows %v; want the first event's alone", got)
			}
		})
	}
}

func TestPoisonAtTheStartOfABatch(t *testing.T) {
	t.Parallel()
	l, tables := newLog(t, 1), newTables()
	p := start(t, project.Config{Tables: tables, Tail: l.tail, Load: l.Load, Registry: bank(stopping(accounts()))})
	l.add(deposits("a", 1, 2)...)
	p.caughtUp(t, l)
	l.add(fact{"account", "a", "DEPOSITED", []byte("{")})
	if err := p.Wait(t.Context(), nil, l.heads()); err == nil {
		t.Fatal("Wait passed an event that can't be decoded")
	}
	if s := p.Status()[0]; s.Mark != 2 || !s.Stopped {
		t.Errorf("status %+v; want stopped at 2", s)
	}
}

// TestStoreOutage: a store that is away for long stops nothing for good.
func TestStoreOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, tables := newLog(t, 1), newTables()
		away := &faulty{Store: tables, chance: func(int) int { return 0 }}
		p := start(t, project.Config{Tables: away, Tail: l.tail, Load: l.Load, Registry: bank(accounts())})
		l.add(deposits("a", 1, 2)...)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := p.Wait(ctx, nil, l.heads()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Wait while the store is away: %v", err)
		}
		if s := p.Status()[0]; !errors.Is(s.Fault, errInjected) || s.Stopped {
			t.Errorf("status while the store is away: %+v", s)
		}
		away.heal()
		p.caughtUp(t, l)
		equal(t, tables.dump("accounts"), folded(l))
		p.stop()
	})
}

// TestLostReply: a commit whose answer is lost counts once, is noticed without
// further events, and leaves no fault behind.
func TestLostReply(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, tables := newLog(t, 1), newTables()
		lost := &faulty{Store: tables, chance: func() func(int) int {
			left := 5
			return func(int) int {
				if left--; left < 0 {
					return -1
				}
				return 2
			}
		}()}
		p := start(t, project.Config{Tables: lost, Tail: l.tail, Load: l.Load, Registry: bank(accounts())})
		l.add(deposits("a", 1, 2)...)
		p.caughtUp(t, l)
		equal(t, tables.dump("accounts"), folded(l))
		synctest.Wait()
		if s := p.Status()[0]; s.Fault != nil {
			t.Errorf("status after the reply was lost: %+v", s)
		}
		p.stop()
	})
}

func TestWaitEnds(t *testing.T) {
	t.Parallel()
	l := newLog(t, 1)
	p := start(t, project.Config{Tables: newTables(), Tail: l.tail, Load: l.Load, Registry: bank(accounts())})
	later := map[store.Partition]store.Position{0: 10}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Wait(ctx, nil, later); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait with a context that has ended: %v", err)
	}
	if err := p.Wait(t.Context(), []string{}, later); err != nil {
		t.Errorf("Wait for no view: %v", err)
	}
	if err := p.Wait(t.Context(), []string{"other"}, later); err != nil {
		t.Errorf("Wait for a table that is no view: %v", err)
	}
	answer := make(chan error)
	go func() { answer <- p.Wait(context.Background(), []string{"ACCOUNTS"}, later) }()
	p.stop()
	if err := <-answer; err == nil {
		t.Error("Wait for a view that is not run any more returned nil")
	}
}

func TestFaultsOfTables(t *testing.T) {
	t.Parallel()
	type keyless struct{ Name string }
	type wrongKey struct{ ID int }
	type odd struct {
		ID string
		Do func()
	}
	_, err := project.New(project.Config{Tail: newLog(t, 1).tail, Registry: bank(
		tableOf[keyless]("a"), tableOf[wrongKey]("b", when(func(*wrongKey, deposited, *storeEvent) {})), tableOf[odd]("c"), tableOf[accountRow]("sqlite_rows"),
		tableOf[accountRow]("_talix_rows"), tableOf[accountRow]("my-rows"), tableOf[accountRow]("rows"), tableOf[accountRow]("Rows"),
		tableOf[string]("d"),
	)})
	if err == nil {
		t.Fatal("New took tables that can't be")
	}
	for _, part := range []string{
		`bank/view.go:7: table "a": row type project_test.keyless has no key: name a field ID`,
		`view "b": field ID: a key of type int can't hold an entity's id: make it a string`,
		`table "c": field Do: func() can't be stored`,
		`table "sqlite_rows": names that begin with`,
		`table "_talix_rows": names that begin with`,
		`table "my-rows": a name has 1 to 63 letters`,
		`table "Rows": SQL takes it for the table "rows"`,
		`table "d": rows are of type string: make it a struct`,
	} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in the faults:\n%v", part, err)
		}
	}
}
