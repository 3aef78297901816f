package runtime_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/store/memory"
	keysmemory "github.com/talix-dev/talix/vault/memory"
)

// A name may have slashes; its set has nothing to do with one whose name ends at
// a slash, whatever its values are.
func TestUniqueNamesWithSlashes(t *testing.T) {
	t.Parallel()
	m := newMembers()
	outer, inner := talix.NewUnique("emails/work", strings.TrimSpace), talix.NewUnique("emails/work/old", strings.TrimSpace)
	reserve := func(name string, u *talix.Unique[string]) *talix.Command[string, string] {
		return talix.NewCommand(m.purses, name, func(c talix.CommandContext[Purse], value string) (string, error) {
			return c.ID(), u.Reserve(c, value)
		})
	}
	inOuter, inInner := reserve("outer", outer), reserve("inner", inner)
	m.extra = append(m.extra, outer, inner, inOuter, inInner)
	rt := start(t, m.world, checked(t, memory.Config{}))
	ctx := rt.Context(t.Context())

	_, first := talix.Run(ctx, m.register, "ann", "work/old/x")
	_, second := talix.Run(ctx, inOuter, "bob", "old/x")
	_, third := talix.Run(ctx, inInner, "cyd", "x")
	_, escaped := talix.Run(ctx, inOuter, "dan", "old%2Fx")
	if err := errors.Join(first, second, third, escaped); err != nil {
		t.Fatal(err)
	}
	if h := m.holder(t, rt, "work/old/x"); h != "ann" {
		t.Errorf("emails work/old/x is held by %q", h)
	}
	for value, u := range map[string]*talix.Unique[string]{"old/x": outer, "x": inner} {
		want := map[*talix.Unique[string]]string{outer: "bob", inner: "cyd"}[u]
		if h, err := talix.Holder(ctx, u, value); err != nil || h.EntityID != want {
			t.Errorf("%s is held by %+v, %v; want %s", value, h, err, want)
		}
	}
	if _, err := talix.Run(ctx, inInner, "eve", "x"); !errors.Is(err, talix.ErrTaken) {
		t.Errorf("to take what is held got %v", err)
	}
}

// The form of a set is judged by its own values, not by those of a set whose
// name goes on behind a slash.
func TestUniqueKeepsItsFormBesideAnother(t *testing.T) {
	t.Parallel()
	m := newMembers()
	m.emails.Personal()
	s, keys := checked(t, memory.Config{}), keysmemory.New()
	other := talix.NewUnique("emails/work", strings.TrimSpace)
	reserve := talix.NewCommand(m.purses, "set", func(c talix.CommandContext[Purse], value string) (string, error) {
		return c.ID(), other.Reserve(c, value)
	})
	m.extra = append(m.extra, other, reserve)
	rt := start(t, m.world, s, under(keys))
	_, first := talix.Run(rt.Context(t.Context()), m.register, "ann", "a@x")
	_, second := talix.Run(rt.Context(t.Context()), reserve, "bob", "b@x")
	if err := errors.Join(first, second); err != nil {
		t.Fatal(err)
	}
	rt.Stop()
	m.extra = append(m.extra, m.purses)
	if err := m.refused(t, s, keys); err != nil {
		t.Errorf("it does not start again: %v", err)
	}
}
