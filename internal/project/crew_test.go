package project_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/talix-dev/talix/internal/registry"
)

// A view is made anew by all together, while it is kept up, one of them dies,
// and another one takes part from there on.
func TestTeamMakesAViewAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tables := newTables()
		all := newTeam(t, 6, tables)
		a, b, c := all.join(times(1, 1)), all.join(times(1, 1)), all.join(times(1, 1))
		for i := range 300 {
			all.add(deposits(fmt.Sprint("a", i%40), 1)...)
		}
		for _, m := range []*mate{a, b, c} {
			m.whole()
		}
		for _, row := range tables.dump("balances") {
			row[1] = row[2] // spoilt: only new tables mend that
		}
		spoilt := total(tables)
		if err := b.Rebuild(t.Context(), "balances"); err != nil {
			t.Fatal(err)
		}
		if s := b.Status(); s[0].Making == nil {
			t.Error("who has asked for it does not take part")
		}
		all.add(deposits("a1", 1000)...)
		c.die()
		d := all.join(times(1, 1))
		all.add(deposits("a2", 1000)...)
		for _, m := range []*mate{a, b, d} {
			m.whole()
		}
		if got := total(tables); got != 2300 {
			t.Errorf("the sum is %d, want 2300 (it was %d)", got, spoilt)
		}
		all.end()
	})
}

// During a rollout the old nodes keep the old rows up, whoever owns a partition,
// and the new ones make theirs; these take their place once no old node lives.
func TestRollout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tables := newTables()
		all := newTeam(t, 6, tables)
		one, two := all.join(times(1, 1)), all.join(times(1, 1))
		all.add(spread(100)...)
		one.whole()
		three := all.join(times(10, 2))
		all.add(spread(100)...)
		one.seen()
		two.seen()
		if got := total(tables); got != 200 {
			t.Errorf("the old rows sum up to %d beside a new node, want 200", got)
		}
		untilTrue(t, func() bool {
			done := true
			for _, s := range three.Status() {
				done = done && s.Making != nil && s.Making.At == s.Head && len(s.Making.Waits) == 2
			}
			return done
		})
		if former, pending := three.Pending([]string{"balances"}); !former || pending == nil {
			t.Errorf("pending: %t, %v", former, pending)
		}
		three.seen() // what the old rows show
		one.die()
		four := all.join(times(10, 2))
		all.add(spread(100)...)
		two.seen()
		if got := total(tables); got != 300 {
			t.Errorf("the old rows sum up to %d with one old node, want 300", got)
		}
		two.die()
		three.whole()
		four.whole()
		if got := total(tables); got != 3000 {
			t.Errorf("the new rows sum up to %d, want 3000", got)
		}
		five := all.join(times(1, 1)) // an old one that was late
		time.Sleep(time.Minute)
		all.add(spread(100)...)
		four.whole()
		if got := total(tables); got != 4000 {
			t.Errorf("the new rows sum up to %d beside a late old node, want 4000", got)
		}
		if former, pending := five.Pending([]string{"balances"}); !former || pending == nil {
			t.Errorf("pending for the late one: %t, %v", former, pending)
		}
		all.end()
	})
}

// spread are deposits of 1 in many accounts.
func spread(n int) (facts []fact) {
	for i := range n {
		facts = append(facts, deposits(fmt.Sprint("a", i%30), 1)...)
	}
	return facts
}

// Of several new definitions at the same time one wins, and stays.
func TestDefinitionsDoNotAlternate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tables := newTables()
		all := newTeam(t, 4, tables)
		old := all.join(times(1, 1))
		all.add(spread(100)...)
		old.whole()
		all.join(times(10, 2))
		last := all.join(times(100, 3))
		all.join(times(10, 2))
		old.die()
		last.whole()
		for range 20 {
			all.add(spread(1)...)
			time.Sleep(time.Second)
			last.seen()
			if got := total(tables) % 100; got != 0 {
				t.Fatalf("the sum is not of the last definition: %d", total(tables))
			}
		}
		for range 3 { // one that is late, and restarts of the others
			old = all.join(times(1, 1))
			again := all.join(times(10, 2))
			time.Sleep(time.Minute)
			old.die()
			again.die()
		}
		if got := total(tables); got != 12_000 {
			t.Errorf("the sum is %d, want 12000", got)
		}
		last.die() // nobody has it any more
		untilTrue(t, func() bool { return total(tables) == 1200 })
		all.end()
	})
}

