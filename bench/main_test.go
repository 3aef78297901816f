package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// TestMain lets the test's own program play the servers and load generators
// that rows start.
func TestMain(m *testing.M) {
	if os.Getenv(roleVariable) != "" {
		os.Exit(start(context.Background()))
	}
	os.Exit(m.Run())
}

// The rows that start processes, wait for views or measure memory work; what
// they measure in so short a time is not looked at.
func TestQuick(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"one", "http-16", "visible", "cold", "idle"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out, progress bytes.Buffer
			args := []string{"-quick", "-row", name, "-dir", t.TempDir()}
			if code := command(t.Context(), args, &out, &progress); code != 0 {
				t.Fatalf("exit code %d\n%s", code, &progress)
			}
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			if len(lines) != 2 || !strings.HasPrefix(lines[1], name+" ") {
				t.Errorf("there is not one row:\n%s", &out)
			}
		})
	}
}

func TestMarkdown(t *testing.T) {
	t.Parallel()
	r := row{name: "n", what: "w", against: "b", unit: "/s", compare: ratio, goal: atLeast(0.5), first: atLeast(0.1)}
	got := table([]result{{row: r, ours: []float64{20, 30, 10}, base: []float64{100, 100, 100}, compared: []float64{0.2, 0.3, 0.1}}}, true)
	const want = "| w | b | 20.00 /s | 100 /s | 0.20 × (0.10–0.30) | ≥ 0.50 × | ≥ 0.10 × | first step |\n"
	if !strings.HasSuffix(got, "|\n"+want) {
		t.Errorf("got\n%swant its last line\n%s", got, want)
	}
}

// A missed first step is code 1; a missed goal, and a row without bounds, are
// not.
func TestVerdict(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		goal  bound
		first bound
		got   float64
		met   string
		code  int
	}{
		{"goal", atLeast(0.5), atLeast(0.1), 0.6, "goal", 0},
		{"first step", atLeast(0.5), atLeast(0.1), 0.1, "first step", 0},
		{"missed", atLeast(0.5), atLeast(0.1), 0.09, "NO", 1},
		{"latency", atMost(1.5), atMost(3), 3.1, "NO", 1},
		{"no first step", atMost(1.2), bound{}, 2, "not yet", 0},
	} {
		r := result{row: row{compare: ratio, goal: c.goal, first: c.first}, compared: []float64{c.got, c.got, 100 * c.got}}
		if got, code := r.met(), verdict([]result{r}); got != c.met || code != c.code {
			t.Errorf("%s: %q and code %d, want %q and %d", c.name, got, code, c.met, c.code)
		}
	}
}

func TestUnknownRow(t *testing.T) {
	t.Parallel()
	var out, progress bytes.Buffer
	if code := command(t.Context(), []string{"-row", "nothing"}, &out, &progress); code != 2 {
		t.Errorf("exit code %d, want 2", code)
	}
	if got := progress.String(); !strings.Contains(got, "hot-one, http-16") {
		t.Errorf("the message does not tell the rows: %s", got)
	}
}

func TestEventSize(t *testing.T) {
	t.Parallel()
	data, err := json.Marshal(Noted(note()))
	if err != nil || len(data) != recordSize {
		t.Errorf("an event has %d bytes, want %d: %v", len(data), recordSize, err)
	}
}
