package archtest

import (
	"fmt"
	"go/ast"
)

// Rule is one rule of the house.
type Rule struct {
	Name  string
	Check func(*Module) []Finding
}

// Finding is one place that breaks a rule.
type Finding struct {
	Rule    string
	File    string
	Line    int
	Subject string // what an exception names: an import path, a function, a variable; may be empty
	Problem string
	Mend    string // what to do
}

func (f Finding) String() string {
	return fmt.Sprintf("%s:%d: [%s] %s; %s", f.File, f.Line, f.Rule, f.Problem, f.Mend)
}

// Imports is the rules about who may import whom.
func Imports() []Rule {
	return []Rule{
		{"port-imports", portImports},
		{"driver-imports", driverImports},
		{"driver-one-client", driverOneClient},
		{"suite-imports", suiteImports},
		{"internal-imports", internalImports},
		{"root-imports", rootImports},
		{"runtime-imports", runtimeImports},
		{"console-imports", consoleImports},
		{"telemetry-imports", telemetryImports},
		{"meets-drivers", meetsDrivers},
		{"example-imports", exampleImports},
		{"import-cycle", importCycle},
	}
}

// Whole is the rules about the module as a whole.
func Whole() []Rule {
	return []Rule{{"function-median", functionMedian}}
}

// Style is the rules about what the code looks like. They hold in nested
// modules too.
func Style() []Rule {
	return []Rule{
		{"function-length", functionLength},
		{"file-length", fileLength},
		{"no-init", noInit},
		{"package-variable", packageVariable},
		{"package-name", packageName},
		{"port-width", portWidth},
		{"driver-asserts", driverAsserts},
		{"no-sleep", noSleep},
		{"black-box", blackBox},
		{"parallel", parallel},
	}
}

// Check applies rules to a module.
func Check(m *Module, rules []Rule) []Finding {
	var findings []Finding
	for _, r := range rules {
		for _, f := range r.Check(m) {
			f.Rule = r.Name
			findings = append(findings, f)
		}
	}
	return findings
}

// shipped calls fn for every file that is compiled into a program.
func (m *Module) shipped(fn func(*Package, *File)) {
	m.each(func(p *Package, f *File) {
		if !f.Test {
			fn(p, f)
		}
	})
}

// each calls fn for every file that a person wrote.
func (m *Module) each(fn func(*Package, *File)) {
	for _, p := range m.Packages {
		for _, f := range p.Files {
			if !f.Generated {
				fn(p, f)
			}
		}
	}
}

// functions calls fn for every function and method of a file.
func (f *File) functions(fn func(*ast.FuncDecl)) {
	for _, d := range f.Syntax.Decls {
		if decl, ok := d.(*ast.FuncDecl); ok {
			fn(decl)
		}
	}
}

func (m *Module) finding(f *File, at ast.Node, subject, problem, mend string) Finding {
	return Finding{File: f.Path, Line: m.line(at), Subject: subject, Problem: problem, Mend: mend}
}
