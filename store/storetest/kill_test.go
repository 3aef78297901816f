package storetest_test

import (
	"strings"
	"testing"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/storetest"
)

func TestKill(t *testing.T) {
	t.Parallel()
	storetest.Kill(t, sound())
}

func TestKillFindsFaults(t *testing.T) {
	t.Parallel()
	long(t)
	tests := map[string]struct {
		faults faults
		says   string
	}{
		"acknowledged too early": {faults{late: true}, "the acknowledged batch"},
		"half a batch":           {faults{halves: true}, "events"},
		"marks apart":            {faults{marksApart: true}, "the mark that counts them"},
		"records apart":          {faults{recordsApart: true}, "the records of"},
		"results forgotten":      {faults{noResults: true}, "has the result"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			open := func(dir string) (store.Store, error) { return openJournal(dir, test.faults) }
			r := record(t, func(tb testing.TB) { storetest.KillAs(tb, t.Name(), open) })
			if !r.failed || !strings.Contains(r.words(), test.says) {
				t.Errorf("Kill did not see it; it said: %s", r.words())
			}
		})
	}
}
