package talixtest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// lines is a value as lines of JSON.
func lines(v any) []string {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return []string{fmt.Sprintf("%+v", v)}
	}
	return strings.Split(string(data), "\n")
}

// mostCells bounds the work of a diff.
const mostCells = 4 << 20

// diff tells what is to be taken out of want (-) and put into it (+) to make it
// got; same: nothing.
func diff(want, got []string) (text string, same bool) {
	if slices.Equal(want, got) {
		return "", true
	}
	var b strings.Builder
	b.WriteString("(- expected, + got)\n")
	if (len(want)+1)*(len(got)+1) > mostCells {
		mark(&b, "- ", want)
		mark(&b, "+ ", got)
		return b.String(), false
	}
	walk(&b, want, got, common(want, got))
	return b.String(), false
}

func mark(b *strings.Builder, sign string, lines []string) {
	for _, line := range lines {
		b.WriteString("  " + sign + line + "\n")
	}
}

// common is, for each place in both, how many lines the rest has in common.
func common(a, b []string) [][]int {
	table := make([][]int, len(a)+1)
	for i := range table {
		table[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if table[i][j] = max(table[i+1][j], table[i][j+1]); a[i] == b[j] {
				table[i][j] = table[i+1][j+1] + 1
			}
		}
	}
	return table
}

func walk(out *strings.Builder, a, b []string, table [][]int) {
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		switch {
		case a[i] == b[j]:
			mark(out, "  ", a[i:i+1])
			i, j = i+1, j+1
		case table[i+1][j] >= table[i][j+1]:
			mark(out, "- ", a[i:i+1])
			i++
		default:
			mark(out, "+ ", b[j:j+1])
			j++
		}
	}
	mark(out, "- ", a[i:])
	mark(out, "+ ", b[j:])
}
