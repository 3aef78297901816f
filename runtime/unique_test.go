package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

// Member is someone with an e-mail address, or several.
type Member struct{ Address string }

type AddressSet struct{ Address string }

func (e AddressSet) Apply(m *Member, _ talix.Meta) { m.Address = e.Address }

// members are definitions with unique values.
type members struct {
	*world
	emails   *talix.Unique[string]
	register *talix.Command[string, string]
	change   *talix.Command[string, string]
	leave    *talix.Command[struct{}, string]
	also     *talix.Command[[]string, []string]
}

func newMembers() *members {
	m := &members{world: newWorld(), emails: talix.NewUnique("emails", strings.ToLower)}
	entity := talix.NewEntity("member", talix.Event[AddressSet]("MEMBER:ADDRESS_SET"))
	m.register = talix.NewCommand(entity, "register", func(c talix.CommandContext[Member], address string) (string, error) {
		m.decided.Add(1)
		if err := m.emails.Reserve(c, address); err != nil {
			return "", err
		}
		c.Emit(AddressSet{address})
		return c.ID(), nil
	})
	m.change = talix.NewCommand(entity, "change", func(c talix.CommandContext[Member], address string) (string, error) {
		if err := m.emails.Move(c, c.State().Address, address); err != nil {
			return "", err
		}
		c.Emit(AddressSet{address})
		return c.ID(), nil
	})
	m.leave = talix.NewCommand(entity, "leave", func(c talix.CommandContext[Member], _ struct{}) (string, error) {
		c.Emit(AddressSet{})
		return c.ID(), talix.ReleaseAll(c)
	})
	// also reserves what is free, and goes on from what is not; it emits nothing.
	m.also = talix.NewCommand(entity, "also", func(c talix.CommandContext[Member], addresses []string) (got []string, err error) {
		for _, a := range addresses {
			switch err := m.emails.Reserve(c, a); {
			case err == nil:
				got = append(got, a)
			case !errors.Is(err, talix.ErrTaken):
				return nil, err
			}
		}
		return got, nil
	})
	m.extra = talix.Components{entity, m.emails, m.register, m.change, m.leave, m.also}
	return m
}

func (m *members) holder(t *testing.T, rt *runtime.Runtime, address string) string {
	t.Helper()
	h, err := talix.Holder(rt.Context(t.Context()), m.emails, address)
	if errors.Is(err, talix.ErrNotFound) {
		return ""
	}
	if err != nil || h.EntityType != "member" {
		t.Errorf("holder of %s: %+v, %v", address, h, err)
	}
	return h.EntityID
}

// keptIn counts the records of unique values in a store.
func keptIn(t *testing.T, s *memory.Store) (n int) {
	t.Helper()
	for p := range store.Partition(s.Partitions()) {
		for _, space := range []string{"unique", "held"} {
			found, err := s.Records(t.Context(), p, space, "", "", 1000)
			if err != nil {
				t.Fatal(err)
			}
			n += len(found)
		}
	}
	return n
}

// 64 clients register the same e-mail address, each as another member and in
// its own way to write it: one wins, all others are told that it is taken. It
// can be registered again once it was released.
func TestUniqueIsWonOnce(t *testing.T) {
	t.Parallel()
	for _, partitions := range []int{1, 4} {
		t.Run(fmt.Sprint(partitions, " partitions"), func(t *testing.T) {
			t.Parallel()
			s, m := checked(t, memory.Config{Partitions: partitions}), newMembers()
			runtimes := []*runtime.Runtime{start(t, m.world, s), start(t, m.world, s)} // which know nothing of each other
			for round := range 5 {
				var winner atomic.Pointer[string]
				var all sync.WaitGroup
				for i := range 64 {
					all.Go(func() {
						address := "A@example.org"
						if i%2 == 0 {
							address = strings.ToLower(address)
						}
						id, err := talix.Run(runtimes[i%2].Context(t.Context()), m.register, fmt.Sprint(round, "-member-", i), address)
						switch {
						case err == nil:
							if !winner.CompareAndSwap(nil, &id) {
								t.Errorf("%s has it, and %s too", id, *winner.Load())
							}
						case !errors.Is(err, talix.ErrTaken):
							t.Error(err)
						}
					})
				}
				all.Wait()
				if winner.Load() == nil {
					t.Fatal("no one won")
				}
				if h := m.holder(t, runtimes[0], "a@EXAMPLE.org"); h != *winner.Load() {
					t.Errorf("it is held by %q, and %s won", h, *winner.Load())
				}
				if n := keptIn(t, s); n != 2 {
					t.Errorf("%d records are kept", n)
				}
				if _, err := talix.Run(runtimes[1].Context(t.Context()), m.leave, *winner.Load(), struct{}{}); err != nil {
					t.Fatal(err)
				}
				if n := keptIn(t, s); n != 0 {
					t.Errorf("%d records are left behind", n)
				}
			}
		})
	}
}

