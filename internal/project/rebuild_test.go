package project_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
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

// times multiplies what it sums up; version tells it from others.
func times(by int64, version int) *registry.View {
	v := tableOf[balanceRow]("balances", when(func(r *balanceRow, e deposited, at *storeEvent) {
		r.Balance += by * e.Amount
		r.Version = int64(at.Version)
	}))
	v.Version = version
	return v
}

// gated is a store whose Replace waits, and whose other calls go on.
type gated struct {
	table.Store
	gate chan struct{}
}

func (g *gated) Replace(ctx context.Context, as, by []table.Schema, fn func(table.Tx) error) error {
	select {
	case <-g.gate:
	case <-ctx.Done():
		return ctx.Err()
	}
	return g.Store.Replace(ctx, as, by, fn)
}

// sum is the balance of all rows, and how many different factors they show.
func sum(tb testing.TB, tables table.Store) (total int64) {
	tb.Helper()
	for row, err := range tables.Query(tb.Context(), "SELECT coalesce(sum(balance), 0) FROM balances", nil) {
		if err != nil {
			tb.Fatal(err)
		}
		total = row[0].Int()
	}
	return total
}

// Until the switch the old rows answer, from it on the new ones, and those who
// wait for a later event get it from these.
func TestOldTableAnswersUntilTheSwitch(t *testing.T) {
	t.Parallel()
	l, tables := newLog(t, 1), openTables(t, "")
	for i := range 100 {
		l.add(deposits(fmt.Sprint("a", i%10), 1)...)
	}
	p := start(t, project.Config{Tables: tables, Tail: l.tail, Load: l.Load, Registry: bank(times(1, 1))})
	p.caughtUp(t, l)
	p.stop()

	var changed atomic.Int64
	g := &gated{tables, make(chan struct{})}
	p = start(t, project.Config{Tables: g, Tail: l.tail, Load: l.Load, Registry: bank(times(10, 2)), Changed: func(string) { changed.Add(1) }})
	until(t, func() bool {
		s := p.Status()[0]
		return sum(t, tables) == 100 && s.Making != nil && s.Making.At == 100
	})
	former, pending := p.Pending([]string{"balances"})
	fault, ok := errors.AsType[*registry.Fault](pending)
	if !former || !ok || fault.Code != registry.Unavailable {
		t.Errorf("pending: %t, %v", former, pending)
	}
	l.add(deposits("a1", 5)...)
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := p.Wait(short, nil, l.heads()); err == nil {
		t.Error("Wait passed an event that the old table will never take")
	}
	if got := sum(t, tables); got != 100 {
		t.Errorf("the sum is %d before the switch, want 100", got)
	}
	if n := changed.Load(); n != 0 {
		t.Errorf("%d changes were told before the switch", n)
	}
	close(g.gate)
	if err := p.Wait(t.Context(), nil, l.heads()); err != nil {
		t.Fatal(err)
	}
	if got := sum(t, tables); got != 1050 || changed.Load() == 0 {
		t.Errorf("the sum is %d after the switch, want 1050; %d changes were told", got, changed.Load())
	}
	p.caughtUp(t, l)
	if former, pending := p.Pending([]string{"balances", "balances_talix_text", "other"}); former || pending != nil {
		t.Errorf("pending after the switch: %t, %v", former, pending)
	}
	if made, err := tables.Made(t.Context()); err != nil || len(made) != 3 {
		t.Errorf("tables: %v, %v", made, err)
	}
	p.stop()
}

// A view that is new is not taken for whole before it is.
func TestNewViewIsPendingUntilItIsWhole(t *testing.T) {
	t.Parallel()
	l, tables := newLog(t, 1), newTables()
	l.add(deposits("a", 1)...)
	p, err := project.New(project.Config{Tables: tables, Tail: l.tail, Load: l.Load, Registry: bank(accounts())})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	if former, pending := p.Pending([]string{"accounts"}); former || pending == nil {
		t.Errorf("pending: %t, %v", former, pending)
	}
	empty := newLog(t, 1)
	p, err = project.New(project.Config{Tables: newTables(), Tail: empty.tail, Load: empty.Load, Registry: bank(accounts())})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, pending := p.Pending([]string{"accounts"}); pending != nil {
		t.Errorf("of an empty log: %v", pending)
	}
}

