package draw

import (
	"fmt"
	"strings"
)

// Spark is a small picture of counts over time: a bar for each.
type Spark struct {
	Width, Height int
	// All and Failed are paths of SVG: the bars of all, and the parts of them
	// that failed.
	All, Failed string
	Most        uint32
}

// Measures of a Spark, in units of its own.
const (
	sparkHeight = 32
	barWidth    = 4
)

// Bars draws counts, the oldest first, of which some failed. The highest bar
// has the full height; least is the count that stands for it at least.
func Bars(counts, failures []uint32, least uint32) Spark {
	s := Spark{Width: len(counts) * barWidth, Height: sparkHeight, Most: least}
	for _, n := range counts {
		s.Most = max(s.Most, n)
	}
	var all, failed strings.Builder
	for i, n := range counts {
		bar(&all, i, n, s.Most)
		if i < len(failures) {
			bar(&failed, i, failures[i], s.Most)
		}
	}
	s.All, s.Failed = all.String(), failed.String()
	return s
}

func bar(b *strings.Builder, i int, n, most uint32) {
	if n == 0 || most == 0 {
		return
	}
	height := max(float64(n)/float64(most)*sparkHeight, 1.5)
	fmt.Fprintf(b, "M%d %dv-%.1fh%dv%.1fz", i*barWidth, sparkHeight, height, barWidth-1, height)
}