func TestUniqueMoves(t *testing.T) {
	t.Parallel()
	s, m := checked(t, memory.Config{}), newMembers()
	rt := start(t, m.world, s)
	run := func(c *talix.Command[string, string], id, address string) error {
		_, err := talix.Run(rt.Context(t.Context()), c, id, address)
		return err
	}
	if err := errors.Join(run(m.register, "ann", "a@x"), run(m.register, "bob", "b@x")); err != nil {
		t.Fatal(err)
	}
	if err := run(m.register, "ann", "A@x"); err != nil {
		t.Errorf("to reserve it again got %v", err)
	}
	err := run(m.change, "ann", "b@x")
	if e, _ := errors.AsType[*talix.Error](err); !errors.Is(err, talix.ErrTaken) || e.Message != `emails "b@x" is taken` {
		t.Errorf("to move to what is taken got %v", err)
	}
	if h := m.holder(t, rt, "a@x"); h != "ann" {
		t.Errorf("after a move that failed it is held by %q", h)
	}
	if err := errors.Join(run(m.change, "ann", "A@X"), run(m.change, "ann", "c@x"), run(m.register, "cyd", "a@x")); err != nil {
		t.Error(err)
	}
	for address, want := range map[string]string{"a@x": "cyd", "b@x": "bob", "c@x": "ann", "d@x": ""} {
		if h := m.holder(t, rt, address); h != want {
			t.Errorf("%s is held by %q, want %q", address, h, want)
		}
	}
	got, err := talix.Run(rt.Context(t.Context()), m.also, "ann", []string{"a@x", "d@x", "d@X", "e@x"})
	if err != nil || fmt.Sprint(got) != "[d@x d@X e@x]" || m.holder(t, rt, "d@x") != "ann" {
		t.Errorf("a command that goes on got %v, %v", got, err)
	}
	if _, err := talix.Run(rt.Context(t.Context()), m.leave, "ann", struct{}{}); err != nil {
		t.Fatal(err)
	}
	if n := keptIn(t, s); n != 4 {
		t.Errorf("%d records are kept, want two for each of two members", n)
	}
	for _, bad := range []string{"", strings.Repeat("x", 257)} {
		if err := run(m.register, "dan", bad); !errors.Is(err, talix.ErrInvalid) {
			t.Errorf("a value of %d bytes got %v", len(bad), err)
		}
	}
}

// A value is reserved and released many times over by commands that do not wait
// for each other.
func TestUniqueOfABusyEntity(t *testing.T) {
	t.Parallel()
	s, m := checked(t, memory.Config{}), newMembers()
	rt := start(t, m.world, s)
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			var err error
			if i%2 == 0 {
				_, err = talix.Run(rt.Context(t.Context()), m.register, fmt.Sprint("m", i%4), "a@x")
			} else {
				_, err = talix.Run(rt.Context(t.Context()), m.leave, fmt.Sprint("m", (i-1)%4), struct{}{})
			}
			if err != nil && !errors.Is(err, talix.ErrTaken) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	h, n := m.holder(t, rt, "a@x"), keptIn(t, s)
	if (h == "") != (n == 0) || n > 2 {
		t.Errorf("it is held by %q, and %d records are kept", h, n)
	}
}

// Within a group, what another command of it does to a value counts as taken.
func TestUniqueInGroups(t *testing.T) {
	t.Parallel()
	s, m := checked(t, memory.Config{}), newMembers()
	rt := start(t, m.world, s)
	ctx := rt.Context(t.Context())
	err := talix.Group(ctx, talix.Do(m.register, "ann", "a@x"), talix.Do(m.register, "bob", "a@x"))
	if e, _ := errors.AsType[*talix.Error](err); !errors.Is(err, talix.ErrTaken) || e.Entity != "member/bob" {
		t.Errorf("both got %v", err)
	}
	if n := keptIn(t, s); n != 0 {
		t.Errorf("%d records are kept of it", n)
	}
	if err := talix.Group(ctx, talix.Do(m.register, "ann", "a@x"), talix.Do(m.register, "bob", "b@x"), talix.Do(m.put, "p", coins{1})); err != nil {
		t.Fatal(err)
	}
	for _, pair := range [][2]string{{"ann", "bob"}, {"bob", "ann"}} { // in either order
		address := m.holder(t, rt, "a@x")
		err := talix.Group(ctx, talix.Do(m.leave, pair[0], struct{}{}), talix.Do(m.change, pair[1], map[string]string{"ann": "b@x", "bob": "a@x"}[pair[1]]))
		if !errors.Is(err, talix.ErrTaken) {
			t.Errorf("a value that is released beside it got %v (held by %s)", err, address)
		}
	}
}

// What the store answered to an append that reserves is found out.
func TestUniqueUnderFaults(t *testing.T) {
	t.Parallel()
	for _, kind := range []memory.Kind{memory.UnknownWritten, memory.UnknownLate, memory.UnknownLost} {
		var once atomic.Bool
		s := checked(t, memory.Config{Fault: func(store.Partition, []store.Batch) memory.Fault {
			if once.CompareAndSwap(true, false) {
				return memory.Fault{Kind: kind}
			}
			return memory.Fault{}
		}})
		m := newMembers()
		rt := start(t, m.world, s)
		once.Store(true)
		if _, err := talix.Run(rt.Context(t.Context()), m.register, "ann", "a@x"); err != nil {
			t.Errorf("fault %d: %v", kind, err)
		}
		once.Store(true)
		if got, err := talix.Run(rt.Context(t.Context()), m.also, "ann", []string{"b@x"}); err != nil || len(got) != 1 {
			t.Errorf("fault %d, without events: %v, %v", kind, got, err)
		}
		if m.holder(t, rt, "a@x") != "ann" || m.holder(t, rt, "b@x") != "ann" || keptIn(t, s) != 4 {
			t.Errorf("fault %d: %d records are kept", kind, keptIn(t, s))
		}
	}
}

// A store of several partitions that cannot change them together is a fault at
// start.
func TestUniqueNeedsASpanner(t *testing.T) {
	t.Parallel()
	s := memory.New(memory.Config{})
	_, err := runtime.New(context.Background(), runtime.Config{Store: struct {
		store.Store
		store.Keeper
	}{s, s}, Parts: []talix.Part{newMembers().service()}})
	if err == nil || !strings.Contains(err.Error(), `unique "emails" needs`) {
		t.Errorf("it starts: %v", err)
	}
}
