package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/talix-dev/talix/internal/cli"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

// desk is where commands are run: stores by their places, and what they wrote.
type desk struct {
	stores   map[string]*memory.Store
	in       bytes.Buffer
	out, err bytes.Buffer
	opened   func() // when a store was opened
	now      atomic.Int64
}

// kept is a store that stays open when a command closes it.
type kept struct{ *memory.Store }

func (kept) Close() error { return nil }

func newDesk(places ...string) *desk {
	d := &desk{stores: map[string]*memory.Store{}}
	for i, place := range places {
		d.stores[place] = memory.New(memory.Config{Partitions: 1 + 2*i})
	}
	return d
}

func (d *desk) open(_ context.Context, place string, existing bool) (store.Store, error) {
	if d.opened != nil {
		d.opened()
	}
	if d.stores[place] == nil && existing {
		return nil, fmt.Errorf("open %s: %w", place, store.ErrMissing)
	}
	if d.stores[place] == nil {
		d.stores[place] = memory.New(memory.Config{})
	}
	return kept{d.stores[place]}, nil
}

// tick is a clock on which time passes.
func (d *desk) tick() time.Time { return time.Unix(1_700_000_000+4*d.now.Add(1), 0) }

// run runs a command, which must end with a code, and returns what it wrote.
func (d *desk) run(t *testing.T, want int, args ...string) (out, err string) {
	t.Helper()
	d.out.Reset()
	d.err.Reset()
	code := cli.Run(t.Context(), args, cli.Env{Stdin: &d.in, Stdout: &d.out, Stderr: &d.err, Open: d.open, Now: d.tick})
	if code != want {
		t.Errorf("talix %v ended with %d, want %d: %s%s", args, code, want, &d.out, &d.err)
	}
	return d.out.String(), d.err.String()
}

// fill gives a store events of some entities.
func (d *desk) fill(t *testing.T, place string, n int) {
	t.Helper()
	s := d.stores[place]
	for i := range n {
		stream := store.Stream{Type: "account", ID: fmt.Sprint("a", i%5)}
		id := store.ID{1, byte(i), byte(i >> 8)}
		v := store.Version(i / 5)
		e := store.Event{ID: id, Stream: stream, Version: v + 1, Type: "E", Schema: 1, Time: time.Unix(int64(i), 0), Command: id, Correlation: id, Data: []byte(`{}`)}
		b := store.Batch{Appends: []store.Append{{Stream: stream, Expect: v, Events: []store.Event{e}}}}
		if o := s.Commit(t.Context(), store.PartitionOf(stream, s.Partitions()), []store.Batch{b})[0]; o.Status != store.Durable {
			t.Fatal(o.Err)
		}
	}
}

func TestExportImportVerify(t *testing.T) {
	t.Parallel()
	d := newDesk("a", "b")
	d.fill(t, "a", 100)
	file := filepath.Join(t.TempDir(), "events")
	if out, _ := d.run(t, cli.Done, "export", file, "--data", "a"); !strings.Contains(out, "100 events in "+file) {
		t.Error(out)
	}
	if _, err := d.run(t, cli.Failed, "export", "--data", "a", file); !strings.Contains(err, "--resume") {
		t.Error(err)
	}
	d.run(t, cli.Done, "export", "--data", "a", "--resume", file)
	d.run(t, cli.Different, "verify", "--from", "a", "--to", "b")
	if out, _ := d.run(t, cli.Done, "import", "--data", "b", "--json", file); !strings.Contains(out, `"added": 100`) {
		t.Error(out)
	}
	if out, _ := d.run(t, cli.Done, "verify", "--from", "a", "--to", "b"); !strings.Contains(out, "the same 100 events of 5 entities") {
		t.Error(out)
	}
}

func TestExportThroughAPipe(t *testing.T) {
	t.Parallel()
	d := newDesk("a")
	d.fill(t, "a", 100)
	out, _ := d.run(t, cli.Done, "export", "--data", "a", "--id", "a1", "--id", "a2", "--entity", "account", "--event", "E", "--from", "1970-01-01", "--until", "1970-01-01T00:00:50Z")
	if n := strings.Count(out, "\n"); n != 22 {
		t.Errorf("%d lines", n)
	}
	d.in.WriteString(out)
	if out, _ := d.run(t, cli.Done, "import", "--store", "new"); !strings.Contains(out, "20 events brought in, 0 were there") {
		t.Error(out)
	}
}

