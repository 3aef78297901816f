package runtime_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

// Lodger holds a name, and a timer that reminds him.
type Lodger struct {
	Name string
	Gone bool
}

type MovedIn struct{ Name string }

func (e MovedIn) Apply(l *Lodger, _ talix.Meta) { l.Name = e.Name }

type MovedOut struct{ Why string }

func (e MovedOut) Apply(l *Lodger, _ talix.Meta) { l.Gone = true }

type lodgerRow struct {
	ID, Name, Why string
}

// inn are definitions with an end.
type inn struct {
	*world
	lodgers         *talix.Entity[Lodger]
	names           *talix.Unique[string]
	in, out, beyond *talix.Command[string, int64]
	ends            chan string // of whom the action saw the end
	views           talix.Components
	rows, kept      *talix.Query[struct{}, talix.Page[lodgerRow]]
	notes           *talix.Fold[int]
}

func newInn() *inn {
	n := &inn{world: newWorld(), names: talix.NewUnique("names", strings.ToLower), ends: make(chan string, 1000)}
	remind := talix.NewTimer[string]("remind")
	n.lodgers = talix.NewEntity("lodger", talix.Event[MovedIn]("LODGERS:MOVED_IN"), talix.Event[MovedOut]("LODGERS:MOVED_OUT")).SnapshotEvery(2)
	n.in = talix.NewCommand(n.lodgers, "in", func(c talix.CommandContext[Lodger], name string) (int64, error) {
		n.decided.Add(1)
		if err := n.names.Reserve(c, name); err != nil {
			return 0, err
		}
		talix.Schedule(c, remind, "a/b", c.Time().Add(time.Hour), name)
		talix.Schedule(c, remind, "", c.Time().Add(time.Hour), name)
		c.Emit(MovedIn{name})
		return c.Version(), nil
	})
	n.out = talix.NewCommand(n.lodgers, "out", func(c talix.CommandContext[Lodger], why string) (int64, error) {
		c.Emit(MovedIn{"nobody"})
		c.Delete(MovedOut{why})
		talix.Schedule(c, remind, "late", c.Time().Add(time.Hour), why)
		return c.Version(), n.names.Reserve(c, "late "+c.ID())
	})
	n.beyond = talix.NewCommand(n.lodgers, "beyond", func(c talix.CommandContext[Lodger], why string) (int64, error) {
		c.Delete(MovedOut{why})
		c.Emit(MovedIn{"again"})
		return c.Version(), nil
	})
	came := talix.When(func(r *lodgerRow, e talix.Recorded[MovedIn]) { r.Name = e.Data.Name })
	left := talix.When(func(r *lodgerRow, e talix.Recorded[MovedOut]) { r.Why = e.Data.Why })
	n.rows = talix.SQL[struct{}, lodgerRow]("present", `SELECT id, name, why FROM lodgers ORDER BY id`)
	n.kept = talix.SQL[struct{}, lodgerRow]("ever", `SELECT id, name, why FROM lodgers_ever ORDER BY id`)
	n.notes = talix.NewFold("lodger_notes", talix.When(func(v *int, _ talix.Recorded[MovedIn]) { *v++ }))
	n.extra = talix.Components{
		n.lodgers, n.names, n.in, n.out, n.beyond,
		talix.OnTimer(remind, func(talix.ActionContext, talix.Fired[string]) error { return nil }),
		talix.OnEvent("sees-ends", func(_ talix.ActionContext, e talix.Recorded[MovedOut]) error {
			n.ends <- e.EntityID
			return nil
		}),
	}
	n.views = talix.Components{
		n.rows, n.kept, n.notes,
		talix.NewTable("lodgers", came), // takes no last event by itself
		talix.NewTable("lodgers_ever", came, left).KeepDeleted(),
	}
	return n
}

func (n *inn) run(t *testing.T, rt *runtime.Runtime, c *talix.Command[string, int64], id, in string) error {
	t.Helper()
	_, err := talix.Run(rt.Context(t.Context()), c, id, in)
	return err
}

