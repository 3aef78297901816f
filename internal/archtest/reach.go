package archtest

import (
	"fmt"
	"slices"
	"strings"
)

// Graph is the imports of packages, by import path.
type Graph map[string][]string

// Graph is the imports of the module's shipped files.
func (m *Module) Graph() Graph {
	g := Graph{}
	m.shipped(func(p *Package, f *File) {
		from := m.Import(p.Dir)
		for _, imp := range f.Imports {
			g[from] = append(g[from], imp.Path)
		}
	})
	return g
}

// forbidden tells whether the pure world must not reach a package: the network
// and databases stay out of it, so that it compiles to WebAssembly.
func forbidden(path string) bool {
	for _, top := range []string{
		"net/http", "database/sql", "modernc.org", "zombiezen.com/go/sqlite", "github.com/jackc",
		"github.com/mattn/go-sqlite3", "github.com/ncruces/go-sqlite3", "github.com/lib/pq",
	} {
		if below(path, top) {
			return true
		}
	}
	return false
}

// Pure is the folders that must stay free of I/O with all that they import:
// what users write and what decides on it.
func (m *Module) Pure() []string {
	var dirs []string
	for _, p := range m.Packages {
		pure := p.Dir == "." || p.Dir == "internal/registry" || p.Dir == "internal/entity" || kindOf(p.Dir) == port
		if pure && len(p.Shipped()) > 0 {
			dirs = append(dirs, p.Dir)
		}
	}
	return dirs
}

// Reach is the findings for pure packages that reach a forbidden one through
// any chain of imports in g, which may come from the go command.
func Reach(m *Module, g Graph) []Finding {
	var findings []Finding
	for _, dir := range m.Pure() {
		chain := chainTo(g, m.Import(dir), forbidden)
		if chain == nil {
			continue
		}
		findings = append(findings, Finding{
			Rule: "reach", File: dir, Line: 1, Subject: chain[len(chain)-1],
			Problem: fmt.Sprintf("%s reaches %s: %s", folder(dir), chain[len(chain)-1], strings.Join(chain, " → ")),
			Mend:    "the pure world does no I/O: cut this chain, or move the code behind a port",
		})
	}
	return findings
}

// chainTo is a shortest chain of imports from one package to one that stop
// accepts, or nil.
func chainTo(g Graph, from string, stop func(string) bool) []string {
	before := map[string]string{from: ""}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		if at != from && stop(at) {
			return trace(before, at)
		}
		for _, next := range g[at] {
			if _, seen := before[next]; !seen {
				before[next] = at
				queue = append(queue, next)
			}
		}
	}
	return nil
}

func trace(before map[string]string, at string) []string {
	var chain []string
	for ; at != ""; at = before[at] {
		chain = append(chain, at)
	}
	slices.Reverse(chain)
	return chain
}

// importCycle looks at all files at once, whatever their build tags, so it
// sees cycles that the compiler sees on other systems only.
func importCycle(m *Module) []Finding {
	g := m.Graph()
	for _, p := range m.Packages {
		self := m.Import(p.Dir)
		for _, next := range g[self] {
			if chain := chainTo(g, next, func(s string) bool { return s == self }); chain != nil || next == self {
				return []Finding{cycle(p, self, next, chain)}
			}
		}
	}
	return nil
}

func cycle(p *Package, self, next string, chain []string) Finding {
	if chain == nil {
		chain = []string{next}
	}
	return Finding{
		File: p.Files[0].Path, Line: 1, Subject: self,
		Problem: "import cycle " + strings.Join(append([]string{self}, chain...), " → "),
		Mend:    "move what both need into a package below them",
	}
}
