package archtest

import (
	"fmt"
	"slices"
	"strings"
)

// allow is the findings for those imports of shipped files in folders of one
// kind that ok refuses.
func allow(m *Module, k kind, mend string, ok func(p *Package, path string) bool) []Finding {
	var findings []Finding
	m.shipped(func(p *Package, f *File) {
		if kindOf(p.Dir) != k {
			return
		}
		for _, imp := range f.Imports {
			if !ok(p, imp.Path) {
				findings = append(findings, refused(p, f, imp, mend))
			}
		}
	})
	return findings
}

func refused(p *Package, f *File, imp Import, mend string) Finding {
	return Finding{
		File: f.Path, Line: imp.Line, Subject: imp.Path, Mend: mend,
		Problem: fmt.Sprintf("%s imports %s", folder(p.Dir), imp.Path),
	}
}

func folder(dir string) string {
	if dir == "." {
		return "the root"
	}
	return dir
}

func portImports(m *Module) []Finding {
	return allow(m, port, "a port needs the standard library alone: move what needs more into a driver or the engine",
		func(_ *Package, path string) bool { return standard(path) && !forbidden(path) })
}

func driverImports(m *Module) []Finding {
	return allow(m, driver, "a driver knows its port, one client library and its own subfolders: no other driver, engine or root",
		func(p *Package, path string) bool {
			dir, inside := m.Inside(path)
			return !inside || slices.Contains(portsOf(p.Dir), dir) || below(dir, home(p.Dir))
		})
}

func below(dir, top string) bool { return dir == top || strings.HasPrefix(dir, top+"/") }

func driverOneClient(m *Module) []Finding {
	first := map[string]string{}
	return allow(m, driver, "one technology a driver: use one client library, or make two drivers",
		func(p *Package, path string) bool {
			if _, inside := m.Inside(path); inside || standard(path) || below(path, "golang.org/x/sys") {
				return true
			}
			h := home(p.Dir)
			if first[h] == "" {
				first[h] = client(path)
			}
			return first[h] == client(path)
		})
}

func suiteImports(m *Module) []Finding {
	return allow(m, suite, "a suite knows its port and the standard library alone, so that every driver can be held to it",
		func(p *Package, path string) bool {
			dir, inside := m.Inside(path)
			return standard(path) || inside && slices.Contains(portsOf(p.Dir), dir)
		})
}

func internalImports(m *Module) []Finding {
	return allow(m, internal, "the engine handles bytes and names: it knows ports and internal packages, never what stands on it",
		func(_ *Package, path string) bool {
			dir, inside := m.Inside(path)
			return !inside || kindOf(dir) == internal || kindOf(dir) == port
		})
}

func rootImports(m *Module) []Finding {
	return allow(m, root, "the pure world knows internal/registry, the ports' types and the standard library: do I/O in the runtime",
		func(_ *Package, path string) bool {
			dir, inside := m.Inside(path)
			if !inside {
				return standard(path)
			}
			return dir == "internal/registry" || kindOf(dir) == port
		})
}

func runtimeImports(m *Module) []Finding {
	return allow(m, host, "the runtime knows the root, ports and internal packages: take a driver as a field of Config",
		func(p *Package, path string) bool {
			dir, inside := m.Inside(path)
			if !inside || below(dir, p.Dir) || below(dir, "runtime") {
				return true
			}
			return slices.Contains([]kind{root, port, internal}, kindOf(dir))
		})
}

// consoleImports lets the console see a runtime as any other program can.
func consoleImports(m *Module) []Finding {
	return allow(m, ui, "the console stands on the runtime's public API, the ports' types and the standard library: export there what it needs",
		func(_ *Package, path string) bool {
			dir, inside := m.Inside(path)
			if !inside {
				return standard(path)
			}
			return slices.Contains([]kind{root, port, host, ui}, kindOf(dir))
		})
}

// telemetryImports lets plugins that tell others what a runtime does see it as
// any other plugin can.
func telemetryImports(m *Module) []Finding {
	first := map[string]string{}
	return allow(m, telemetry, "a telemetry plugin knows the root, the runtime, the ports' types and one client library: export there what it needs",
		func(p *Package, path string) bool {
			if dir, inside := m.Inside(path); inside {
				return slices.Contains([]kind{root, port, host}, kindOf(dir))
			}
			if standard(path) {
				return true
			}
			if first[p.Dir] == "" {
				first[p.Dir] = client(path)
			}
			return first[p.Dir] == client(path)
		})
}

// meetsDrivers holds for every shipped folder that has no stricter rule.
func meetsDrivers(m *Module) []Finding {
	const mend = "only standalone, cmd and examples choose a driver, and talixtest those that need no server: take the port's interface"
	among := func(drivers ...string) func(*Package, string) bool {
		return func(_ *Package, path string) bool {
			dir, inside := m.Inside(path)
			return !inside || kindOf(dir) != driver || slices.Contains(drivers, dir)
		}
	}
	return append(allow(m, other, mend, among()), allow(m, kit, mend, among(kitDrivers()...))...)
}

// kitDrivers are those of a runtime for tests. View tables are those of SQLite
// in a temporary folder: there is no simpler thing that takes SQL.
func kitDrivers() []string { return []string{"store/memory", "store/sqlite", "broker/memory"} }

// exampleImports holds for the tests of examples too: they show what users can
// do.
func exampleImports(m *Module) []Finding {
	var findings []Finding
	m.each(func(p *Package, f *File) {
		for _, imp := range f.Imports {
			if dir, inside := m.Inside(imp.Path); inside && kindOf(p.Dir) == example && forExample(dir, f.Test) {
				findings = append(findings, refused(p, f, imp,
					"an example uses what users can use: export what is missing, or do without"))
			}
		}
	})
	return findings
}

// forExample tells whether a folder is closed to examples. Their tests may
// start real processes.
func forExample(dir string, test bool) bool {
	return kindOf(dir) == internal && (!test || dir != "internal/proctest")
}
