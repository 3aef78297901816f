package cli

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

// table is what is written in columns.
type table struct {
	rows []string
}

// newTable begins with the names of the columns.
func newTable(names ...string) *table {
	t := &table{}
	t.row(names...)
	return t
}

func (t *table) row(cells ...string) {
	for i, c := range cells {
		cells[i] = plain(c)
	}
	t.rows = append(t.rows, strings.Join(cells, "\t"))
}

// empty tells whether there is none but the names.
func (t *table) empty() bool { return len(t.rows) == 1 }

// write writes the table, or what is said of an empty one.
func (c *call) table(t *table, empty string) {
	if t.empty() && empty != "" {
		say(c.Stdout, "%s\n", empty)
		return
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	say(w, "%s\n", strings.Join(t.rows, "\n"))
	_ = w.Flush() // to memory
	for line := range strings.Lines(b.String()) {
		say(c.Stdout, "%s\n", strings.TrimRight(line, " \n"))
	}
}

// plain is a text that does nothing to a terminal and stays in its cell.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r):
			return '·'
		}
		return r
	}, s)
}

// safe is a text of several lines that does nothing to a terminal.
func safe(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = plain(line)
	}
	return strings.Join(lines, "\n")
}

// short is a text cut to so many characters.
func short(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

// widest is how long a text in a table may be.
const widest = 60

// stamp is a time as tables have it.
func stamp(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}

// took is a duration as people read it: three digits that matter, or seconds.
func took(d time.Duration) string {
	switch {
	case d >= time.Minute || d <= -time.Minute:
		return d.Round(time.Second).String()
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(100 * time.Nanosecond).String()
}

// away is how long it is from now to a time.
func away(now, t time.Time) string {
	switch d := t.Sub(now); {
	case t.IsZero():
		return "-"
	case d <= 0:
		return "now"
	default:
		return took(max(d.Round(time.Second), time.Second))
	}
}

// dash stands for an empty text.
func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// count is a number with its word.
func count[N int | int64](n N, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%s %s", number(int64(n)), many)
}