func TestCopyAndDoctor(t *testing.T) {
	t.Parallel()
	d := newDesk("a", "b")
	d.fill(t, "a", 100)
	if out, _ := d.run(t, cli.Done, "copy", "--from", "a", "--to", "b"); !strings.Contains(out, "100 events of 5 entities (100 new)") || !strings.Contains(out, "can be started on the copy") {
		t.Error(out)
	}
	if out, _ := d.run(t, cli.Done, "copy", "--from", "a", "--to", "b"); !strings.Contains(out, "100 events of 5 entities (0 new)") {
		t.Error(out)
	}
	left, _ := d.run(t, cli.Done, "verify", "--data", "a")
	if right, _ := d.run(t, cli.Done, "verify", "--data", "b"); left != right {
		t.Errorf("%s and %s", left, right)
	}
	out, _ := d.run(t, cli.Done, "doctor", "--data", "b", "--json")
	var found struct {
		Events     int64
		Partitions int
		Sound      bool
	}
	if err := json.Unmarshal([]byte(out), &found); err != nil || found.Events != 100 || found.Partitions != 3 || !found.Sound {
		t.Errorf("%s, %v", out, err)
	}
	if out, _ := d.run(t, cli.Done, "doctor", "--data", "b"); !strings.Contains(out, "events      100\n") || !strings.Contains(out, "it is sound") {
		t.Error(out)
	}
}

// What a copy cannot do is said once, and how to mend it.
func TestCopyToAnotherStoreIsTold(t *testing.T) {
	t.Parallel()
	d := newDesk("a", "b")
	d.fill(t, "a", 3)
	d.fill(t, "b", 3)
	if _, err := d.run(t, cli.Failed, "copy", "--from", "a", "--to", "b"); err != "talix copy: the store that is to be filled holds other data: name an empty one\n" {
		t.Error(err)
	}
}

// A folder is the same one under whatever name.
func TestCopyToItselfIsTold(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := newDesk(dir)
	if _, err := d.run(t, cli.Misused, "copy", "--from", dir, "--to", dir+"/../"+filepath.Base(dir)); !strings.Contains(err, "are the same store") {
		t.Error(err)
	}
}

// A difference is told as JSON too.
func TestDifferenceAsJSON(t *testing.T) {
	t.Parallel()
	d := newDesk("a", "b")
	d.fill(t, "a", 3)
	out, err := d.run(t, cli.Different, "verify", "--from", "a", "--to", "b", "--json")
	if !strings.Contains(out, `"entityId": "a0"`) || !strings.Contains(out, `"version": 1`) || !strings.Contains(err, "account/a0 differs at version 1") {
		t.Errorf("%s%s", out, err)
	}
}

func TestMisuseIsTold(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                     "Usage: talix <command>",
		"exprot":                               "there is no command",
		"export":                               "no store is named",
		"export --data a --store b":            "name one store",
		"export --data a --nope":               "nope",
		"export --data a --from yesterday":     "write a time",
		"export --data a x y":                  "name one file",
		"export --data a --resume":             "--resume needs a file",
		"export --data a --rate x":             "rate",
		"import":                               "no store is named",
		"copy --from a":                        "two stores are needed",
		"copy --from a --to b c":               "takes flags only",
		"copy --from a --to a":                 "are the same store",
		"copy --from a --to b --rate -1":       "write a number of events",
		"verify --from a":                      "two stores are needed",
		"verify":                               "no store is named",
		"doctor":                               "no store is named",
		"doctor --data a b":                    "takes flags only",
		"completion":                           "name a shell",
		"completion tcsh":                      "no script",
		"help nothing":                         "there is no command",
		"import --data a --max-line many file": "max-line",
	} {
		d := newDesk("a", "b")
		if _, err := d.run(t, cli.Misused, strings.Fields(text)...); !strings.Contains(err, want) {
			t.Errorf("%q: %s", text, err)
		}
	}
}

