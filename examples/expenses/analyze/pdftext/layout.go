package pdftext

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"unicode"
)

// Gaps, in parts of the text's height.
const (
	sameLine   = 0.4 // up or down
	wordGap    = 0.18
	columnGap  = 1.2
	emptyLine  = 1.9 // from line to line
	sameOrigin = 0.1 // text printed twice to look bold
)

// layout makes lines of fragments: from top to bottom, from left to right.
func layout(fragments []fragment) string {
	slices.SortStableFunc(fragments, func(a, b fragment) int { return cmp.Compare(b.y, a.y) })
	var b strings.Builder
	for len(fragments) > 0 {
		n := lineLength(fragments)
		b.WriteString(lineText(fragments[:n]))
		b.WriteString("\n")
		if n < len(fragments) && fragments[0].y-fragments[n].y > emptyLine*height(fragments[0]) {
			b.WriteString("\n")
		}
		fragments = fragments[n:]
	}
	return b.String()
}

// lineLength is how many of the fragments stand on the first one's line.
func lineLength(fragments []fragment) int {
	for i, f := range fragments {
		if fragments[0].y-f.y > sameLine*min(height(fragments[0]), height(f)) {
			return i
		}
	}
	return len(fragments)
}

func height(f fragment) float64 { return max(math.Abs(f.size), 1) }

func lineText(line []fragment) string {
	slices.SortStableFunc(line, func(a, b fragment) int { return cmp.Compare(a.x, b.x) })
	var b strings.Builder
	for i, f := range line {
		if i > 0 {
			before := line[i-1]
			if f.text == before.text && f.x-before.x < sameOrigin*height(f) {
				continue
			}
			b.WriteString(gap(before, f))
		}
		b.WriteString(clean(f.text))
	}
	return strings.TrimRight(b.String(), " \t")
}

func gap(before, f fragment) string {
	switch width := (f.x - before.end) / height(f); {
	case width > columnGap:
		return "\t"
	case width > wordGap, f.spaced:
		return " "
	}
	return ""
}

// ligatures are written as their letters, so that words can be found.
var ligatures = strings.NewReplacer("ﬀ", "ff", "ﬁ", "fi", "ﬂ", "fl", "ﬃ", "ffi", "ﬄ", "ffl", "\u00ad", "-", "\t", " ")

func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, ligatures.Replace(text))
}
