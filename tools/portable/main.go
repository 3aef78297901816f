// Command portable checks that packages and their tests fit the systems named,
// without cgo: all names and types are there. It reads the source of what they
// depend on without the bodies of its functions, which takes a small part of the
// time of compiling all that for each system.
//
//	go -C tools run ./portable windows/amd64 darwin/arm64
package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/tools/go/packages"
)

func main() {
	root, err := filepath.Abs("..")
	for _, system := range os.Args[1:] {
		err = errors.Join(err, check(root, system))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// check loads all packages below root as system sees them.
func check(root, system string) error {
	goos, goarch, found := strings.Cut(system, "/")
	if !found {
		return fmt.Errorf("check %s: give a system as GOOS/GOARCH", system)
	}
	loaded, err := packages.Load(&packages.Config{
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles | packages.NeedImports | packages.NeedDeps |
			packages.NeedTypes | packages.NeedTypesSizes | packages.NeedSyntax,
		Dir: root, Env: append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+goarch),
		Tests: true,
		ParseFile: func(files *token.FileSet, name string, source []byte) (*ast.File, error) {
			file, err := parser.ParseFile(files, name, source, parser.SkipObjectResolution)
			if file != nil && !strings.HasPrefix(name, root+string(filepath.Separator)) {
				dropBodies(file)
			}
			return file, err
		},
	}, "./...")
	if err != nil {
		return fmt.Errorf("load packages for %s: %w", system, err)
	}
	return faults(loaded, system)
}

func dropBodies(file *ast.File) {
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok {
			f.Body = nil
		}
	}
}

// faults are those of the packages loaded. What they depend on has some for its
// lack of bodies, such as imports that nothing uses.
func faults(loaded []*packages.Package, system string) error {
	var all []error
	for _, p := range loaded {
		if strings.HasSuffix(p.ID, ".test") {
			continue // the program around tests, which is generated
		}
		for _, e := range p.Errors {
			all = append(all, fmt.Errorf("%s: %w", system, e))
		}
	}
	if len(loaded) == 0 {
		all = append(all, fmt.Errorf("%s: there are no packages", system))
	}
	return errors.Join(all...)
}
