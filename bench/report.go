package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

func header() []string {
	return []string{"row", "what", "baseline in the same run", "ours", "baseline", "compared (min–max)", "goal", "first step", "met"}
}

func (r result) cells() []string {
	return []string{
		r.name, r.what, r.against, figure(r.ours, r.unit), figure(r.base, r.unit), r.spread(),
		r.goal.format(r.compare, r.unit), r.first.format(r.compare, r.unit), r.met(),
	}
}

// score is what the bounds are held against: the median over the rounds.
func (r result) score() float64 { return median(r.compared) }

func (r result) spread() string {
	if math.IsNaN(r.score()) {
		return "–"
	}
	return fmt.Sprintf("%s (%s–%s)", r.compare.format(r.score(), r.unit),
		short(r.compare, slices.Min(r.compared)), short(r.compare, slices.Max(r.compared)))
}

func short(c comparison, v float64) string {
	if c == alone {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

func (r result) met() string {
	switch v := r.score(); {
	case math.IsNaN(v):
		return "–"
	case r.goal.met(v):
		return "goal"
	case r.first.sense == unbounded:
		return "not yet"
	case r.first.met(v):
		return "first step"
	}
	return "NO"
}

// figure is a median with its unit.
func figure(values []float64, unit string) string {
	v := median(values)
	switch {
	case math.IsNaN(v):
		return "–"
	case v >= 10_000:
		return fmt.Sprintf("%.1fk %s", v/1000, unit)
	case v >= 100:
		return fmt.Sprintf("%.0f %s", v, unit)
	}
	return fmt.Sprintf("%.2f %s", v, unit)
}

// table shows the results to people.
func table(results []result, markdown bool) string {
	lines := [][]string{header()}
	for _, r := range results {
		lines = append(lines, r.cells())
	}
	var b strings.Builder
	if markdown {
		writeMarkdown(&b, lines)
	} else {
		writeColumns(&b, lines)
	}
	return b.String()
}

func writeColumns(b *strings.Builder, lines [][]string) {
	widths := make([]int, len(lines[0]))
	for _, cells := range lines {
		for i, c := range cells {
			widths[i] = max(widths[i], utf8.RuneCountInString(c))
		}
	}
	for _, cells := range lines {
		var line strings.Builder
		for i, c := range cells {
			line.WriteString(c + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c)+2))
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}

func writeMarkdown(b *strings.Builder, lines [][]string) {
	for i, cells := range lines {
		b.WriteString("| " + strings.Join(cells[1:], " | ") + " |\n")
		if i == 0 {
			b.WriteString("|" + strings.Repeat("---|", len(cells)-1) + "\n")
		}
	}
}

// verdict is the exit code: 1 where a first step was missed.
func verdict(results []result) int {
	for _, r := range results {
		if !r.first.met(r.score()) {
			return 1
		}
	}
	return 0
}
