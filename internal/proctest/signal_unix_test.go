//go:build unix

package proctest_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/talix-dev/talix/internal/proctest"
)

func TestStopLetsTheProgramFinish(t *testing.T) {
	t.Parallel()
	p := echo(t).Start(t, proctest.Config{})
	p.Stop()
	wantNotes(t, p, "started stopped")
	p.Restart()
	wantAnswer(t, p, "hello ")
	wantNotes(t, p, "started stopped started")
}

func TestStopFailures(t *testing.T) {
	t.Parallel()
	prog := echo(t)
	log := failing(t, func(tb testing.TB) {
		prog.Start(tb, proctest.Config{Args: []string{"--status", "4"}}).Stop()
	})
	if !strings.Contains(log, "exit status 4") {
		t.Errorf("log: %s", log)
	}
	log = failing(t, func(tb testing.TB) {
		prog.Start(tb, proctest.Config{Args: []string{"--deaf"}, Limit: 2 * time.Second}).Stop()
	})
	if !strings.Contains(log, "did not exit within 2s of SIGTERM") || !strings.Contains(log, "main.wait") {
		t.Errorf("log: %s", log)
	}
}

func TestSuspendAndResume(t *testing.T) {
	t.Parallel()
	p := echo(t).Start(t, proctest.Config{})
	p.Suspend()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if got, err := ask(ctx, p.URL()); err == nil {
		t.Errorf("it answers %q while it is suspended", got)
	}
	p.Resume()
	wantAnswer(t, p, "hello ")
}