// The old table has other columns, and the view other tables.
func TestRebuildOfAnotherShape(t *testing.T) {
	t.Parallel()
	l, tables := newLog(t, 1), openTables(t, "")
	r := rand.New(rand.NewPCG(1, 8))
	l.add(someFacts(r, 300, 20)...)
	reg := func(version int) *registry.Registry {
		b := book()
		b.Version = version
		if version == 2 {
			b.Tables, b.Takes = b.Tables[:1], b.Takes[:0]
			b.Takes = append(b.Takes, when(func(r *headRow, e deposited, _ *store.Event) { r.Sum += e.Amount }))
		}
		return bank(b)
	}
	for _, version := range []int{1, 2, 1} {
		p := start(t, project.Config{Tables: tables, Tail: l.tail, Load: l.Load, Registry: reg(version)})
		p.caughtUp(t, l)
		p.stop()
		made, err := tables.Made(t.Context())
		if _, lines := made["lines"]; err != nil || lines != (version == 1) {
			t.Errorf("version %d: tables %v, %v", version, made, err)
		}
	}
	want := openTables(t, "")
	p := start(t, project.Config{Tables: want, Tail: l.tail, Load: l.Load, Registry: reg(1), Batch: 1, Cache: -1})
	p.caughtUp(t, l)
	p.stop()
	equal(t, dump(t, tables, "heads"), dump(t, want, "heads"))
	equal(t, dump(t, tables, "lines"), dump(t, want, "lines"))
}

// TestRebuildsSurviveCrashes changes the definition and asks for rebuilds at
// random, with restarts and failures.
func TestRebuildsSurviveCrashes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := rand.New(rand.NewPCG(seed, 5))
				l, tables := newLog(t, 1+r.IntN(2)), newTables()
				flaky := &faulty{Store: tables, chance: rand.New(rand.NewPCG(seed, 6)).IntN}
				factor := int64(1)
				views := func() *registry.Registry { return bank(times(factor, int(factor)), histories()) }
				for range 15 {
					if r.IntN(3) == 0 {
						factor = 1 + r.Int64N(3)
					}
					l.reopen(t)
					p := start(t, project.Config{Tables: flaky, Tail: l.tail, Load: l.Load, Registry: views(), Batch: 1 + r.IntN(30), Ignored: 8})
					l.add(someFacts(r, r.IntN(120), 20)...)
					for range r.IntN(3) {
						time.Sleep(time.Duration(r.IntN(200)) * time.Millisecond)
						ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
						_ = p.Rebuild(ctx, []string{"balances", "states"}[r.IntN(2)])
						cancel()
					}
					p.stop()
				}
				flaky.heal()
				p := start(t, project.Config{Tables: flaky, Tail: l.tail, Load: l.Load, Registry: views()})
				p.caughtUp(t, l)
				for _, s := range p.Status() {
					if s.Making != nil {
						time.Sleep(time.Minute) // of the bubble's clock
					}
				}
				if made, _ := tables.Made(t.Context()); len(made) != 5 {
					t.Errorf("tables: %v", made)
				}
				p.stop()
				want := alone(t, l, times(factor, int(factor)), histories())
				for _, name := range []string{"balances", "states", "states_history"} {
					if diff := cmp.Diff(want.dumpAll(name), tables.dumpAll(name), sameValues); diff != "" {
						t.Errorf("%s (-one by one +after crashes):\n%s", name, diff)
					}
				}
			})
		})
	}
}