// Going back to the definition before is making the view anew, too.
func TestRollback(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tables := newTables()
		all := newTeam(t, 4, tables)
		for i, by := range []int64{1, 10, 1, 10, 10} {
			m := all.join(times(by, int(by)))
			all.add(spread(10)...)
			for _, other := range all.mates {
				if other != m {
					other.die()
				}
			}
			m.whole()
			if got, want := total(tables), by*int64(10*(i+1)); got != want {
				t.Errorf("round %d: the sum is %d, want %d", i, got, want)
			}
		}
		all.end()
	})
}

// A process that hung while the tables became others does not write to them.
func TestWhoHungWritesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tables := newTables()
		all := newTeam(t, 1, tables)
		slow := &hung{Store: tables}
		one := all.joinWith(slow, times(1, 1))
		all.add(spread(100)...)
		one.whole()
		time.Sleep(time.Minute)
		slow.shut()
		e := all.log.append(deposits("a1", 1)[0])
		one.tail.Publish(0, []*storeEvent{e})
		time.Sleep(time.Second) // its transaction is under way now
		all.log.parts[0] = all.log.parts[0][:100]
		stop := one.serving[0]
		one.serving[0] = func() {} // it still takes the partition for its own
		one.silent()
		two := all.join(times(10, 2))
		two.whole()
		slow.open()
		time.Sleep(time.Minute)
		all.log.parts[0] = append(all.log.parts[0], *e)
		two.tail.Publish(0, []*storeEvent{e})
		two.seen()
		if got := total(tables); got != 1010 {
			t.Errorf("the sum is %d, want 1010", got)
		}
		stop()
		all.end()
	})
}

// A crash of all resumes where it was.
func TestTeamResumes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tables := newTables()
		all := newTeam(t, 2, tables)
		old := all.join(times(1, 1))
		all.add(spread(200)...)
		old.whole()
		all.join(times(10, 2))
		made := func() (n int64) {
			for p := range 2 {
				at, _ := tables.Mark(t.Context(), "talix_next_balances", p)
				n += at
			}
			return n
		}
		untilTrue(t, func() bool { return made() == 200 })
		all.end()
		_, before, _ := tables.counts()
		m := all.join(times(10, 2))
		m.whole()
		if _, puts, _ := tables.counts(); puts != before || total(tables) != 2000 {
			t.Errorf("%d rows were written again, and the sum is %d", puts-before, total(tables))
		}
		all.end()
	})
}

// What another definition has begun, and nobody has any more, goes after a
// while.
func TestAbandonedTablesGo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tables := newTables()
		all := newTeam(t, 1, tables)
		one := all.join(times(1, 1))
		all.add(spread(10)...)
		one.whole()
		two := all.join(times(10, 2))
		there := func() bool { made, _ := tables.Made(t.Context()); return made["talix_next_balances"] != "" }
		untilTrue(t, there)
		two.die()
		time.Sleep(50 * time.Minute)
		if !there() {
			t.Error("it is gone at once, though its definition may come back")
		}
		time.Sleep(time.Hour)
		if there() {
			t.Error("it is still there")
		}
		one.whole()
		all.end()
	})
}

// Who looks on sees that a view has passed events which it does not take.
func TestLookingOnPassesOtherEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		all := newTeam(t, 2, newTables())
		a, b := all.join(times(1, 1)), all.join(times(1, 1))
		all.add(spread(10)...)
		for i := range 10 {
			all.add(fact{"account", fmt.Sprint("a", i), "NOTED", noted{"x"}})
		}
		began := time.Now()
		a.seen()
		b.seen()
		if took := time.Since(began); took > time.Second {
			t.Errorf("it took %v", took)
		}
		all.end()
	})
}

// A build that was begun after an erasure is fed by no one who may still have in
// memory what was erased.
func TestErasureIsWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tables := newTables()
		all := newTeam(t, 2, tables)
		a, b := all.join(times(1, 1)), all.join(times(1, 1))
		all.add(spread(20)...)
		a.whole()
		b.whole()
		every := func(string) bool { return true }
		a.erasure.Store(5)
		if names := a.Stale(5, every); len(names) != 1 {
			t.Errorf("stale are %v", names)
		}
		if err := a.Rebuild(t.Context(), "balances"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		for p := range 2 {
			at, _ := tables.Mark(t.Context(), "talix_next_balances", p)
			if owner := all.owners[p]; (at > 0) != (owner == a.name) {
				t.Errorf("partition %d of %s is at %d", p, owner, at)
			}
		}
		b.erasure.Store(5)
		a.whole()
		b.whole()
		if a, b := a.Stale(5, every), b.Stale(5, every); len(a)+len(b) > 0 {
			t.Errorf("stale are %v and %v", a, b)
		}
		all.end()
	})
}

