package seal_test

import (
	"context"
	"testing"
	"time"

	"github.com/talix-dev/talix/internal/seal"
	"github.com/talix-dev/talix/vault/memory"
)

// fixture is a Box over a vault in memory.
type fixture struct {
	*testing.T
	vault *memory.Vault
	box   *seal.Box
}

func setUp(t *testing.T) *fixture {
	t.Helper()
	v := memory.New()
	return &fixture{t, v, seal.New(v, 0)}
}

func plan[T any](t testing.TB) *seal.Plan {
	t.Helper()
	return planIn(t, seal.PlanOf, *new(T))
}

func (f *fixture) seal(p *seal.Plan, data, of string) string {
	f.Helper()
	out, err := f.box.Seal(f.Context(), seal.Doc{Data: []byte(data), Plan: p, Of: of, Bound: "here"})
	if err != nil {
		f.Fatal(err)
	}
	return string(out)
}

func (f *fixture) open(data string) string {
	f.Helper()
	out, err := f.box.Open(f.Context(), []byte(data), "here")
	if err != nil {
		f.Fatal(err)
	}
	return string(out)
}

// erase does as the runtime does.
func (f *fixture) erase(subject string) {
	f.Helper()
	name := f.box.Name(subject)
	if err := f.vault.Erase(context.Background(), name, time.Now()); err != nil {
		f.Fatal(err)
	}
	f.box.Forget(name)
}
