package cli

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/talix-dev/talix/internal/move"
	"golang.org/x/term"
)

// bar tells people how far something is: on a terminal in one line that is
// drawn again and again, elsewhere in a line now and then.
type bar struct {
	out   io.Writer // nil: nobody is told
	width int       // of the terminal; 0: there is none
	now   func() time.Time

	phase string
	began time.Time // of the phase
	first int64     // what was done then
	drawn time.Time
	last  move.Progress
	open  bool // a line was drawn in this phase
	late  bool // there is more to tell than it says
}

// How often it is drawn.
const (
	drawEvery = 100 * time.Millisecond
	lineEvery = 10 * time.Second
)

func (c *call) bar() *bar {
	b := &bar{out: c.Stderr, now: c.Now}
	if c.quiet {
		b.out = nil
	}
	if f, ok := c.Stderr.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		b.width = 80
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 20 {
			b.width = width
		}
	}
	return b
}

func (b *bar) pace(rate int) move.Pace { return move.Pace{Rate: rate, Progress: b.at} }

// at is told how far it is.
func (b *bar) at(p move.Progress) {
	if b.out == nil {
		return
	}
	now := b.now()
	if p.Phase != b.phase {
		b.end()
		b.phase, b.began, b.first, b.drawn = p.Phase, now, p.Done, now
		return
	}
	b.last, b.late = p, true
	every := lineEvery
	if b.width > 0 {
		every = drawEvery
	}
	if now.Sub(b.drawn) >= every {
		b.draw(now)
	}
}

func (b *bar) draw(now time.Time) {
	b.drawn, b.open, b.late = now, true, false
	took := now.Sub(b.began)
	line := b.line(b.last, took, barWidth)
	if b.width == 0 {
		say(b.out, "%s\n", line)
		return
	}
	if over := len(line) - (b.width - 1); over > 0 { // the bar gives way to the figures
		line = b.line(b.last, took, max(1, barWidth-over))
		line = line[:min(len(line), b.width-1)]
	}
	say(b.out, "\r%-*s", b.width-1, line)
}

// end leaves what was drawn as it stands at the end.
func (b *bar) end() {
	if !b.open {
		return
	}
	if b.late {
		b.draw(b.now())
	}
	if b.width > 0 {
		say(b.out, "\n")
	}
	b.open = false
}

const barWidth = 24

// line is how far it is after some time, with a bar of some width.
func (b *bar) line(p move.Progress, took time.Duration, width int) string {
	rate := float64(p.Done-b.first) / max(took.Seconds(), 1e-3)
	line := fmt.Sprintf("%-8s", p.Phase)
	if p.Steps > 1 {
		line = fmt.Sprintf("%d/%d ", p.Step, p.Steps) + line
	}
	if p.Total > 0 {
		part := min(1, float64(p.Done)/float64(p.Total))
		full := int(part * float64(width))
		line += fmt.Sprintf("[%s%s] %3.0f%%  %s of %s %s", strings.Repeat("=", full), strings.Repeat(" ", width-full),
			part*100, number(p.Done), number(p.Total), p.Unit)
	} else {
		line += number(p.Done) + " " + p.Unit
	}
	line += fmt.Sprintf("  %s/s", number(int64(rate)))
	if left := p.Total - p.Done; p.Total > 0 && rate > 0 && left > 0 {
		line += "  " + (time.Duration(float64(left)/rate) * time.Second).Round(time.Second).String() + " left"
	}
	return line
}

// number writes thousands apart.
func number(n int64) string {
	text := strconv.FormatInt(n, 10)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}