// A rebuild goes on where it was.
func TestRebuildResumes(t *testing.T) {
	t.Parallel()
	l, tables := newLog(t, 1), newTables()
	for range 100 {
		l.append(deposits("a", 1)[0])
	}
	l.reopen(t)
	p := start(t, project.Config{Tables: tables, Tail: l.tail, Load: l.Load, Registry: bank(times(1, 1))})
	p.caughtUp(t, l)
	p.stop()
	var took atomic.Int64
	counting := func() *registry.View {
		v := times(2, 2)
		apply := v.Takes[0].Apply
		v.Takes[0].Apply = func(row, event any, e *store.Event) {
			took.Add(1)
			apply(row, event, e)
		}
		return v
	}
	g := &gated{tables, make(chan struct{})}
	var asked atomic.Int64
	hurried := func() time.Time { return time.Unix(asked.Add(1)*60, 0) } // so that each batch is written
	p = start(t, project.Config{Tables: g, Tail: l.tail, Load: l.Load, Registry: bank(counting()), Batch: 10, Now: hurried})
	until(t, func() bool {
		mark, err := tables.Mark(t.Context(), "talix_next_balances", 0)
		return err == nil && mark >= 50
	})
	p.stop()
	close(g.gate)
	p = start(t, project.Config{Tables: tables, Tail: l.tail, Load: l.Load, Registry: bank(counting()), Batch: 10})
	p.caughtUp(t, l)
	p.stop()
	if n := took.Load(); n > 120 || balance(t, tables, "balances", "a") != 200 {
		t.Errorf("100 events were taken %d times, and give %d", n, balance(t, tables, "balances", "a"))
	}
}

// While a view is made anew on demand, the present one is kept up.
func TestRebuildOnDemand(t *testing.T) {
	t.Parallel()
	l, tables := newLog(t, 2), openTables(t, "")
	for i := range 50 {
		l.add(deposits(fmt.Sprint("a", i), 1)...)
	}
	g := &gated{tables, make(chan struct{})}
	p := start(t, project.Config{Tables: g, Tail: l.tail, Load: l.Load, Registry: bank(times(1, 1))})
	p.caughtUp(t, l)
	spoil(t, tables)
	if err := p.Rebuild(t.Context(), "balances"); err != nil {
		t.Fatal(err)
	}
	until(t, func() bool { return p.Status()[0].Making != nil })
	close(g.gate)
	if err := p.Rebuild(t.Context(), "nothing"); err == nil {
		t.Error("Rebuild of no view says nothing")
	}
	var writers sync.WaitGroup
	writers.Go(func() {
		for i := range 50 {
			l.add(deposits(fmt.Sprint("b", i), 1)...)
		}
	})
	until(t, func() bool { return p.Status()[0].Making == nil })
	writers.Wait()
	p.caughtUp(t, l)
	if got := sum(t, tables); got != 100 {
		t.Errorf("the sum is %d, want 100", got)
	}
	p.stop()
}

// spoil changes rows behind the back of their view.
func spoil(tb testing.TB, tables table.Store) {
	tb.Helper()
	s := &table.Schema{Name: "balances", Columns: []table.Column{
		{Name: "id", Kind: table.Text, Key: true}, {Name: "balance", Kind: table.Int}, {Name: "version", Kind: table.Int},
	}}
	row := func(id string, balance int64) []table.Value {
		return []table.Value{table.TextValue(id), table.IntValue(balance), table.IntValue(1)}
	}
	err := tables.Update(tb.Context(), func(tx table.Tx) error {
		return errors.Join(tx.Put(s, row("a1", 77)), tx.Put(s, row("x", 1)), tx.Delete(s, row("a2", 0)[:1]))
	})
	if err != nil {
		tb.Fatal(err)
	}
}

func TestVerifyTellsEveryDifference(t *testing.T) {
	t.Parallel()
	l, tables := newLog(t, 1), openTables(t, "")
	for i := range 50 {
		l.add(deposits(fmt.Sprint("a", i), 1)...)
	}
	p := start(t, project.Config{Tables: tables, Tail: l.tail, Load: l.Load, Registry: bank(times(1, 1), histories(), byDay())})
	p.caughtUp(t, l)
	found := func(view string) (all []project.Difference) {
		t.Helper()
		for d, err := range p.Verify(t.Context(), view) {
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, d)
		}
		return all
	}
	for _, view := range []string{"balances", "states", "days"} {
		if all := found(view); len(all) != 0 {
			t.Errorf("%s: differences %v", view, all)
		}
	}
	spoil(t, tables)
	all := found("balances")
	if len(all) != 3 || all[0].Log != nil || all[0].View[0].Text() != "x" || all[1].View != nil || all[1].Log[0].Text() != "a2" ||
		all[2].View[1].Int() != 77 || all[2].Log[1].Int() != 1 || all[2].Columns[1].Name != "balance" {
		t.Errorf("differences: %+v", all)
	}
	for range p.Verify(t.Context(), "balances") {
		break // the view goes on all the same
	}
	l.add(deposits("a3", 1)...)
	p.caughtUp(t, l)
	for _, err := range p.Verify(t.Context(), "nothing") {
		if err == nil {
			t.Error("Verify of no view says nothing")
		}
	}
	if made, err := tables.Made(t.Context()); err != nil || len(made) != 6 {
		t.Errorf("tables: %v, %v", made, err)
	}
	p.stop()
}

