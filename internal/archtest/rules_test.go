package archtest_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/talix-dev/talix/internal/archtest"
)

// tree is a synthetic module: the text of files by path. Where a text has no
// package clause, it is the imports of a file of the folder's package.
type tree map[string]string

func (tr tree) module(t *testing.T) *archtest.Module {
	t.Helper()
	files := fstest.MapFS{"go.mod": {Data: []byte("module example.org/m\n\ngo 1.26\n")}}
	for name, text := range tr {
		files[name] = &fstest.MapFile{Data: []byte(source(name, text))}
	}
	m, err := archtest.Read(files)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func source(name, text string) string {
	if strings.Contains(text, "package ") || !strings.HasSuffix(name, ".go") {
		return text
	}
	pkg := "m"
	if parts := strings.Split(name, "/"); len(parts) > 1 {
		pkg = parts[len(parts)-2]
	}
	src := "package " + pkg + "\n"
	for _, path := range strings.Fields(text) {
		src += fmt.Sprintf("import _ %q\n", path)
	}
	return src
}

// example is one case of a rule: a tree, and what the rule says of it. No
// words: the tree is good.
type example struct {
	rule string
	name string
	tree tree
	want []string // each stands in one finding, and there are no others
}

func TestRules(t *testing.T) {
	t.Parallel()
	rules := map[string]archtest.Rule{}
	for _, r := range slices.Concat(archtest.Imports(), archtest.Whole(), archtest.Style()) {
		rules[r.Name] = r
	}
	passed, failed := map[string]bool{}, map[string]bool{}
	for _, c := range slices.Concat(importExamples(), plainExamples(), styleExamples()) {
		if len(c.want) == 0 {
			passed[c.rule] = true
		} else {
			failed[c.rule] = true
		}
		t.Run(c.rule+"/"+c.name, func(t *testing.T) {
			t.Parallel()
			compare(t, archtest.Check(c.tree.module(t), []archtest.Rule{rules[c.rule]}), c.want)
		})
	}
	for name := range maps.Keys(rules) {
		if !passed[name] || !failed[name] {
			t.Errorf("the rule %s needs an example that passes and one that fails", name)
		}
	}
}

func compare(t *testing.T, findings []archtest.Finding, want []string) {
	t.Helper()
	for i, f := range findings {
		if i >= len(want) {
			t.Errorf("unexpected: %s", f)
		} else if !strings.Contains(f.String(), want[i]) {
			t.Errorf("got  %s\nwant …%s…", f, want[i])
		}
		if f.Problem == "" || f.Mend == "" || f.File == "" || f.Line == 0 {
			t.Errorf("a finding says too little: %+v", f)
		}
	}
	for _, w := range want[min(len(findings), len(want)):] {
		t.Errorf("missing: %s", w)
	}
}

func TestReach(t *testing.T) {
	t.Parallel()
	m := tree{"talix.go": "fmt", "internal/entity/e.go": "fmt", "internal/httpedge/h.go": "net/http"}.module(t)
	good := archtest.Graph{"example.org/m": {"fmt"}, "example.org/m/internal/httpedge": {"net/http"}}
	compare(t, archtest.Reach(m, good), nil)
	bad := archtest.Graph{
		"example.org/m":                 {"fmt", "example.org/m/internal/entity"},
		"example.org/m/internal/entity": {"other.org/x"},
		"other.org/x":                   {"os", "net/http/httptrace"},
	}
	compare(t, archtest.Reach(m, bad), []string{
		"the root reaches net/http/httptrace: example.org/m → example.org/m/internal/entity → other.org/x → net/http/httptrace",
		"internal/entity reaches net/http/httptrace",
	})
}

func TestPureIsTheRootEntityAndPorts(t *testing.T) {
	t.Parallel()
	m := tree{
		"talix.go": "", "internal/entity/e.go": "", "internal/commit/c.go": "", "store/s.go": "",
		"store/sqlite/s.go": "", "table/table_test.go": "",
	}.module(t)
	if got := strings.Join(m.Pure(), " "); got != ". internal/entity store" {
		t.Errorf("pure folders: %s", got)
	}
}

func TestExceptions(t *testing.T) {
	t.Parallel()
	findings := []archtest.Finding{
		{Rule: "r", File: "a.go", Line: 3, Subject: "x", Problem: "p", Mend: "m"},
		{Rule: "r", File: "b.go", Line: 3, Subject: "x", Problem: "p", Mend: "m"},
	}
	left := archtest.Excuse(findings, []archtest.Exception{
		{Rule: "r", File: "a.go", Subject: "x", Reason: "because"},
		{Rule: "r", File: "b.go", Subject: "x"},
		{Rule: "r", File: "c.go", Subject: "x", Reason: "was needed once"},
	})
	compare(t, left, []string{`b.go:1: [exception] the exception from r for "x" has no reason`, "excuses nothing"})
}

func TestReadLeavesOut(t *testing.T) {
	t.Parallel()
	m := tree{
		"a/a.go": "", "a/testdata/x.go": "package broken(", "nested/go.mod": "module n\n", "nested/n.go": "",
		"_old/o.go": "", ".ci/c.go": "", "vendor/v/v.go": "",
	}.module(t)
	if len(m.Packages) != 1 || m.Packages[0].Dir != "a" {
		t.Errorf("packages: %+v", m.Packages)
	}
}

func TestReadReportsBrokenFiles(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{
		"go.mod": {Data: []byte("module m\n")},
		"a/a.go": {Data: []byte("package a\nfunc {")},
	}
	if _, err := archtest.Read(files); err == nil || !strings.Contains(err.Error(), "a/a.go:2") {
		t.Errorf("error: %v", err)
	}
	if _, err := archtest.Read(fstest.MapFS{}); err == nil {
		t.Error("a folder without go.mod was read")
	}
}
