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
