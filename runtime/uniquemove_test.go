package runtime_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/internal/id"
	mover "github.com/talix-dev/talix/internal/move"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store/memory"
	"github.com/talix-dev/talix/vault"
	keysmemory "github.com/talix-dev/talix/vault/memory"
)

// Unique values are held on a copy by whom they were held before, whatever the
// partitions of both, also where some were released between two copies.
func TestUniqueIsMoved(t *testing.T) {
	t.Parallel()
	for _, n := range [][2]int{{1, 7}, {7, 1}, {4, 5}} {
		for name, keys := range map[string]vault.Vault{"clear": nil, "personal": keysmemory.New()} {
			t.Run(fmt.Sprint(n, " ", name), func(t *testing.T) {
				t.Parallel()
				source, target := checked(t, memory.Config{Partitions: n[0]}), checked(t, memory.Config{Partitions: n[1]})
				m := newMembers()
				if keys != nil {
					m.emails.Personal()
				}
				m.fill(t, source, keys)
				copied(t, source, target)
				m.releaseSome(t, source, keys)
				copied(t, source, target)
				m.checkMoved(t, start(t, m.world, target, under(keys)))
				if left := keptIn(t, target); left != 0 {
					t.Errorf("%d records are left", left)
				}
			})
		}
	}
}

func copied(t *testing.T, from, to mover.Store) {
	t.Helper()
	if _, err := mover.Copy(t.Context(), mover.CopyConfig{From: from, To: to, IDs: id.NewSource(time.Now)}); err != nil {
		t.Fatal(err)
	}
}

const members20 = 20

func (m *members) each(t *testing.T, rt *runtime.Runtime, do func(ctx talix.ActionContext, i int) error) {
	t.Helper()
	for i := range members20 {
		if err := do(rt.Context(t.Context()), i); err != nil {
			t.Errorf("member %d: %v", i, err)
		}
	}
}

func (m *members) fill(t *testing.T, s *memory.Store, keys vault.Vault) {
	t.Helper()
	rt := start(t, m.world, s, under(keys))
	defer rt.Stop()
	m.each(t, rt, func(ctx talix.ActionContext, i int) error {
		_, err := talix.Run(ctx, m.register, fmt.Sprint("m", i), fmt.Sprint("a/", i))
		return err
	})
}

// releaseSome has some leave, and others take what they had.
func (m *members) releaseSome(t *testing.T, s *memory.Store, keys vault.Vault) {
	t.Helper()
	rt := start(t, m.world, s, under(keys))
	defer rt.Stop()
	m.each(t, rt, func(ctx talix.ActionContext, i int) error {
		if i%2 == 0 {
			return nil
		}
		_, err := talix.Run(ctx, m.leave, fmt.Sprint("m", i), struct{}{})
		if err == nil && i%4 == 1 {
			_, err = talix.Run(ctx, m.register, fmt.Sprint("n", i), fmt.Sprint("a/", i))
		}
		return err
	})
}

// checkMoved has everyone leave after it.
func (m *members) checkMoved(t *testing.T, rt *runtime.Runtime) {
	t.Helper()
	m.each(t, rt, func(ctx talix.ActionContext, i int) error {
		want := map[int]string{0: "m", 1: "n", 2: "m"}[i%4]
		if want != "" {
			want += fmt.Sprint(i)
		}
		if h := m.holder(t, rt, fmt.Sprint("a/", i)); h != want {
			t.Errorf("value %d is held by %q, want %q", i, h, want)
		}
		if want == "" {
			return nil
		}
		if _, err := talix.Run(ctx, m.register, "other", fmt.Sprint("a/", i)); !errors.Is(err, talix.ErrTaken) {
			t.Errorf("value %d can be had by another one: %v", i, err)
		}
		_, err := talix.Run(ctx, m.leave, want, struct{}{})
		return err
	})
}
