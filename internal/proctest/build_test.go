package proctest_test

import (
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/talix-dev/talix/internal/proctest"
)

func TestBuildKeepsWhatIsUpToDate(t *testing.T) {
	t.Parallel()
	first := info(t, echo(t))
	if again := info(t, echo(t)); !os.SameFile(first, again) {
		t.Error("the same source was built twice")
	}
}

func info(t *testing.T, p *proctest.Program) os.FileInfo {
	t.Helper()
	i, err := os.Stat(p.Path)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func TestBuildFromManyGoroutines(t *testing.T) {
	t.Parallel()
	echo(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if log := failing(t, func(tb testing.TB) { proctest.Build(tb, "./internal/proctest/testdata/echo") }); log != "" {
				t.Error(log)
			}
		})
	}
	wg.Wait()
}

func TestBuildTellsWhatTheCompilerSays(t *testing.T) {
	t.Parallel()
	log := failing(t, func(tb testing.TB) { proctest.Build(tb, "./internal/proctest/testdata/nothing") })
	if !strings.Contains(log, "build ./internal/proctest/testdata/nothing: ") || !strings.Contains(log, "directory not found") {
		t.Errorf("log: %s", log)
	}
}
