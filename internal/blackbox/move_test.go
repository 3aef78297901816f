package blackbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/talix-dev/talix/internal/id"
	"github.com/talix-dev/talix/internal/proctest"
	"github.com/talix-dev/talix/internal/result"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/sqlite"
)

// talix is the command line tool.
type talix struct {
	*testing.T
	path string
}

func buildTalix(t *testing.T) talix {
	t.Helper()
	proctest.Require(t)
	return talix{t, proctest.Build(t, "./cmd/talix").Path}
}

// run runs a command to its end, and returns what it says.
func (x talix) run(want int, args ...string) string {
	x.Helper()
	began := time.Now()
	out, err := exec.CommandContext(x.Context(), x.path, args...).CombinedOutput()
	code := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	} else if err != nil {
		x.Fatal(err)
	}
	x.Logf("%s: %v\n%s", strings.Join(args[:1], " "), time.Since(began).Round(time.Millisecond), out)
	if code != want {
		x.Fatalf("talix %v ended with %d, want %d", args, code, want)
	}
	return string(out)
}

// killed runs a command that is killed on its way, some times.
func (x talix) killed(times int, most time.Duration, args ...string) {
	x.Helper()
	cut := 0
	for range times {
		cmd := exec.CommandContext(x.Context(), x.path, args...)
		if err := cmd.Start(); err != nil {
			x.Fatal(err)
		}
		<-time.After(most/8 + rand.N(most))
		if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			x.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			cut++
		}
	}
	x.Logf("%s: killed on its way %d times", args[0], cut)
	if cut == 0 {
		x.Errorf("%s was never killed on its way", args[0])
	}
}

// fillFolder makes a store with events of some entities.
func fillFolder(t *testing.T, dir string, events int) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	ids, versions, now := id.NewSource(time.Now), map[int]store.Version{}, time.Now()
	for n := 0; n < events; {
		var batches []store.Batch
		for ; len(batches) < 2000 && n < events; n++ {
			entity := rand.IntN(max(10, events/20))
			batches = append(batches, oneEvent(ids, entity, versions[entity], n, now.Add(time.Duration(n)*time.Millisecond)))
			versions[entity]++
		}
		for i, o := range s.Commit(context.Background(), 0, batches) {
			if o.Status != store.Durable {
				t.Fatalf("batch %d: %v, %v", i, o.Status, o.Err)
			}
		}
	}
	fillBeside(t, s, ids)
}

func oneEvent(ids *id.Source, entity int, version store.Version, n int, at time.Time) store.Batch {
	s := store.Stream{Type: "account", ID: fmt.Sprintf("acc-%d", entity)}
	e := store.Event{
		ID: ids.New(), Stream: s, Version: version + 1, Type: "ACCOUNTS:MONEY_DEPOSITED", Schema: 1, Time: at,
		Command: ids.New(), Correlation: ids.New(),
		Data: fmt.Appendf(nil, `{"amount":%d,"text":%q}`, n, strings.Repeat("x", 60+n%80)),
	}
	return store.Batch{Appends: []store.Append{{Stream: s, Expect: version, Events: []store.Event{e}}}, Key: e.Command, Fresh: n%10 != 0, Result: append(result.Begin(nil, s), "reply"...), Time: at}
}

