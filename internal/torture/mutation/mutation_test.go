package mutation_test

import (
	"slices"
	"testing"

	"github.com/talix-dev/talix/internal/process"
	"github.com/talix-dev/talix/internal/torture/fault"
	"github.com/talix-dev/talix/internal/torture/mutation"
)

// The lines that mutations turn are there, and so are the faults that they name.
func TestMutationsAreUpToDate(t *testing.T) {
	t.Parallel()
	root, err := process.Root()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mutation.All() {
		if overlay, err := m.Overlay(root); err != nil || len(overlay) != 1 {
			t.Errorf("%s: %d files, %v", m.Name, len(overlay), err)
		}
		if faults, _, err := fault.Named(m.Faults); err != nil || len(faults) == 0 {
			t.Errorf("%s: %v", m.Name, err)
		}
	}
	if _, err := mutation.Named("none"); err == nil || slices.Contains(mutation.Names(), "none") {
		t.Error("there is a mutation that is none")
	}
}