// While another definition is being made, the present one can't be.
func TestRebuildDuringRollout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		all := newTeam(t, 2, newTables())
		one := all.join(times(1, 1))
		all.add(spread(20)...)
		one.whole()
		all.join(times(10, 2))
		time.Sleep(time.Minute)
		err := one.Rebuild(t.Context(), "balances")
		if f, ok := errors.AsType[*registry.Fault](err); !ok || f.Code != registry.Unavailable {
			t.Errorf("Rebuild says %v", err)
		}
		all.end()
	})
}

// TestTeamSurvivesCrashes has nodes come, die and hang, with other definitions
// and failures of the store, and views made anew on demand.
func TestTeamSurvivesCrashes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { surviveCrashes(t, rand.New(rand.NewPCG(seed, 5))) })
		})
	}
}

func surviveCrashes(t *testing.T, r *rand.Rand) {
	tables := newTables()
	flaky := &faulty{Store: tables, chance: rand.New(rand.NewPCG(r.Uint64(), 6)).IntN}
	all := newTeam(t, 1+r.IntN(4), flaky)
	factor := int64(1)
	living := []*mate{}
	for range 20 {
		switch n := r.IntN(4); {
		case n == 0 && len(living) > 0:
			i := r.IntN(len(living))
			living[i].die()
			living = append(living[:i], living[i+1:]...)
		case len(living) < 4:
			if r.IntN(3) == 0 {
				factor = 1 + r.Int64N(3)
			}
			living = append(living, all.join(times(factor, int(factor)), histories()))
		}
		all.add(someFacts(r, r.IntN(60), 20)...)
		<-time.After(time.Duration(r.IntN(1000)) * time.Millisecond)
		if len(living) > 0 && r.IntN(2) == 0 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			_ = living[r.IntN(len(living))].Rebuild(ctx, []string{"balances", "states"}[r.IntN(2)])
			cancel()
		}
	}
	flaky.heal()
	for _, m := range living {
		m.die()
	}
	m := all.join(times(factor, int(factor)), histories())
	m.whole()
	all.end()
	all.log.reopen(t)
	want := alone(t, all.log, times(factor, int(factor)), histories())
	for _, name := range []string{"balances", "states", "states_history"} {
		if diff := cmp.Diff(want.dumpAll(name), tables.dumpAll(name), sameValues); diff != "" {
			t.Errorf("%s (-one by one +after crashes):\n%s", name, diff)
		}
	}
}

// Verify compares what all have made, while they go on, and whoever dies in the
// midst of it holds up nobody.
func TestTeamVerifies(t *testing.T) {
	t.Parallel()
	tables := openTables(t, "")
	all := newTeam(t, 4, tables)
	a, b := all.join(times(1, 1)), all.join(times(1, 1))
	all.add(spread(200)...)
	a.whole()
	b.whole()
	if found := a.verify(); len(found) > 0 {
		t.Errorf("differences: %v", found)
	}
	spoil(t, tables)
	all.add(deposits("other", 1, 2, 3, 4)...)
	if found := b.verify(); len(found) != 3 {
		t.Errorf("%d differences, want 3: %v", len(found), found)
	}
	inside := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for range a.Verify(ctx, "balances") {
			close(inside)
			<-ctx.Done()
			return
		}
	}()
	<-inside
	for _, err := range b.Verify(t.Context(), "balances") {
		if f, ok := errors.AsType[*registry.Fault](err); !ok || f.Code != registry.Unavailable {
			t.Errorf("a second Verify says %v", err)
		}
	}
	all.add(deposits("fresh", 7)...)
	if _, there := dump(t, tables, "balances")["fresh"]; there {
		t.Error("the view is kept up while its rows are compared")
	}
	a.silent() // and so has nothing to say any more
	b.seen()
	if _, there := dump(t, tables, "balances")["fresh"]; !there {
		t.Error("the view does not go on")
	}
	cancel()
	until(t, func() bool { made, _ := tables.Made(t.Context()); return made["talix_check_balances"] == "" })
	if found := b.verify(); len(found) != 3 {
		t.Errorf("%d differences, want 3: %v", len(found), found)
	}
	all.end()
}