// fillBeside adds what is not events: a mark in the middle, and some work.
func fillBeside(t *testing.T, s *sqlite.Store, ids *id.Source) {
	t.Helper()
	head, err := s.Head(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	b := store.Batch{Marks: []store.Mark{{Consumer: "action/mail", To: head / 2}, {Consumer: "action/done", To: head}}}
	for n := range 500 {
		b.Records = append(b.Records, store.Change{Record: store.Record{
			Space: "work", Key: fmt.Sprintf("workflow/order/o-%d", n), Rev: ids.New(), Due: time.Now().Add(time.Hour), Data: []byte(`{"kind":"workflow"}`),
		}})
	}
	if o := s.Commit(t.Context(), 0, []store.Batch{b})[0]; o.Status != store.Durable {
		t.Fatal(o.Err)
	}
}

// targets are where to move a folder to.
func targets(t *testing.T) map[string]string {
	t.Helper()
	to := map[string]string{"folder": filepath.Join(t.TempDir(), "copy")}
	if os.Getenv("TALIX_TEST_POSTGRES") != "" {
		to["postgres"] = onPostgres(t)[1]
	}
	return to
}

// An export and an import, each killed on its way again and again, and gone on
// with: the stores are equal.
func TestExportAndImportSurviveKill(t *testing.T) {
	t.Parallel()
	x, events := buildTalix(t), size(10_000, 1_000_000)
	dir := t.TempDir()
	from, to, file := filepath.Join(dir, "from"), filepath.Join(dir, "to"), filepath.Join(dir, "events.ndjson")
	fillFolder(t, from, events)
	most := time.Duration(size(600, 6000)) * time.Millisecond
	slow := fmt.Sprintf("--rate=%d", size(10_000, 0))
	x.killed(4, most, "export", "--data", from, "--resume", slow, file)
	x.run(0, "export", "--data", from, "--resume", file)
	x.killed(4, 2*most, "import", "--data", to, slow, file)
	if out := x.run(0, "import", "--data", to, "--json", file); strings.Contains(out, fmt.Sprintf(`"added": %d`, events)) {
		t.Logf("no import had begun before it was killed, as on slow machines: %s", out)
	}
	x.run(0, "verify", "--from", from, "--to", to)
	x.run(0, "doctor", "--data", to)
}

// A copy that is killed on its way again and again, and gone on with, is equal
// to the store that it is of, and holds all that is kept beside the events.
func TestCopySurvivesKill(t *testing.T) {
	t.Parallel()
	x, events := buildTalix(t), size(10_000, 1_000_000)
	from := filepath.Join(t.TempDir(), "from")
	fillFolder(t, from, events)
	for name, to := range targets(t) {
		t.Run(name, func(t *testing.T) {
			x := talix{t, x.path}
			x.killed(4, time.Duration(size(600, 12_000))*time.Millisecond, "copy", "--from", from, "--to", to, fmt.Sprintf("--rate=%d", size(10_000, 0)))
			flag := "--data"
			if name == "postgres" {
				flag = "--store"
			}
			x.run(0, "copy", "--from", from, "--to", to)
			x.run(0, "verify", "--from", from, "--to", to)
			x.wantBeside(x.run(0, "doctor", "--json", "--quiet", flag, to), int64(events))
		})
	}
}

func (x talix) wantBeside(text string, events int64) {
	x.Helper()
	var found struct {
		Events, Results, Consumers int64
		Spaces                     []struct {
			Name    string
			Records int64
		}
	}
	if err := json.Unmarshal([]byte(text), &found); err != nil {
		x.Fatal(err)
	}
	if found.Events != events || found.Results != events/10 || found.Consumers != 2 || len(found.Spaces) != 1 || found.Spaces[0].Records != 500 {
		x.Errorf("the copy holds %+v", found)
	}
}

// What differs is named, and told by the code.
func TestVerifyTellsByItsCode(t *testing.T) {
	t.Parallel()
	x := buildTalix(t)
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	fillFolder(t, a, 20)
	fillFolder(t, b, 20)
	if out := x.run(3, "verify", "--from", a, "--to", b); !strings.Contains(out, "account/acc-") || !strings.Contains(out, "at version 1") {
		t.Error(out)
	}
	x.run(1, "copy", "--from", a, "--to", b)
	x.run(1, "verify", "--from", a, "--to", filepath.Join(dir, "none"))
	x.run(2, "verify", "--from", a)
}

// While a program works on a folder, nothing is moved, and the program is named.
func TestTalixLeavesServedFoldersAlone(t *testing.T) {
	t.Parallel()
	x := buildTalix(t)
	p := proctest.Build(t, "./examples/bank").Start(t, proctest.Config{Data: t.TempDir()})
	out := x.run(1, "doctor", "--data", p.Data())
	if !strings.Contains(out, fmt.Sprintf("pid %d", p.PID())) {
		t.Error(out)
	}
	stop(p)
	x.run(0, "doctor", "--data", p.Data())
}
