package proctest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/talix-dev/talix/internal/proctest"
)

// ask returns the answer of a process, which is asked for at most 2 seconds.
func ask(ctx context.Context, url string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

func wantAnswer(t *testing.T, p *proctest.Process, want string) {
	t.Helper()
	if got, err := ask(t.Context(), p.URL()); err != nil || got != want {
		t.Fatalf("answer %q, %v; want %q", got, err, want)
	}
}

func wantNotes(t *testing.T, p *proctest.Process, want string) {
	t.Helper()
	notes, err := os.ReadFile(filepath.Join(p.Data(), "notes"))
	if got := strings.Join(strings.Fields(string(notes)), " "); err != nil || got != want {
		t.Fatalf("notes %q, %v; want %q", got, err, want)
	}
}

func TestKillAndRestartOnTheSameFolder(t *testing.T) {
	t.Parallel()
	p := echo(t).Start(t, proctest.Config{Env: []string{"ECHO_NAME=world"}})
	wantAnswer(t, p, "hello world")
	pid := p.PID()
	p.Kill()
	p.Kill()
	if _, err := ask(t.Context(), p.URL()); err == nil {
		t.Error("it answers after it was killed")
	}
	p.Restart()
	if p.PID() == pid {
		t.Error("the process id is still the old one")
	}
	wantAnswer(t, p, "hello world")
	wantNotes(t, p, "started started")
}

func TestKillEndsNoOtherProcess(t *testing.T) {
	t.Parallel()
	prog := echo(t)
	one, two := prog.Start(t, proctest.Config{}), prog.Start(t, proctest.Config{})
	one.Kill()
	wantAnswer(t, two, "hello ")
}

func TestAddressesFromLogLines(t *testing.T) {
	t.Parallel()
	p := echo(t).Start(t, proctest.Config{Args: []string{"--slog"}})
	wantAnswer(t, p, "hello ")
	if p.AdminURL() == p.URL() || !strings.Contains(p.Output(), p.AdminURL()) {
		t.Errorf("admin %s, listen %s", p.AdminURL(), p.URL())
	}
}

func TestStartWaitsUntilReady(t *testing.T) {
	t.Parallel()
	p := echo(t).Start(t, proctest.Config{Args: []string{"--unready", "3"}})
	if _, err := ask(t.Context(), p.AdminURL()+"/readyz"); err != nil {
		t.Error(err)
	}
}

func TestProgramWithoutAdmin(t *testing.T) {
	t.Parallel()
	p := echo(t).Start(t, proctest.Config{NoAdmin: true})
	wantAnswer(t, p, "hello ")
	if p.AdminURL() != "" {
		t.Errorf("admin %s", p.AdminURL())
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	prog := echo(t)
	for name, c := range map[string]struct {
		config proctest.Config
		want   []string
	}{
		"exit":    {proctest.Config{Args: []string{"--fail", "no luck"}}, []string{"exited before it listened: exit status 3", "no luck"}},
		"silence": {proctest.Config{Args: []string{"--mute"}, Limit: 300 * time.Millisecond}, []string{"printed no line with the address"}},
		"unready": {
			proctest.Config{Args: []string{"--unready", "1000000"}, Limit: 300 * time.Millisecond},
			[]string{"/readyz answers 503", "listening on http://127.0.0.1:"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := failing(t, func(tb testing.TB) { prog.Start(tb, c.config) })
			for _, want := range append(c.want, "output of ") {
				if !strings.Contains(log, want) {
					t.Errorf("the log lacks %q:\n%s", want, log)
				}
			}
		})
	}
}

func TestRestartNeedsAnExit(t *testing.T) {
	t.Parallel()
	prog := echo(t)
	log := failing(t, func(tb testing.TB) { prog.Start(tb, proctest.Config{}).Restart() })
	if !strings.Contains(log, "still runs") {
		t.Errorf("log: %s", log)
	}
}

func TestProcessEndsWithItsTest(t *testing.T) {
	t.Parallel()
	prog := echo(t)
	var p *proctest.Process
	if log := failing(t, func(tb testing.TB) { p = prog.Start(tb, proctest.Config{}) }); log != "" {
		t.Fatal(log)
	}
	select {
	case <-p.Exited():
	default:
		t.Error("it outlives its test")
	}
}

func TestEventually(t *testing.T) {
	t.Parallel()
	tries := 0
	check := func() error {
		if tries++; tries < 5 {
			return fmt.Errorf("try %d", tries)
		}
		return nil
	}
	proctest.Eventually(t, time.Minute, check)
	log := failing(t, func(tb testing.TB) {
		proctest.Eventually(tb, 20*time.Millisecond, func() error { return fmt.Errorf("not yet") })
	})
	if !strings.Contains(log, "not within 20ms") || !strings.Contains(log, "not yet") {
		t.Errorf("log: %s", log)
	}
}