// TestVerifyWhileTheViewIsKeptUp finds no difference, whenever it looks.
func TestVerifyWhileTheViewIsKeptUp(t *testing.T) {
	t.Parallel()
	l, tables := newLog(t, 2), openTables(t, "")
	p := start(t, project.Config{Tables: tables, Tail: l.tail, Load: l.Load, Registry: bank(accounts(), byTags())})
	p.caughtUp(t, l)
	done := make(chan struct{})
	var writer sync.WaitGroup
	writer.Go(func() {
		pace := time.NewTicker(time.Millisecond)
		defer pace.Stop()
		for r := rand.New(rand.NewPCG(2, 2)); ; {
			select {
			case <-done:
				return
			case <-pace.C:
				l.add(someFacts(r, 10, 30)...)
			}
		}
	})
	for i := range 6 {
		for d, err := range p.Verify(t.Context(), []string{"accounts", "tags"}[i%2]) {
			if err != nil || d.Table != "" {
				t.Errorf("%+v, %v", d, err)
			}
		}
	}
	close(done)
	writer.Wait()
	p.stop()
}

// A view from now takes what comes after its first start, also when it is made
// anew, or was down.
func TestFromNow(t *testing.T) {
	t.Parallel()
	l, tables := newLog(t, 2), newTables()
	l.add(deposits("a", 1, 2)...)
	run := func(by int64, version int) *running {
		v := times(by, version)
		v.FromNow = true
		return start(t, project.Config{Tables: tables, Tail: l.tail, Load: l.Load, Registry: bank(v)})
	}
	p := run(1, 1)
	p.caughtUp(t, l)
	if rows := tables.dump("balances"); len(rows) != 0 {
		t.Errorf("rows of events before the start: %v", rows)
	}
	p.stop()
	l.add(deposits("a", 4)...) // while it is down
	p = run(1, 1)
	l.add(deposits("a", 8)...)
	p.caughtUp(t, l)
	if got := balance(t, tables, "balances", "a"); got != 12 {
		t.Errorf("balance %d, want 12", got)
	}
	p.stop()
	p = run(10, 2)
	p.caughtUp(t, l)
	if got := balance(t, tables, "balances", "a"); got != 120 {
		t.Errorf("balance %d after it was made anew, want 120", got)
	}
	p.stop()
}

// What is parked in the tables that are made is parked after the switch.
func TestParkedInRebuild(t *testing.T) {
	t.Parallel()
	var ill atomic.Bool
	l, tables := newLog(t, 1), newTables()
	l.add(deposits("a", 1, 13, 4)...)
	cfg := func(version int) project.Config {
		v := parking(&ill)
		v.Version = version
		return project.Config{Tables: tables, Tail: l.tail, Load: l.Load, Registry: bank(v)}
	}
	p := start(t, cfg(1))
	p.caughtUp(t, l)
	p.stop()
	ill.Store(true)
	p = start(t, cfg(2))
	p.caughtUp(t, l)
	all := p.parkedOf(t, "picky")
	if len(all) != 1 || all[0].Making || balance(t, tables, "picky", "a") != 1 {
		t.Errorf("parked %+v, balance %d", all, balance(t, tables, "picky", "a"))
	}
	ill.Store(false)
	if err := p.Retry(t.Context(), "picky", entityOf("a")); err != nil {
		t.Error(err)
	}
	if got := balance(t, tables, "picky", "a"); got != 18 {
		t.Errorf("balance %d, want 18", got)
	}
	p.stop()
	if views := slices.Sorted(func(yield func(string) bool) {
		for _, row := range tables.dumpAll("talix_views") {
			if !yield(row[0].Text()) {
				return
			}
		}
	}); !slices.Equal(views, []string{"picky"}) {
		t.Errorf("states of %v", views)
	}
}

