package project_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/talix-dev/talix/internal/project"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/table"
)

var sameValues = cmp.AllowUnexported(table.Value{})

func equal(tb testing.TB, got, want map[string][]table.Value) {
	tb.Helper()
	if diff := cmp.Diff(want, got, sameValues); diff != "" {
		tb.Errorf("the rows are not the fold of the log (-want +got):\n%s", diff)
	}
}

// someFacts are n events of up to entities entities, most of which the views
// take.
func someFacts(r *rand.Rand, n, entities int) []fact {
	facts := make([]fact, n)
	for i := range facts {
		id := fmt.Sprintf("a%d", r.IntN(entities))
		switch r.IntN(4) {
		case 0:
			facts[i] = fact{"account", id, "RENAMED", renamed{Name: fmt.Sprint("n", i), Tags: []string{"x", fmt.Sprint(i)}}}
		case 1:
			facts[i] = fact{"account", id, "NOTED", noted{"text"}}
		default:
			facts[i] = fact{"account", id, "DEPOSITED", deposited{r.Int64N(100) - 20}}
		}
	}
	return facts
}

func TestRowsAreTheFoldOfTheLog(t *testing.T) {
	t.Parallel()
	for _, partitions := range []int{1, 5} {
		t.Run(fmt.Sprint(partitions), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(1, 2))
			l, tables := newLog(t, partitions), newTables()
			l.add(someFacts(r, 700, 40)...)
			p := start(t, project.Config{Tables: tables, Tail: l.tail, Load: l.Load, Registry: bank(accounts()), Batch: 64})
			for range 50 {
				l.add(someFacts(r, 1+r.IntN(30), 40)...)
			}
			p.caughtUp(t, l)
			equal(t, tables.dump("accounts"), folded(l))
			for _, s := range p.Status() {
				if s.View != "accounts" || s.Lag() != 0 || s.Mark != s.Head || s.Fault != nil {
					t.Errorf("status of a view that is up to date: %+v", s)
				}
			}
		})
	}
}

// TestCrashes ends the projector at random points over a store that fails at
// random points, and compares what came of it.
func TestCrashes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := rand.New(rand.NewPCG(seed, 1))
				l, tables := newLog(t, 1+r.IntN(3)), newTables()
				store := &faulty{Store: tables, chance: rand.New(rand.NewPCG(seed, 2)).IntN}
				for range 20 {
					l.reopen(t)
					p := start(t, project.Config{Tables: store, Tail: l.tail, Load: l.Load, Registry: bank(accounts(), nested()), Batch: 20, Ignored: 8})
					l.add(someFacts(r, r.IntN(200), 30)...)
					time.Sleep(time.Duration(r.IntN(300)) * time.Millisecond)
					p.stop()
				}
				store.heal()
				p := start(t, project.Config{Tables: store, Tail: l.tail, Load: l.Load, Registry: bank(accounts(), nested())})
				p.caughtUp(t, l)
				p.stop()
				equal(t, tables.dump("accounts"), folded(l))
				equal(t, tables.dump("nested"), oneByOne(t, l))
			})
		})
	}
}

// oneByOne are the rows of the table nested with a transaction for each event.
func oneByOne(tb testing.TB, l *memLog) map[string][]table.Value {
	tb.Helper()
	tables := newTables()
	p := start(tb, project.Config{Tables: tables, Tail: l.tail, Load: l.Load, Registry: bank(nested()), Batch: 1, Cache: -1})
	p.caughtUp(tb, l)
	p.stop()
	return tables.dump("nested")
}

// TestBatchesDoNotShow: what rows hold may not depend on where batches end.
func TestBatchesDoNotShow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
		l := newLog(t, 1)
		l.add(someFacts(r, rapid.IntRange(0, 120).Draw(rt, "events"), 5)...)
		tables := newTables()
		p := start(t, project.Config{
			Tables: tables, Tail: l.tail, Load: l.Load, Registry: bank(nested()),
			Batch: rapid.IntRange(1, 200).Draw(rt, "batch"),
			Cache: rapid.SampledFrom([]int{-1, 2, 100}).Draw(rt, "cache"),
		})
		p.caughtUp(t, l)
		p.stop()
		if diff := cmp.Diff(oneByOne(t, l), tables.dump("nested"), sameValues); diff != "" {
			rt.Fatalf("(-one by one +in batches):\n%s", diff)
		}
	})
}

func TestTwoWriters(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(3, 4))
		l, tables := newLog(t, 2), newTables()
		cfg := project.Config{Tables: tables, Tail: l.tail, Load: l.Load, Registry: bank(accounts()), Batch: 16}
		one, two := start(t, cfg), start(t, cfg)
		for range 40 {
			l.add(someFacts(r, 20, 10)...)
			one.caughtUp(t, l)
		}
		two.caughtUp(t, l)
		one.stop()
		two.stop()
		equal(t, tables.dump("accounts"), folded(l))
	})
}

// TestSharedRows: entities of two types may share an id, and so a row, while
// they live in different partitions.
func TestSharedRows(t *testing.T) {
	t.Parallel()
	l, tables := newLog(t, 4), newTables()
	shared := tableOf[accountRow]("shared",
		when(func(r *accountRow, e deposited, _ *storeEvent) { r.Balance += e.Amount }),
		when(func(r *accountRow, e int, _ *storeEvent) { r.Changes += e }),
	)
	p := start(t, project.Config{Tables: tables, Tail: l.tail, Load: l.Load, Registry: bank(shared), Batch: 4})
	for range 50 {
		for id := range 8 {
			id := fmt.Sprint("s", id)
			l.add(fact{"account", id, "DEPOSITED", deposited{1}}, fact{"vault", id, "FILLED", 1})
		}
		p.caughtUp(t, l)
	}
	for id, row := range tables.dump("shared") {
		if row[1].Int() != 50 || row[3].Int() != 50 {
			t.Errorf("row %s: balance %d, changes %d: want 50 and 50", id, row[1].Int(), row[3].Int())
		}
	}
}

