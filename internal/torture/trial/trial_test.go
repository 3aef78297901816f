package trial_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/talix-dev/talix/internal/database"
	"github.com/talix-dev/talix/internal/proctest"
	"github.com/talix-dev/talix/internal/torture/mutation"
	"github.com/talix-dev/talix/internal/torture/trial"
)

func full() bool { return os.Getenv("TALIX_TEST_FULL") == "1" }

// run tortures a cluster; how long it paused is in the log of the test, and
// nothing more is asked of it than to be right.
func run(t *testing.T, cfg trial.Config) *trial.Report {
	t.Helper()
	proctest.Require(t)
	cfg.Log = t.Logf
	report, err := trial.Run(t.Context(), cfg)
	if errors.Is(err, database.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	report.Write(&text)
	t.Log(text.String())
	return report
}

// Two nodes lose no acknowledged command, do none twice and tell nothing wrong,
// whatever becomes of them, of their database and of what lies between. In full,
// three nodes suffer every fault.
func TestTorture(t *testing.T) {
	t.Parallel()
	cfg := trial.Config{Nodes: 2, Time: 20 * time.Second, Seed: 13, Faults: []string{"kill", "stop", "holddb", "reset", "cutpeer", "roll"}}
	if full() {
		cfg = trial.Config{Nodes: 3, Time: 10 * time.Minute, Seed: uint64(time.Now().Unix())}
	}
	if report := run(t, cfg); len(report.Problems) > 0 {
		t.Errorf("what clients saw and what nodes wrote is in %s", report.Dir)
	}
}

// What a torture looks for it finds: nodes with one line turned do not pass. A
// fault has to meet a request at the right moment, so there are several tries.
func TestMutationsAreFound(t *testing.T) {
	t.Parallel()
	if !full() {
		t.Skip("takes minutes: set TALIX_TEST_FULL=1")
	}
	for _, m := range mutation.All() {
		found := false
		for seed := uint64(1); seed <= 4 && !found; seed++ {
			report := run(t, trial.Config{Nodes: 3, Time: 30 * time.Second, Seed: seed, Faults: m.Faults, Mutation: m.Name})
			found = len(report.Problems) > 0
		}
		if !found {
			t.Errorf("it goes unnoticed that this does not hold: %s", m.Turns)
		}
	}
}