func TestMissingStoresAreNotMade(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"export --data x", "copy --from x --to y", "verify --from a --to x", "verify --data x", "doctor --data x", "import --data a none"} {
		d := newDesk("a")
		d.run(t, cli.Failed, strings.Fields(text)...)
		if len(d.stores) != 1 {
			t.Errorf("%q made a store", text)
		}
	}
}

// Every command and flag is explained.
func TestHelp(t *testing.T) {
	t.Parallel()
	d := newDesk()
	all, _ := d.run(t, cli.Done, "help")
	for _, name := range []string{
		"ls", "state", "events", "run", "query", "tail", "flow", "parked", "timers", "workflows", "views", "cluster", "bench",
		"export", "import", "copy", "verify", "doctor", "new", "completion",
	} {
		if !strings.Contains(all, "  "+name+" ") {
			t.Errorf("help does not name %s", name)
		}
		one, _ := d.run(t, cli.Done, name, "--help")
		if other, _ := d.run(t, cli.Done, "help", name); other != one || !strings.Contains(one, "Usage: talix "+name) || !strings.Contains(one, "--json") {
			t.Errorf("help of %s: %s", name, one)
		}
		for _, shell := range []string{"bash", "zsh", "fish"} {
			if script, _ := d.run(t, cli.Done, "completion", shell); !strings.Contains(script, name) || !strings.Contains(script, "quiet") {
				t.Errorf("%s does not complete %s", shell, name)
			}
		}
	}
}

// What is interrupted ends cleanly, and says how it is gone on with.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	d := newDesk("a")
	d.fill(t, "a", 100)
	file := filepath.Join(t.TempDir(), "events")
	ctx, cancel := context.WithCancel(t.Context())
	d.opened = cancel
	code := cli.Run(ctx, []string{"export", "--data", "a", file}, cli.Env{Stdout: &d.out, Stderr: &d.err, Open: d.open, Now: d.tick})
	if code != cli.Failed || !strings.Contains(d.err.String(), "interrupted; the same command goes on from here, with --resume") {
		t.Errorf("%d: %s", code, &d.err)
	}
	if text, err := os.ReadFile(file); err != nil || bytes.Contains(text, []byte(`"end"`)) {
		t.Errorf("%q, %v", text, err)
	}
	d.opened = nil
	d.run(t, cli.Done, "export", "--data", "a", "--resume", file)
}

// Where there is no terminal, lines tell how far it is now and then.
func TestProgressInLines(t *testing.T) {
	t.Parallel()
	d := newDesk("a", "b")
	d.fill(t, "a", 100)
	_, lines := d.run(t, cli.Done, "export", "--data", "a", "--rate", "400", filepath.Join(t.TempDir(), "f"))
	if lines != "" {
		t.Errorf("it told of %q at once", lines)
	}
	d.fill2(t, "a", 10_000)
	d.run(t, cli.Done, "copy", "--from", "a", "--to", "b", "--quiet")
	_, lines = d.run(t, cli.Done, "verify", "--from", "a", "--to", "b")
	if !strings.Contains(lines, "verify  [") || !strings.Contains(lines, "%") || !strings.Contains(lines, "/s") || strings.Contains(lines, "\r") {
		t.Errorf("%q", lines)
	}
	if _, lines = d.run(t, cli.Done, "verify", "--from", "a", "--to", "b", "--quiet"); lines != "" {
		t.Errorf("%q", lines)
	}
}

// fill2 adds events of one more entity.
func (d *desk) fill2(t *testing.T, place string, n int) {
	t.Helper()
	s, stream := d.stores[place], store.Stream{Type: "long", ID: "1"}
	a := store.Append{Stream: stream}
	for i := range n {
		a.Events = append(a.Events, store.Event{ID: store.ID{2, byte(i), byte(i >> 8)}, Stream: stream, Version: store.Version(i + 1), Type: "E", Schema: 1, Time: time.Unix(int64(i), 0)})
	}
	for v := 0; v < n; v += 100 {
		b := store.Batch{Appends: []store.Append{{Stream: stream, Expect: store.Version(v), Events: a.Events[v : v+100]}}}
		if o := s.Commit(t.Context(), store.PartitionOf(stream, s.Partitions()), []store.Batch{b})[0]; o.Status != store.Durable {
			t.Fatal(o.Err)
		}
	}
}
