package cli_test

import (
	"bytes"
	"errors"
	"flag"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/console"
	"github.com/talix-dev/talix/console/meter"
	"github.com/talix-dev/talix/examples/bank/account"
	"github.com/talix-dev/talix/internal/cli"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store/memory"
	"github.com/talix-dev/talix/store/sqlite"
	"github.com/talix-dev/talix/vault"
)

var update = flag.Bool("update", false, "rewrite golden files")

// site is a program with a console that commands ask.
type site struct {
	*testing.T
	rt     *runtime.Runtime
	server *httptest.Server
	env    map[string]string
	in     bytes.Buffer
	broken *atomic.Bool // the action "notify" fails
	bad    *atomic.Bool // the view "totals" fails at withdrawals
}

// Tally is a row of a view that can fail.
type Tally struct {
	ID string
	N  int64
}

var (
	proceed = talix.NewSignal[string]("proceed")
	wait    = talix.NewWorkflow("wait", func(ctx talix.ActionContext, _ struct{}) (string, error) {
		said, _ := talix.Await(ctx, proceed, time.Hour)
		return said, nil
	})
)

// odd is what the bank does not have.
func (s *site) odd() talix.Service {
	notify := talix.OnEvent("notify", func(ctx talix.ActionContext, e talix.Recorded[account.Withdrawn]) error {
		if s.broken.Load() {
			return errors.New("the mail\nserver is away")
		}
		_, err := talix.Run(ctx, account.Deposit, "fees", account.Movement{Amount: 1})
		return err
	}, talix.Attempts(1))
	tallies := talix.NewTable("tallies", talix.When(func(r *Tally, _ talix.Recorded[account.Withdrawn]) {
		if s.bad.Load() {
			panic("a bug in the view")
		}
		r.N++
	}))
	nightly := talix.OnSchedule("nightly", "0 3 * * *", func(talix.ActionContext, time.Time) error { return nil })
	return talix.Service{Name: "mail", Components: talix.Components{notify, nightly, tallies, wait}}
}

func newSite(t *testing.T, change ...func(*console.Config)) *site {
	t.Helper()
	s := &site{T: t, broken: &atomic.Bool{}, bad: &atomic.Bool{}}
	s.open([]talix.Part{account.Service, s.odd()}, nil, change...)
	return s
}

// open starts a runtime of parts, and its console.
func (s *site) open(parts []talix.Part, keys vault.Vault, change ...func(*console.Config)) {
	t := s.T
	t.Helper()
	tables, err := sqlite.OpenTables(t.Context(), sqlite.TablesConfig{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tables.Close(); err != nil {
			t.Error(err)
		}
	})
	m := meter.New(meter.Config{})
	s.rt, err = runtime.New(t.Context(), runtime.Config{
		Store: memory.New(memory.Config{Partitions: 1}), Tables: tables, Log: slog.New(slog.DiscardHandler),
		Keys: keys, Parts: append(parts, talix.Use(m)),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.rt.Start()
	t.Cleanup(s.rt.Stop)
	cfg := console.Config{Runtime: s.rt, Meter: m, Log: slog.New(slog.DiscardHandler)}
	for _, c := range change {
		c(&cfg)
	}
	pages := console.New(cfg)
	s.server = httptest.NewServer(pages)
	t.Cleanup(s.server.Close)
	t.Cleanup(pages.Close)
	s.env = map[string]string{"TALIX_ADMIN": s.server.URL}
}

// run runs a command, which must end with a code, and returns what it wrote.
func (s *site) run(want int, args ...string) (out, err string) {
	s.Helper()
	code, out, err := s.try(args...)
	if code != want {
		s.Fatalf("talix %s ended with %d, want %d: %s%s", strings.Join(args, " "), code, want, out, err)
	}
	return out, err
}

// try runs a command, which may fail.
func (s *site) try(args ...string) (code int, out, err string) {
	var stdout, stderr bytes.Buffer
	code = cli.Run(s.Context(), args, cli.Env{
		Stdin: &s.in, Stdout: &stdout, Stderr: &stderr, Now: time.Now, Getenv: func(name string) string { return s.env[name] },
	})
	return code, stdout.String(), stderr.String()
}

// ok runs a command that has to do what it is asked for.
func (s *site) ok(line string, more ...string) string {
	s.Helper()
	out, _ := s.run(cli.Done, append(strings.Fields(line), more...)...)
	return out
}

// says runs a command that has to write some texts.
func (s *site) says(line string, wants ...string) {
	s.Helper()
	out := s.ok(line)
	for _, want := range wants {
		if !strings.Contains(out, want) {
			s.Errorf("talix %s does not say %q:\n%s", line, want, out)
		}
	}
}

// fails runs a command that has to fail, and say why.
func (s *site) fails(code int, line, want string) {
	s.Helper()
	if _, err := s.run(code, strings.Fields(line)...); !strings.Contains(err, want) {
		s.Errorf("talix %s does not say %q:\n%s", line, want, err)
	}
}

// golden compares what a command writes with a file. Times and ids are the same
// in each run, and as long as they were.
func (s *site) golden(name, line string, more ...string) {
	s.Helper()
	args := append(strings.Fields(line), more...)
	out, _ := s.run(cli.Done, args...)
	got := "$ talix " + strings.Join(args, " ") + "\n" + scrub(out)
	file := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			s.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		s.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		s.Errorf("%s; -update rewrites it\n%s", file, diff)
	}
}

func scrub(text string) string {
	for pattern, with := range map[string]string{
		`\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ`:           "2026-03-01 12:00:00Z",
		`\d{4}-\d\d-\d\dT[0-9:.]+Z`:                 "2026-03-01T12:00:00.123456Z",
		`"position": \d+`:                           `"position": 1`,
		`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`: "0190c1d2-0000-7000-8000-000000000000",
	} {
		text = regexp.MustCompile(pattern).ReplaceAllString(text, with)
	}
	return text
}

func (s *site) deposit(id string, amounts ...int64) {
	s.Helper()
	for _, n := range amounts {
		if _, err := talix.Run(s.rt.Context(s.Context()), account.Deposit, id, account.Movement{Amount: n}); err != nil {
			s.Fatal(err)
		}
	}
}

func (s *site) withdraw(id string, amount int64) {
	s.Helper()
	if _, err := talix.Run(s.rt.Context(s.Context()), account.Withdraw, id, account.Movement{Amount: amount}); err != nil {
		s.Fatal(err)
	}
}

// eventually runs a command until it says something.
func (s *site) eventually(line, want string) {
	s.Helper()
	for deadline := time.Now().Add(time.Minute); ; {
		_, out, err := s.try(strings.Fields(line)...)
		if strings.Contains(out, want) {
			return
		}
		if time.Now().After(deadline) {
			s.Fatalf("talix %s never says %q:\n%s%s", line, want, out, err)
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-s.Context().Done():
		}
	}
}