// TestRebuildHidesNoWrite: who has waited for an event sees it, also if the
// tables are switched over in between.
func TestRebuildHidesNoWrite(t *testing.T) {
	t.Parallel()
	l, tables := newLog(t, 1), openTables(t, "")
	p := start(t, project.Config{Tables: tables, Tail: l.tail, Load: l.Load, Registry: bank(times(1, 1))})
	p.caughtUp(t, l)
	done := make(chan struct{})
	var others sync.WaitGroup
	others.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				if err := p.Rebuild(context.Background(), "balances"); err != nil {
					t.Error(err)
					return
				}
			}
		}
	})
	deposited := int64(80)
	if testing.Short() {
		deposited = 15
	}
	for i := range deposited {
		l.add(deposits("a", 1)...)
		if err := p.Wait(t.Context(), nil, l.heads()); err != nil {
			t.Fatal(err)
		}
		if got := sum(t, tables); got != i+1 {
			t.Fatalf("the sum is %d after %d deposits", got, i+1)
		}
	}
	close(done)
	others.Wait()
	p.stop()
}

// A rebuild that was asked for goes on after a restart.
func TestRebuildIsNotForgotten(t *testing.T) {
	t.Parallel()
	l, tables := newLog(t, 1), openTables(t, "")
	l.add(deposits("a1", 1)...)
	l.add(deposits("a2", 1)...)
	g := &gated{tables, make(chan struct{})}
	cfg := project.Config{Tables: g, Tail: l.tail, Load: l.Load, Registry: bank(times(1, 1))}
	p := start(t, cfg)
	p.caughtUp(t, l)
	spoil(t, tables)
	if err := p.Rebuild(t.Context(), "balances"); err != nil {
		t.Fatal(err)
	}
	p.stop()
	close(g.gate)
	p = start(t, cfg)
	p.caughtUp(t, l)
	until(t, func() bool { return p.Status()[0].Making == nil })
	if got := sum(t, tables); got != 2 {
		t.Errorf("the sum is %d, want 2", got)
	}
	p.stop()
}

// looking looks at the rows as soon as they were switched over.
type looking struct {
	table.Store
	look func()
}

func (s *looking) Replace(ctx context.Context, as, by []table.Schema, fn func(table.Tx) error) error {
	err := s.Store.Replace(ctx, as, by, fn)
	s.look()
	return err
}

// The new tables take what the old ones have shown before they take their
// place, also if they were behind.
func TestSwitchGoesNotBack(t *testing.T) {
	t.Parallel()
	l, tables := newLog(t, 1), openTables(t, "")
	for range 100 {
		l.add(deposits("a", 1)...)
	}
	v := times(1, 1)
	apply, reached, release, seen := v.Takes[0].Apply, make(chan struct{}), make(chan struct{}), 0
	v.Takes[0].Apply = func(row, event any, e *store.Event) {
		if e.Position == 50 {
			if seen++; seen == 2 { // by the rebuild
				close(reached)
				<-release
			}
		}
		apply(row, event, e)
	}
	first := int64(0)
	s := &looking{tables, func() { first = sum(t, tables) }}
	p := start(t, project.Config{Tables: s, Tail: l.tail, Load: l.Load, Registry: bank(v), Batch: 10})
	p.caughtUp(t, l)
	if err := p.Rebuild(t.Context(), "balances"); err != nil {
		t.Fatal(err)
	}
	<-reached
	l.add(deposits("a", 1, 1, 1, 1, 1)...)
	if err := p.Wait(t.Context(), nil, l.heads()); err != nil {
		t.Fatal(err)
	}
	close(release)
	until(t, func() bool { return p.Status()[0].Making == nil })
	p.stop()
	if first != 105 {
		t.Errorf("after the switch the sum is %d, and 105 was seen before", first)
	}
}