// left counts the records that a store keeps about an entity, or its values.
func left(t *testing.T, s *memory.Store, id string) (keys []string) {
	t.Helper()
	for p := range store.Partition(s.Partitions()) {
		for _, space := range []string{"unique", "held", "work", "snapshot", "journal", "signal"} {
			found, err := s.Records(t.Context(), p, space, "", "", 1000)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range found {
				if strings.Contains(r.Key, id) || bytes.Contains(r.Data, []byte(`"`+id+`"`)) {
					keys = append(keys, space+" "+r.Key)
				}
			}
		}
	}
	return keys
}

// What an entity held goes away with its last event, and its id is not used
// again; others are as they were.
func TestDelete(t *testing.T) {
	t.Parallel()
	for _, partitions := range []int{1, 4} {
		s, n := checked(t, memory.Config{Partitions: partitions}), newInn()
		rt := start(t, n.world, s)
		for _, id := range []string{"ann", "ann2"} {
			if err := errors.Join(n.run(t, rt, n.in, id, id), n.run(t, rt, n.in, id, "Mrs. "+id)); err != nil {
				t.Fatal(err)
			}
		}
		rt.Stop() // which writes snapshots
		if _, found := recordOf(t, s, store.Stream{Type: "lodger", ID: "ann"}); !found {
			t.Error("there is no snapshot to remove")
		}
		others := left(t, s, "ann2")
		rt = start(t, n.world, s)
		version, err := talix.Run(rt.ContextWithKey(t.Context(), "once"), n.out, "ann", "tired")
		if err != nil || version != 4 {
			t.Fatalf("to delete got %d, %v", version, err)
		}
		n.refuses(t, rt, "ann")
		rt.Stop()
		rt = start(t, n.world, s)
		n.refuses(t, rt, "ann")
		if again, err := talix.Run(rt.ContextWithKey(t.Context(), "once"), n.out, "ann", "tired"); err != nil || again != 4 {
			t.Errorf("the same command again got %d, %v", again, err)
		}
		if keys := left(t, s, "ann"); len(keys) != len(others) || len(others) == 0 {
			t.Errorf("left behind: %v, of the other one: %v", keys, others)
		}
		if err := n.run(t, rt, n.in, "eve", "ANN"); err != nil {
			t.Errorf("its unique value is not free: %v", err)
		}
		state, err := talix.Load(rt.Context(t.Context()), n.lodgers, "ann")
		if err != nil || !state.State.Gone || state.Version != 4 {
			t.Errorf("its state is %+v, %v", state, err)
		}
	}
}

// refuses fails the test unless every command on an id is refused before its
// handler runs.
func (n *inn) refuses(t *testing.T, rt *runtime.Runtime, id string) {
	t.Helper()
	before := n.decided.Load()
	err := n.run(t, rt, n.in, id, "back")
	if e, _ := errors.AsType[*talix.Error](err); !errors.Is(err, talix.ErrGone) || e.Message != `lodger "`+id+`" was deleted` {
		t.Errorf("a later command got %v", err)
	}
	if err := n.run(t, rt, n.out, id, "again"); !errors.Is(err, talix.ErrGone) {
		t.Errorf("to delete again got %v", err)
	}
	if _, err := talix.Preview(rt.Context(t.Context()), n.in, id, "back"); !errors.Is(err, talix.ErrGone) {
		t.Errorf("a preview got %v", err)
	}
	err = talix.Group(rt.Context(t.Context()), talix.Do(n.in, "in-a-group", "x"), talix.Do(n.in, id, "y"))
	if e, _ := errors.AsType[*talix.Error](err); !errors.Is(err, talix.ErrGone) || e.Entity != "lodger/"+id {
		t.Errorf("a group got %v", err)
	}
	if ran := n.decided.Load() - before; ran > 1 { // that of the group's other command
		t.Errorf("%d handlers ran", ran)
	}
}

// A handler that goes on after the end fails as a whole.
func TestNothingIsEmittedAfterTheEnd(t *testing.T) {
	t.Parallel()
	s, n := checked(t, memory.Config{}), newInn()
	rt := start(t, n.world, s)
	err := errors.Join(n.run(t, rt, n.in, "ann", "ann"), n.run(t, rt, n.in, "ann", "anna"))
	if err != nil {
		t.Fatal(err)
	}
	if err := n.run(t, rt, n.beyond, "ann", "x"); !errors.Is(err, talix.ErrInternal) || !strings.Contains(err.Error(), "emit all other events first") {
		t.Errorf("it got %v", err)
	}
	if err := n.run(t, rt, n.in, "ann", "still here"); err != nil {
		t.Errorf("after it: %v", err)
	}
}

