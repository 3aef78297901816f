package archtest

import (
	"fmt"
	"go/ast"
	"slices"
)

const (
	maxFunction = 70
	maxMedian   = 10
	maxFile     = 600
	maxMethods  = 11 // "under 12"
)

func functionLength(m *Module) []Finding {
	var findings []Finding
	m.each(func(_ *Package, f *File) {
		f.functions(func(d *ast.FuncDecl) {
			if n := m.lines(d); n > maxFunction {
				findings = append(findings, m.finding(f, d, d.Name.Name,
					fmt.Sprintf("%s has %d lines, more than %d", d.Name.Name, n, maxFunction),
					"split it into steps that have a name"))
			}
		})
	})
	return findings
}

// Median is the median number of lines of the functions in shipped files,
// signature and closing brace counted, and how many there are.
func Median(m *Module) (lines, functions int) {
	var all []int
	m.shipped(func(_ *Package, f *File) {
		f.functions(func(d *ast.FuncDecl) { all = append(all, m.lines(d)) })
	})
	if len(all) == 0 {
		return 0, 0
	}
	slices.Sort(all)
	return all[len(all)/2], len(all)
}

func functionMedian(m *Module) []Finding {
	lines, functions := Median(m)
	if lines <= maxMedian {
		return nil
	}
	return []Finding{{
		File: ".", Line: 1,
		Problem: fmt.Sprintf("the median of %d functions is %d lines, more than %d", functions, lines, maxMedian),
		Mend:    "split the longer ones, those that were added last first",
	}}
}

func fileLength(m *Module) []Finding {
	var findings []Finding
	m.each(func(_ *Package, f *File) {
		if f.Lines > maxFile {
			findings = append(findings, m.finding(f, f.Syntax, "",
				fmt.Sprintf("the file has %d lines, more than %d", f.Lines, maxFile),
				"one concept a file: give the second one its own"))
		}
	})
	return findings
}
