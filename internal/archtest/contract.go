package archtest

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
)

// portWidth counts the methods of every interface, with those that it embeds
// from its own package.
func portWidth(m *Module) []Finding {
	var findings []Finding
	for _, p := range m.Packages {
		interfaces := p.interfaces()
		for _, f := range p.Shipped() {
			for _, s := range typeSpecs(f) {
				n := methods(interfaces, s.Name.Name, map[string]bool{})
				if n > maxMethods {
					findings = append(findings, m.finding(f, s, s.Name.Name,
						fmt.Sprintf("the interface %s has %d methods, more than %d", s.Name.Name, n, maxMethods),
						"make what not every implementation needs an optional interface"))
				}
			}
		}
	}
	return findings
}

func typeSpecs(f *File) []*ast.TypeSpec {
	var specs []*ast.TypeSpec
	for _, d := range f.Syntax.Decls {
		decl, ok := d.(*ast.GenDecl)
		if !ok || decl.Tok != token.TYPE {
			continue
		}
		for _, s := range decl.Specs {
			specs = append(specs, s.(*ast.TypeSpec))
		}
	}
	return specs
}

func (p *Package) interfaces() map[string]*ast.InterfaceType {
	all := map[string]*ast.InterfaceType{}
	for _, f := range p.Shipped() {
		for _, s := range typeSpecs(f) {
			if t, ok := s.Type.(*ast.InterfaceType); ok {
				all[s.Name.Name] = t
			}
		}
	}
	return all
}

func methods(interfaces map[string]*ast.InterfaceType, name string, seen map[string]bool) int {
	t := interfaces[name]
	if t == nil || seen[name] {
		return 0
	}
	seen[name] = true
	n := 0
	for _, field := range t.Methods.List {
		if embedded, ok := field.Type.(*ast.Ident); ok && len(field.Names) == 0 {
			n += methods(interfaces, embedded.Name, seen)
		}
		n += len(field.Names)
	}
	return n
}

// driverAsserts wants a line such as var _ store.Store = (*Store)(nil) in every
// driver, so that it breaks where the port changes.
func driverAsserts(m *Module) []Finding {
	var findings []Finding
	for _, p := range m.Packages {
		files := p.Shipped()
		if kindOf(p.Dir) != driver || home(p.Dir) != p.Dir || len(files) == 0 || asserts(files, portsOf(p.Dir)) {
			continue
		}
		findings = append(findings, m.finding(files[0], files[0].Syntax, "",
			"no line says which interface of its port this driver implements",
			"add one such as var _ store.Store = (*Store)(nil)"))
	}
	return findings
}

func asserts(files []*File, ports []string) bool {
	for _, f := range files {
		for _, d := range f.Syntax.Decls {
			decl, ok := d.(*ast.GenDecl)
			if !ok || decl.Tok != token.VAR {
				continue
			}
			for _, s := range decl.Specs {
				if asserted(s.(*ast.ValueSpec), ports) {
					return true
				}
			}
		}
	}
	return false
}

func asserted(spec *ast.ValueSpec, ports []string) bool {
	t, ok := spec.Type.(*ast.SelectorExpr)
	if !ok || spec.Names[0].Name != "_" {
		return false
	}
	pkg, ok := t.X.(*ast.Ident)
	return ok && slices.Contains(ports, pkg.Name)
}
