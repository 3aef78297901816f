package cli_test

import (
	"strings"
	"testing"
	"time"

	"github.com/talix-dev/talix/internal/cli"
	"github.com/talix-dev/talix/internal/move"
)

// On a terminal, one line is drawn again and again, within its width.
func TestBarOnATerminal(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	now := time.Unix(1_700_000_000, 0)
	tell, end := cli.Bar(&out, 100, func() time.Time { return now })
	tell(move.Progress{Phase: "events", Total: 1_000_000, Unit: "events"})
	now = now.Add(10 * time.Millisecond)
	tell(move.Progress{Phase: "events", Done: 10, Total: 1_000_000, Unit: "events"})
	if out.Len() > 0 {
		t.Errorf("it was drawn too soon: %q", &out)
	}
	now = now.Add(990 * time.Millisecond)
	tell(move.Progress{Phase: "events", Done: 250_000, Total: 1_000_000, Unit: "events"})
	want := "events  [======                  ]  25%  250,000 of 1,000,000 events  250,000/s  3s left"
	if got := out.String(); !strings.HasPrefix(got, "\r"+want) || len(got) != 100 || strings.Contains(got, "\n") {
		t.Errorf("%q", got)
	}
	tell(move.Progress{Phase: "verify", Unit: "events"})
	now = now.Add(time.Second)
	tell(move.Progress{Phase: "verify", Done: 5, Unit: "events"})
	end()
	end()
	if got := out.String(); strings.Count(got, "\n") != 2 || !strings.Contains(got, "verify  5 events  5/s") {
		t.Errorf("%q", got)
	}
}

// Where there is no terminal, a line is written now and then, and one at the end
// of what took longer: nobody is left with a part.
func TestBarEndsWithAll(t *testing.T) {
	t.Parallel()
	for _, width := range []int{0, 100} {
		var out strings.Builder
		now := time.Unix(1_700_000_000, 0)
		tell, end := cli.Bar(&out, width, func() time.Time { return now })
		at := func(phase string, step int, done, total int64) {
			tell(move.Progress{Phase: phase, Done: done, Total: total, Unit: "events", Step: step, Steps: 3})
		}
		at("events", 1, 0, 100)
		now = now.Add(20 * time.Second)
		at("events", 1, 40, 100)
		now = now.Add(time.Millisecond)
		at("events", 1, 100, 100)
		at("marks", 2, 0, 0)
		now = now.Add(time.Millisecond)
		at("marks", 2, 7, 0)
		at("verify", 3, 0, 100)
		end()
		got := strings.Join(strings.Fields(strings.ReplaceAll(out.String(), "\r", "\n")), " ")
		want := "1/3 events [========= ] 40% 40 of 100 events 2/s 30s left 1/3 events [========================] 100% 100 of 100 events 4/s"
		if got != want {
			t.Errorf("width %d: %s", width, got)
		}
	}
}

// On a narrow terminal the bar gives way to the figures.
func TestBarFits(t *testing.T) {
	t.Parallel()
	for _, width := range []int{74, 80, 90} {
		var out strings.Builder
		now := time.Unix(1_700_000_000, 0)
		tell, _ := cli.Bar(&out, width, func() time.Time { return now })
		p := move.Progress{Phase: "events", Total: 1_000_000, Unit: "events", Step: 1, Steps: 5}
		tell(p)
		now, p.Done = now.Add(10*time.Second), 500_000
		tell(p)
		if got := out.String(); len(got) != width || !strings.Contains(got, "500,000 of 1,000,000 events  50,000/s  10s left") {
			t.Errorf("%q", got)
		}
	}
}
