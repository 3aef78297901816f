package runtime_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
	"github.com/talix-dev/talix/vault"
	keysmemory "github.com/talix-dev/talix/vault/memory"
)

// under has a runtime use keys.
func under(keys vault.Vault) func(*runtime.Config) {
	return func(c *runtime.Config) { c.Keys = keys }
}

// Personal values are unique as others are, and stand nowhere.
func TestPersonalUniqueIsNotStored(t *testing.T) {
	t.Parallel()
	for _, partitions := range []int{1, 4} {
		s, m, keys := checked(t, memory.Config{Partitions: partitions}), newMembers(), keysmemory.New()
		m.emails.Personal()
		runtimes := []*runtime.Runtime{start(t, m.world, s, under(keys)), start(t, m.world, s, under(keys))}
		run := func(i int, c *talix.Command[string, string], id, address string) error {
			_, err := talix.Run(runtimes[i].Context(t.Context()), c, id, address)
			return err
		}
		if err := run(0, m.register, "ann", "Ann@example.org"); err != nil {
			t.Fatal(err)
		}
		err := run(1, m.register, "eve", "ann@EXAMPLE.org")
		if !errors.Is(err, talix.ErrTaken) || strings.Contains(strings.ToLower(err.Error()), "ann@") {
			t.Errorf("another one got %v", err)
		}
		if h := m.holder(t, runtimes[1], "ANN@example.org"); h != "ann" {
			t.Errorf("held by %q", h)
		}
		if err := errors.Join(run(1, m.change, "ann", "anna@example.org"), run(0, m.register, "eve", "ann@example.org")); err != nil {
			t.Errorf("after a move: %v", err)
		}
		for p := range store.Partition(partitions) {
			for _, space := range []string{"unique", "held"} {
				found, err := s.Records(t.Context(), p, space, "", "", 100)
				if err != nil || strings.Contains(strings.ToLower(fmt.Sprintf("%s", found)), "ann@") || strings.Contains(fmt.Sprintf("%s", found), "anna@") {
					t.Errorf("%s, %v", found, err)
				}
			}
		}
		if _, err := talix.Run(runtimes[0].Context(t.Context()), m.leave, "ann", struct{}{}); err != nil {
			t.Error(err)
		}
		if h := m.holder(t, runtimes[0], "anna@example.org"); h != "" || keptIn(t, s) != 2 {
			t.Errorf("released, but held by %q; %d records", h, keptIn(t, s))
		}
	}
}

// A set that has values keeps its form, since they would be free in the other.
func TestUniqueKeepsItsForm(t *testing.T) {
	t.Parallel()
	for was, want := range map[bool]string{false: "cannot become personal", true: "call Personal"} {
		s, keys := checked(t, memory.Config{}), keysmemory.New()
		m, changed := newMembers(), newMembers()
		if was {
			m.emails.Personal()
		} else {
			changed.emails.Personal()
		}
		rt := start(t, m.world, s, under(keys))
		if _, err := talix.Run(rt.Context(t.Context()), m.register, "ann", "a@x"); err != nil {
			t.Fatal(err)
		}
		rt.Stop()
		if err := changed.refused(t, s, keys); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("personal before: %t; the runtime says %v", was, err)
		}
	}
	m := newMembers()
	m.emails.Personal()
	if err := m.refused(t, memory.New(memory.Config{}), nil); err == nil || !strings.Contains(err.Error(), "set Config.Keys") {
		t.Errorf("without keys the runtime says %v", err)
	}
}

// refused is why a runtime does not come to be.
func (m *members) refused(t *testing.T, s store.Store, keys vault.Vault) error {
	t.Helper()
	rt, err := runtime.New(t.Context(), runtime.Config{
		Store: s, Keys: keys, Log: slog.New(slog.DiscardHandler),
		Parts: []talix.Part{talix.Service{Name: "club", Components: m.extra}},
	})
	if err == nil {
		rt.Stop()
	}
	return err
}
