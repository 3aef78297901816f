// Package archtest holds the rules of the house: which folder may import which,
// and what the code looks like. Its test parses every Go file of the module and
// fails with the file, the rule and what to do.
//
// A rule is a small function over a parsed Module, and has cases in
// rules_test.go which show that it can fail.
package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"sort"
	"strconv"
	"strings"
)

// Module is the parsed source of one Go module.
type Module struct {
	Path     string // as go.mod says
	Packages []*Package
	Fset     *token.FileSet
}

// Package is the Go files of one folder, with those of its tests.
type Package struct {
	Dir   string // below the module's root, which is "."
	Files []*File
}

// File is one Go file.
type File struct {
	Path      string // below the module's root
	Test      bool   // ends in _test.go
	Generated bool
	Lines     int
	Imports   []Import
	Syntax    *ast.File
}

// Import is one import of a file.
type Import struct {
	Path string
	Line int
}

// Read parses every Go file of the module at the root of fsys, whatever its
// build tags. It leaves out nested modules, and what the go command leaves out:
// testdata, and folders whose name begins with a dot or an underscore.
func Read(fsys fs.FS) (*Module, error) {
	mod, err := fs.ReadFile(fsys, "go.mod")
	if err != nil {
		return nil, fmt.Errorf("read module: %w", err)
	}
	m := &Module{Path: modulePath(string(mod)), Fset: token.NewFileSet()}
	dirs := map[string]*Package{}
	err = fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return skip(fsys, name)
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		return m.add(fsys, name, dirs)
	})
	if err != nil {
		return nil, fmt.Errorf("read module %s: %w", m.Path, err)
	}
	sort.Slice(m.Packages, func(i, j int) bool { return m.Packages[i].Dir < m.Packages[j].Dir })
	return m, nil
}

func modulePath(gomod string) string {
	for line := range strings.Lines(gomod) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "module "); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

func skip(fsys fs.FS, dir string) error {
	base := path.Base(dir)
	if dir == "." {
		return nil
	}
	if base == "testdata" || base == "vendor" || base[0] == '.' || base[0] == '_' {
		return fs.SkipDir
	}
	if _, err := fs.Stat(fsys, path.Join(dir, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

func (m *Module) add(fsys fs.FS, name string, dirs map[string]*Package) error {
	src, err := fs.ReadFile(fsys, name)
	if err != nil {
		return err
	}
	file, err := m.parse(name, src)
	if err != nil {
		return err
	}
	dir := path.Dir(name)
	if dirs[dir] == nil {
		dirs[dir] = &Package{Dir: dir}
		m.Packages = append(m.Packages, dirs[dir])
	}
	dirs[dir].Files = append(dirs[dir].Files, file)
	return nil
}

func (m *Module) parse(name string, src []byte) (*File, error) {
	syntax, err := parser.ParseFile(m.Fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	f := &File{
		Path:      name,
		Test:      strings.HasSuffix(name, "_test.go"),
		Generated: ast.IsGenerated(syntax),
		Lines:     strings.Count(string(src), "\n"),
		Syntax:    syntax,
	}
	for _, spec := range syntax.Imports {
		unquoted, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, fmt.Errorf("import %s: %w", spec.Path.Value, err)
		}
		f.Imports = append(f.Imports, Import{Path: unquoted, Line: m.line(spec)})
	}
	return f, nil
}

func (m *Module) line(n ast.Node) int { return m.Fset.Position(n.Pos()).Line }

func (m *Module) lines(n ast.Node) int {
	return m.Fset.Position(n.End()).Line - m.Fset.Position(n.Pos()).Line + 1
}

// Package is the package in a folder, or nil.
func (m *Module) Package(dir string) *Package {
	for _, p := range m.Packages {
		if p.Dir == dir {
			return p
		}
	}
	return nil
}

// Inside tells the folder that an import path names, if it is one of the
// module's.
func (m *Module) Inside(importPath string) (dir string, ok bool) {
	if importPath == m.Path {
		return ".", true
	}
	return strings.CutPrefix(importPath, m.Path+"/")
}

// Import is the import path of a folder.
func (m *Module) Import(dir string) string {
	if dir == "." {
		return m.Path
	}
	return m.Path + "/" + dir
}

// Shipped is the files that are compiled into a program.
func (p *Package) Shipped() []*File {
	var files []*File
	for _, f := range p.Files {
		if !f.Test {
			files = append(files, f)
		}
	}
	return files
}