// Many clients on two runtimes that know nothing of each other; one of them
// deletes. No event follows the last one, and no one is told otherwise.
func TestDeleteAmongManyClients(t *testing.T) {
	t.Parallel()
	s, n := checked(t, memory.Config{Partitions: 2}), newInn()
	runtimes := []*runtime.Runtime{start(t, n.world, s), start(t, n.world, s)}
	for round := range 5 {
		id := fmt.Sprint("ann", round)
		var done atomic.Int64
		var all sync.WaitGroup
		for i := range 64 {
			all.Go(func() {
				command := n.in
				if i == 20 {
					command = n.out
				}
				switch err := n.run(t, runtimes[i%2], command, id, fmt.Sprint(id, i)); {
				case err == nil && i == 20:
					done.Add(2)
				case err == nil:
					done.Add(1)
				case i == 20 || !errors.Is(err, talix.ErrGone):
					t.Errorf("client %d: %v", i, err)
				}
			})
		}
		all.Wait()
		var events []store.Event
		for e, err := range s.Load(t.Context(), store.Stream{Type: "lodger", ID: id}, 0) {
			if err != nil {
				t.Fatal(err)
			}
			events = append(events, e)
		}
		last := events[len(events)-1]
		if int64(len(events)) != done.Load() || last.Type != "LODGERS:MOVED_OUT" || string(last.Metadata) != `{"talix.end":"deleted"}` {
			t.Errorf("%d events of %d acknowledged, the last is %s %s", len(events), done.Load(), last.Type, last.Metadata)
		}
	}
}

// What the store answered to a last event is found out, and a conflict decides
// anew what was refused behind an end that did not come to be.
func TestDeleteUnderFaults(t *testing.T) {
	t.Parallel()
	for _, kind := range []memory.Kind{memory.UnknownWritten, memory.UnknownLate, memory.UnknownLost, memory.Fail} {
		var once atomic.Bool
		s := checked(t, memory.Config{Fault: func(store.Partition, []store.Batch) memory.Fault {
			if once.CompareAndSwap(true, false) {
				return memory.Fault{Kind: kind}
			}
			return memory.Fault{}
		}})
		n := newInn()
		rt := start(t, n.world, s)
		if err := n.run(t, rt, n.in, "ann", "ann"); err != nil {
			t.Fatal(err)
		}
		once.Store(true)
		err := n.run(t, rt, n.out, "ann", "x")
		if kind == memory.Fail {
			if err == nil || n.run(t, rt, n.in, "ann", "ann") != nil || n.run(t, rt, n.out, "ann", "x") != nil {
				t.Errorf("an end that failed: %v", err)
			}
		} else if err != nil {
			t.Errorf("fault %d: %v", kind, err)
		}
		n.refuses(t, rt, "ann")
		if keys := left(t, s, "ann"); len(keys) > 0 {
			t.Errorf("fault %d: left behind: %v", kind, keys)
		}
	}
}

// A group may delete.
func TestDeleteInAGroup(t *testing.T) {
	t.Parallel()
	s, n := checked(t, memory.Config{Partitions: 4}), newInn()
	rt := start(t, n.world, s)
	err := errors.Join(n.run(t, rt, n.in, "ann", "a"), n.run(t, rt, n.in, "bob", "b"),
		talix.Group(rt.Context(t.Context()), talix.Do(n.out, "ann", "x"), talix.Do(n.put, "p", coins{1}), talix.Do(n.out, "bob", "y")))
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"ann", "bob"} {
		n.refuses(t, rt, id)
		if keys := left(t, s, id); len(keys) > 0 {
			t.Errorf("left behind: %v", keys)
		}
	}
}

