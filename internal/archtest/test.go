package archtest

import (
	"go/ast"
	"slices"
	"strings"
)

// forTests tells whether a file is for tests: a test file, or in a suite or
// test kit that tests import.
func forTests(p *Package, f *File) bool {
	return f.Test || kindOf(p.Dir) == suite || p.Dir == "talixtest" || p.Dir == "internal/proctest"
}

// noSleep lets those sleeps pass that stand in a function given to
// synctest.Test: there they take no time.
func noSleep(m *Module) []Finding {
	var findings []Finding
	m.each(func(p *Package, f *File) {
		if !forTests(p, f) {
			return
		}
		f.functions(func(d *ast.FuncDecl) {
			ast.Inspect(d, func(n ast.Node) bool {
				if call(n, "synctest", "Test") {
					return false
				}
				if call(n, "time", "Sleep") {
					findings = append(findings, m.finding(f, n, d.Name.Name, "a test sleeps",
						"wait for what must happen, with a deadline, or use testing/synctest"))
				}
				return true
			})
		})
	})
	return findings
}

// call tells whether a node calls one of the named functions of a package or
// variable.
func call(n ast.Node, pkg string, names ...string) bool {
	c, ok := n.(*ast.CallExpr)
	if !ok {
		return false
	}
	fn, ok := c.Fun.(*ast.SelectorExpr)
	if !ok || !slices.Contains(names, fn.Sel.Name) {
		return false
	}
	x, ok := fn.X.(*ast.Ident)
	return ok && x.Name == pkg
}

// blackBox lets export_test.go pass, and files whose name ends in
// _internal_test.go.
func blackBox(m *Module) []Finding {
	var findings []Finding
	m.each(func(_ *Package, f *File) {
		name := f.Syntax.Name.Name
		if !f.Test || name == "main" || strings.HasSuffix(name, "_test") {
			return
		}
		if strings.HasSuffix(f.Path, "export_test.go") || strings.HasSuffix(f.Path, "_internal_test.go") {
			return
		}
		findings = append(findings, m.finding(f, f.Syntax.Name, "", "the test is in package "+name,
			"test what users can call, in package "+name+"_test; what truly needs the inside goes to a file *_internal_test.go"))
	})
	return findings
}

// parallel wants t.Parallel first in every test. A test that can't says why in
// a comment "// Not parallel: …" above its first statement, or changes the
// environment of the process, which go test itself forbids in parallel.
func parallel(m *Module) []Finding {
	var findings []Finding
	m.each(func(_ *Package, f *File) {
		if !f.Test {
			return
		}
		f.functions(func(d *ast.FuncDecl) {
			if t := testParameter(d); t != "" && !startsParallel(d, t) && !alone(f, d, t) {
				findings = append(findings, m.finding(f, d, d.Name.Name, d.Name.Name+" does not begin with "+t+".Parallel()",
					`add it, or a comment "// Not parallel: why" as its first line`))
			}
		})
	})
	return findings
}

// testParameter is the name of the *testing.T of a test, or empty.
func testParameter(d *ast.FuncDecl) string {
	if d.Recv != nil || d.Body == nil || !strings.HasPrefix(d.Name.Name, "Test") || len(d.Type.Params.List) != 1 {
		return ""
	}
	field := d.Type.Params.List[0]
	star, ok := field.Type.(*ast.StarExpr)
	if !ok || len(field.Names) != 1 {
		return ""
	}
	if sel, ok := star.X.(*ast.SelectorExpr); !ok || sel.Sel.Name != "T" {
		return ""
	}
	return field.Names[0].Name
}

func startsParallel(d *ast.FuncDecl, t string) bool {
	if len(d.Body.List) == 0 {
		return false
	}
	first, ok := d.Body.List[0].(*ast.ExprStmt)
	return ok && call(first.X, t, "Parallel")
}

func alone(f *File, d *ast.FuncDecl, t string) bool {
	for _, group := range f.Syntax.Comments {
		inside := d.Body.Pos() < group.Pos() && group.End() < d.Body.End()
		if inside && strings.HasPrefix(group.Text(), "Not parallel: ") {
			return true
		}
	}
	found := false
	ast.Inspect(d, func(n ast.Node) bool {
		found = found || call(n, t, "Setenv", "Chdir") || call(n, "testing", "AllocsPerRun")
		return !found
	})
	return found
}
