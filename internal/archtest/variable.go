package archtest

import (
	"go/ast"
	"go/token"
	"strings"
)

func noInit(m *Module) []Finding {
	var findings []Finding
	m.each(func(_ *Package, f *File) {
		f.functions(func(d *ast.FuncDecl) {
			if d.Recv == nil && d.Name.Name == "init" {
				findings = append(findings, m.finding(f, d, "init", "func init runs behind the caller's back",
					"do it in a constructor or where the value is used"))
			}
		})
	})
	return findings
}

// packageVariable refuses package variables that hold state or can be changed.
// Without types it judges by form: definitions (calls), errors, embedded files,
// arrays and interface assertions pass. Examples may have tables of words and
// numbers: they write as users do.
func packageVariable(m *Module) []Finding {
	var findings []Finding
	m.shipped(func(p *Package, f *File) {
		for _, d := range f.Syntax.Decls {
			decl, ok := d.(*ast.GenDecl)
			if !ok || decl.Tok != token.VAR {
				continue
			}
			for _, s := range decl.Specs {
				spec := s.(*ast.ValueSpec)
				if kindOf(p.Dir) != example || !table(spec) {
					findings = append(findings, m.variables(f, decl, spec)...)
				}
			}
		}
	})
	return findings
}

func (m *Module) variables(f *File, decl *ast.GenDecl, spec *ast.ValueSpec) []Finding {
	if embedded(decl.Doc) || embedded(spec.Doc) {
		return nil
	}
	var findings []Finding
	for i, name := range spec.Names {
		why := mutable(spec, i)
		if why == "" || name.Name == "_" || isError(name.Name) {
			continue
		}
		findings = append(findings, m.finding(f, name, name.Name, "the package variable "+name.Name+" is "+why,
			"make it a constant, an array, a function or a field; package variables are definitions, errors and embeds"))
	}
	return findings
}

// table tells whether a variable is a literal list or map.
func table(spec *ast.ValueSpec) bool {
	if len(spec.Values) != 1 {
		return false
	}
	literal, ok := spec.Values[0].(*ast.CompositeLit)
	if !ok {
		return false
	}
	switch literal.Type.(type) {
	case *ast.ArrayType, *ast.MapType:
		return true
	}
	return false
}

func embedded(doc *ast.CommentGroup) bool {
	if doc == nil {
		return false
	}
	for _, c := range doc.List {
		if strings.HasPrefix(c.Text, "//go:embed ") {
			return true
		}
	}
	return false
}

func isError(name string) bool {
	return strings.HasPrefix(name, "err") || strings.HasPrefix(name, "Err")
}

// mutable says what is wrong with the i-th variable of a spec, or nothing.
func mutable(spec *ast.ValueSpec, i int) string {
	if spec.Type != nil {
		if why := stateful(spec.Type); why != "" {
			return why
		}
	}
	switch {
	case i < len(spec.Values):
		return mutableValue(spec.Values[i])
	case len(spec.Values) == 0:
		return "set by nobody yet"
	}
	return ""
}

func mutableValue(value ast.Expr) string {
	switch v := value.(type) {
	case *ast.BasicLit:
		return "a plain value that anyone can change"
	case *ast.UnaryExpr:
		if v.Op != token.AND {
			return mutableValue(v.X)
		}
		return "a pointer"
	case *ast.FuncLit:
		return "a function that anyone can change"
	case *ast.CompositeLit:
		return stateful(v.Type)
	case *ast.CallExpr:
		return mutableCall(v)
	}
	return ""
}

func mutableCall(call *ast.CallExpr) string {
	switch fn := call.Fun.(type) {
	case *ast.Ident:
		if fn.Name == "new" || fn.Name == "make" {
			return "made to be changed"
		}
	case *ast.SelectorExpr:
		return stateful(fn)
	}
	return ""
}

// stateful says what kind of state a type holds, or nothing.
func stateful(expr ast.Expr) string {
	switch t := expr.(type) {
	case *ast.MapType:
		return "a map"
	case *ast.ArrayType:
		if t.Len == nil {
			return "a slice"
		}
	case *ast.StarExpr:
		return "a pointer"
	case *ast.ChanType:
		return "a channel"
	case *ast.FuncType:
		return "a function that anyone can change"
	case *ast.IndexExpr:
		return stateful(t.X)
	case *ast.SelectorExpr:
		if pkg, ok := t.X.(*ast.Ident); ok && (pkg.Name == "sync" || pkg.Name == "atomic") {
			return "of package " + pkg.Name
		}
	}
	return ""
}