// Rows by an entity's id go away with it, in views that know its last event and
// in those that don't, live and when they are made anew; the others stay.
func TestRowsOfADeletedEntity(t *testing.T) {
	t.Parallel()
	s, n := checked(t, memory.Config{Partitions: 1}), newInn()
	n.extra = append(n.extra, n.views...)
	db := tables(t)
	rt := start(t, n.world, s, func(c *runtime.Config) { c.Tables = db })
	err := errors.Join(n.run(t, rt, n.in, "ann", "a"), n.run(t, rt, n.in, "bob", "b"), n.run(t, rt, n.out, "ann", "tired"))
	if err != nil {
		t.Fatal(err)
	}
	n.shows(t, rt)
	for _, view := range []string{"lodgers", "lodgers_ever", "lodger_notes"} {
		for d, err := range rt.Views().Verify(t.Context(), view) {
			t.Errorf("view %s: %+v, %v", view, d, err)
		}
		if err := rt.Views().Rebuild(t.Context(), view); err != nil {
			t.Fatal(err)
		}
		statusOf(t, rt, view, func(s runtime.ViewStatus) bool { return s.Rebuild == nil })
	}
	n.shows(t, rt)
	rt.Stop()
	fresh := tables(t)
	n.shows(t, start(t, n.world, s, func(c *runtime.Config) { c.Tables = fresh }))
	select {
	case id := <-n.ends:
		if id != "ann" {
			t.Errorf("actions saw the end of %s", id)
		}
	case <-time.After(time.Minute):
		t.Error("no action saw the end")
	}
}

func (n *inn) shows(t *testing.T, rt *runtime.Runtime) {
	t.Helper()
	// What was written by this very call is seen by what it asks for.
	ctx := rt.Context(t.Context())
	if _, err := talix.Run(ctx, n.put, "p", coins{1}); err != nil {
		t.Fatal(err)
	}
	for q, want := range map[*talix.Query[struct{}, talix.Page[lodgerRow]]]string{
		n.rows: "[{bob b }]",
		n.kept: "[{ann nobody tired} {bob b }]",
	} {
		page, err := talix.Ask(ctx, q, struct{}{})
		if err != nil || fmt.Sprint(page.Items) != want {
			t.Errorf("rows %v, %v, want %s", page.Items, err, want)
		}
	}
	if v, err := n.notes.Get(ctx, "bob"); err != nil || v != 1 {
		t.Errorf("the fold of bob is %d, %v", v, err)
	}
	if _, err := n.notes.Get(ctx, "ann"); !errors.Is(err, talix.ErrNotFound) {
		t.Errorf("the fold of ann: %v", err)
	}
}

// An entity that a timer deletes, while it runs, leaves nothing of the timer.
func TestExpiry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, s := newWorld(), checked(t, memory.Config{})
		expire := talix.NewTimer[struct{}]("expire")
		open := talix.NewCommand(w.purses, "open", func(c talix.CommandContext[Purse], _ struct{}) (struct{}, error) {
			c.Emit(Put{1})
			talix.Schedule(c, expire, "", c.Time().Add(time.Hour), struct{}{})
			return struct{}{}, nil
		})
		drop := talix.NewCommand(w.purses, "drop", func(c talix.CommandContext[Purse], _ struct{}) (struct{}, error) {
			c.Delete(Taken{c.State().Coins})
			return struct{}{}, nil
		})
		fired := 0
		w.extra = talix.Components{open, drop, talix.OnTimer(expire, func(ctx talix.ActionContext, f talix.Fired[struct{}]) error {
			fired++
			_, err := talix.Run(ctx, drop, f.EntityID, struct{}{})
			return err
		})}
		rt := start(t, w, s)
		if _, err := talix.Run(rt.Context(t.Context()), open, "pouch", struct{}{}); err != nil {
			t.Fatal(err)
		}
		rt.Stop()
		time.Sleep(2 * time.Hour) // it is due while nothing runs
		rt = start(t, w, s)
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if _, err := talix.Run(rt.Context(t.Context()), w.put, "pouch", coins{1}); !errors.Is(err, talix.ErrGone) {
			t.Errorf("after it expired: %v", err)
		}
		if keys := left(t, s, "pouch"); fired != 1 || len(keys) > 0 {
			t.Errorf("it fired %d times, left behind: %v", fired, keys)
		}
		rt.Stop()
	})
}
