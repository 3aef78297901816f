package cli

import (
	"io"
	"time"

	"github.com/talix-dev/talix/internal/move"
)

// Bar is the bar of a terminal.
func Bar(out io.Writer, width int, now func() time.Time) (tell func(move.Progress), end func()) {
	b := &bar{out: out, width: width, now: now}
	return b.at, b.end
}
