package detect

import "strings"

const (
	maxLines = 1000 // from the start, and as many from the end
	maxLine  = 600  // bytes
)

// line is one line of a document that is not empty.
type line struct {
	text    string
	words   string // folded
	cells   []cell
	amounts []amount
	dates   []date
	block   int // lines between two empty lines have the same
}

// cell is one column of a line.
type cell struct {
	text, words string
	start       int // in the line's text
}

// read makes lines of a text. Of a very long one it takes the two ends, where
// documents say what they are and what they add up to.
func read(text string) []line {
	raw := strings.Split(text, "\n")
	if len(raw) > 2*maxLines {
		raw = append(raw[:maxLines:maxLines], raw[len(raw)-maxLines:]...)
	}
	var lines []line
	block := 0
	for _, s := range raw {
		s = strings.Map(plainRunes, s[:min(len(s), maxLine)])
		s = strings.TrimRight(strings.ToValidUTF8(s, ""), " \t\r")
		if strings.TrimSpace(s) == "" {
			block++
			continue
		}
		lines = append(lines, newLine(s, block))
	}
	return lines
}

func newLine(text string, block int) line {
	l := line{text: text, words: fold(text), cells: split(text), block: block}
	l.dates = findDates(text)
	l.amounts = findAmounts(text, l.dates)
	return l
}

// split cuts a line at tabs, at bars and at two or more spaces.
func split(text string) []cell {
	var cells []cell
	start := 0
	for i := 0; i <= len(text); i++ {
		if width := separator(text, i); width > 0 || i == len(text) {
			if s := strings.TrimSpace(text[start:i]); s != "" {
				from := start + strings.Index(text[start:i], s)
				cells = append(cells, cell{text: s, words: fold(s), start: from})
			}
			i += max(width-1, 0)
			start = i + 1
		}
	}
	return cells
}

func separator(text string, i int) int {
	rest := text[i:]
	switch {
	case strings.HasPrefix(rest, "\t"), strings.HasPrefix(rest, "|"):
		return 1
	case strings.HasPrefix(rest, "  "):
		return len(rest) - len(strings.TrimLeft(rest, " "))
	}
	return 0
}

// cellAt is the index of the cell that a place of the text is in.
func (l line) cellAt(pos int) int {
	n := 0
	for i, c := range l.cells {
		if c.start <= pos {
			n = i
		}
	}
	return n
}

// label is the folded text on a line before a place of it: the place's own
// cell if that has words, else those before it up to the last number.
func (l line) label(pos int) string {
	text := fold(l.text[:pos])
	if i := strings.LastIndexAny(strings.TrimRight(l.text[:pos], " \t"), "\t|"); i >= 0 {
		if own := fold(l.text[i:pos]); hasLetters(own, 2) {
			return own
		}
	}
	return text
}

func hasLetters(text string, n int) bool { return letters(text) >= n }

func letters(text string) int {
	n := 0
	for _, r := range text {
		if isLetter(r) {
			n++
		}
	}
	return n
}