func TestFoldingSavesWrites(t *testing.T) {
	t.Parallel()
	l, tables := newLog(t, 1), newTables()
	for range 100 {
		l.append(fact{"account", "a", "DEPOSITED", deposited{1}})
		l.append(fact{"account", "b", "DEPOSITED", deposited{1}})
	}
	l.reopen(t)
	p := start(t, project.Config{Tables: tables, Tail: l.tail, Load: l.Load, Registry: bank(tableOf[accountRow]("balances",
		when(func(r *accountRow, e deposited, _ *storeEvent) { r.Balance += e.Amount })))})
	p.caughtUp(t, l)
	if updates, puts, gets := tables.counts(); updates != 1 || puts != 2 || gets != 0 {
		t.Errorf("200 events of 2 rows in one batch: %d transactions, %d puts, %d gets; want 1, 2, 0", updates, puts, gets)
	}
	l.add(fact{"account", "a", "DEPOSITED", deposited{0}})
	p.caughtUp(t, l)
	if _, puts, gets := tables.counts(); puts != 2 || gets != 0 {
		t.Errorf("an event that changes nothing: %d puts, %d gets in all; want 2, 0", puts, gets)
	}
}

// TestIgnoredEvents: a mark that passes only ignored events is stored now and
// then, and Wait sees them at once.
func TestIgnoredEvents(t *testing.T) {
	t.Parallel()
	l, tables := newLog(t, 1), newTables()
	cfg := project.Config{Tables: tables, Tail: l.tail, Load: l.Load, Registry: bank(accounts()), Ignored: 100}
	p := start(t, cfg)
	for range 250 {
		l.add(fact{"account", "a", "NOTED", noted{"text"}})
		p.caughtUp(t, l)
	}
	if updates, _, _ := tables.counts(); updates != 2 {
		t.Errorf("250 ignored events took %d transactions, want 2", updates)
	}
	p.stop()
	l.reopen(t)
	cfg.Tail = l.tail
	p = start(t, cfg)
	l.add(fact{"account", "a", "DEPOSITED", deposited{5}})
	p.caughtUp(t, l)
	equal(t, tables.dump("accounts"), folded(l))
}

func TestChangedDefinitionRebuilds(t *testing.T) {
	t.Parallel()
	l, tables := newLog(t, 1), newTables()
	l.add(fact{"account", "a", "DEPOSITED", deposited{5}}, fact{"account", "b", "DEPOSITED", deposited{7}})
	factor := int64(1)
	table := func(version int) *registry.View {
		by := factor
		def := tableOf[accountRow]("balances", when(func(r *accountRow, e deposited, _ *storeEvent) { r.Balance += by * e.Amount }))
		def.Version = version
		return def
	}
	check := func(version int, want int64) {
		t.Helper()
		p := start(t, project.Config{Tables: tables, Tail: l.tail, Load: l.Load, Registry: bank(table(version))})
		p.caughtUp(t, l)
		p.stop()
		if got := tables.dump("balances")["b"][1].Int(); got != want {
			t.Errorf("version %d: balance %d, want %d", version, got, want)
		}
	}
	check(1, 7)
	factor = 10
	check(1, 7) // not known to have changed
	check(2, 70)
}

func TestLostLogRebuilds(t *testing.T) {
	t.Parallel()
	l, tables := newLog(t, 2), newTables()
	r := rand.New(rand.NewPCG(5, 6))
	l.add(someFacts(r, 200, 10)...)
	p := start(t, project.Config{Tables: tables, Tail: l.tail, Load: l.Load, Registry: bank(accounts())})
	p.caughtUp(t, l)
	p.stop()

	lost := newLog(t, 2)
	lost.add(someFacts(r, 50, 10)...)
	var out bytes.Buffer
	p = start(t, project.Config{Tables: tables, Tail: lost.tail, Load: lost.Load, Registry: bank(accounts()), Log: slog.New(slog.NewTextHandler(&out, nil))})
	p.caughtUp(t, lost)
	p.stop()
	equal(t, tables.dump("accounts"), folded(lost))
	if !strings.Contains(out.String(), "level=WARN") || !strings.Contains(out.String(), "view=accounts") {
		t.Errorf("the log does not warn that events were lost: %s", out.String())
	}
}

func TestForeignTablesAreMadeAnew(t *testing.T) {
	t.Parallel()
	l, other, tables := newLog(t, 1), newLog(t, 1), newTables()
	l.add(fact{"account", "a", "DEPOSITED", deposited{5}})
	other.add(fact{"account", "b", "DEPOSITED", deposited{6}}, fact{"account", "b", "DEPOSITED", deposited{6}})
	for identity, log := range maps.All(map[string]*memLog{"one": l, "two": other}) {
		p := start(t, project.Config{Tables: tables, Tail: log.tail, Load: log.Load, Registry: bank(accounts()), Identity: identity})
		p.caughtUp(t, log)
		p.stop()
		equal(t, tables.dump("accounts"), folded(log))
	}
}
