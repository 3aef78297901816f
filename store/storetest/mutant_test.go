package storetest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
	"github.com/talix-dev/talix/store/storetest"
)

// mutant is a store with one fault, and the cases that must see it.
type mutant struct {
	name string
	make func(s store.Store) store.Store
	seen []string
}

func mutants() []mutant {
	return slices.Concat(commitMutants(), keyMutants(), loadMutants(), logMutants(), lossyMutants(), recordMutants(), listMutants(), backMutants(), walkMutants(), closeMutants(), spanMutants())
}

// TestMutantsAreSeen proves that the suite can fail: each case at least once.
func TestMutantsAreSeen(t *testing.T) {
	t.Parallel()
	unproved := storetest.Cases()
	for _, m := range mutants() {
		for _, name := range m.seen {
			if !slices.Contains(storetest.Cases(), name) {
				t.Errorf("mutant %q: there is no case %q", m.name, name)
			}
			unproved = slices.DeleteFunc(unproved, func(s string) bool { return s == name })
		}
		t.Run(m.name, func(t *testing.T) { t.Parallel(); m.test(t) })
	}
	for _, m := range reopenMutants() {
		unproved = slices.DeleteFunc(unproved, func(s string) bool { return slices.Contains(m.seen, s) })
	}
	for _, m := range leaseMutants() {
		unproved = slices.DeleteFunc(unproved, func(s string) bool { return slices.Contains(m.seen, s) })
	}
	if len(unproved) > 0 {
		t.Errorf("no mutant shows that these cases can fail: %s", strings.Join(unproved, ", "))
	}
}

func (m mutant) test(t *testing.T) {
	for _, name := range m.seen {
		r := record(t, func(tb testing.TB) {
			storetest.Play(tb, name, shared(m.make), storetest.Features{Shared: true, Partitions: 4})
		})
		if !r.failed {
			t.Errorf("%s did not see it (skipped: %t)", name, r.skipped)
		}
		t.Logf("%s: %.200s", name, r.words())
	}
}

// shared opens stores in memory, one for each dir, however often it is opened.
func shared(wrap func(store.Store) store.Store) func(dir string) (store.Store, error) {
	stores := map[string]store.Store{}
	return func(dir string) (store.Store, error) {
		if stores[dir] == nil {
			s := memory.New(memory.Config{})
			stores[dir] = keeping(wrap(s), s)
		}
		return stores[dir], nil
	}
}

// keeping gives a store the records of another one, unless it has its own.
func keeping(s store.Store, k store.Keeper) store.Store {
	if _, keeps := s.(store.Keeper); keeps {
		return s
	}
	return struct {
		store.Store
		store.Keeper
	}{s, k}
}

func TestSharedStorePasses(t *testing.T) {
	t.Parallel()
	for _, name := range storetest.Cases() {
		if strings.HasPrefix(name, "Shared") {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				open := shared(func(s store.Store) store.Store { return s })
				storetest.Play(t, name, open, storetest.Features{Shared: true})
			})
		}
	}
}

type reopenMutant struct {
	name   string
	faults faults
	seen   []string
}

func reopenMutants() []reopenMutant {
	return []reopenMutant{
		{"new identity", faults{newIdentity: true}, []string{"ReopenedStoreIsTheSame"}},
		{"no results", faults{noResults: true}, []string{"ReopenedStoreKeepsResults", "RandomCallsMatchTheModel"}},
		{"no marks", faults{noMarks: true}, []string{"ReopenedStoreKeepsMarks"}},
		{"no records", faults{noRecords: true}, []string{"ReopenedStoreKeepsRecords"}},
		{"no trims", faults{noTrims: true}, []string{"ReopenedStoreKeepsTrims"}},
		{"last lost", faults{lastLost: true}, []string{"ReopenedStoreKeepsEvents", "ReopenedStoreGoesOn", "CloseWaitsForCalls"}},
	}
}

func TestReopenMutantsAreSeen(t *testing.T) {
	t.Parallel()
	for _, m := range reopenMutants() {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			open := func(dir string) (store.Store, error) { return openJournal(dir, m.faults) }
			for _, name := range m.seen {
				r := record(t, func(tb testing.TB) {
					storetest.Play(tb, name, open, storetest.Features{Durable: true})
				})
				if !r.failed {
					t.Errorf("%s did not see it (skipped: %t)", name, r.skipped)
				}
			}
		})
	}
}
