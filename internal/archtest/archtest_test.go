package archtest_test

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/talix-dev/talix/internal/archtest"
)

// root is the module's folder, seen from this package's.
const root = "../.."

func TestImports(t *testing.T) {
	t.Parallel()
	check(t, root, archtest.Imports())
}

func TestStyle(t *testing.T) {
	t.Parallel()
	lines, functions := archtest.Median(read(t, root))
	t.Logf("%d functions, their median is %d lines", functions, lines)
	check(t, root, archtest.Whole())
	for _, dir := range modules(t) {
		check(t, dir, archtest.Style())
	}
}

func TestPureWorldReachesNoIO(t *testing.T) {
	t.Parallel()
	m := read(t, root)
	for _, f := range archtest.Reach(m, list(t, m)) {
		t.Error(f)
	}
}

func TestPureWorldCompilesToWebAssembly(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("compiles the standard library for another system: run without -short")
	}
	args := []string{"build"}
	for _, dir := range read(t, root).Pure() {
		args = append(args, "./"+dir)
	}
	t.Log("go", strings.Join(args, " "))
	if _, err := gocmd(t, root, webAssembly(), args...); err != nil {
		t.Errorf("%v\nthe pure world must compile to WebAssembly: move what does I/O behind a port", err)
	}
}

func TestWebAssemblyCanFail(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("compiles the standard library for another system: run without -short")
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "go.mod"), "module example.org/m\n\ngo 1.26\n")
	write(t, filepath.Join(dir, "m.go"), "package m\n\nimport \"syscall\"\n\nvar F = syscall.Flock\n")
	if _, err := gocmd(t, dir, webAssembly(), "build", "."); err == nil {
		t.Error("a package that locks files was compiled to WebAssembly")
	}
}

func webAssembly() []string { return []string{"GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0"} }

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// check applies rules to one module, with those exceptions that are about
// these rules.
func check(t *testing.T, dir string, rules []archtest.Rule) {
	t.Helper()
	m := read(t, dir)
	if len(m.Packages) == 0 {
		t.Logf("%s has no Go files", m.Path)
		return
	}
	var exceptions []archtest.Exception
	for _, e := range archtest.Exceptions() {
		if about(e, rules) && dir == root {
			exceptions = append(exceptions, e)
		}
	}
	for _, f := range archtest.Excuse(archtest.Check(m, rules), exceptions) {
		t.Error(f)
	}
}

func about(e archtest.Exception, rules []archtest.Rule) bool {
	for _, r := range rules {
		if r.Name == e.Rule {
			return true
		}
	}
	return false
}

func TestExceptionsNameRules(t *testing.T) {
	t.Parallel()
	for _, e := range archtest.Exceptions() {
		if !about(e, slices.Concat(archtest.Imports(), archtest.Whole(), archtest.Style())) {
			t.Errorf("exceptions.go names the rule %q, which does not exist; correct it", e.Rule)
		}
	}
}

func read(t *testing.T, dir string) *archtest.Module {
	t.Helper()
	m, err := archtest.Read(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// modules is the folders of this module and of those nested in it.
func modules(t *testing.T) []string {
	t.Helper()
	var dirs []string
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && (d.Name() == "testdata" || d.Name() == ".git") {
			return fs.SkipDir
		}
		if err == nil && d.Name() == "go.mod" {
			dirs = append(dirs, filepath.Dir(name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return dirs
}

// list is the imports of all that the pure world imports, as the go command
// tells them.
func list(t *testing.T, m *archtest.Module) archtest.Graph {
	t.Helper()
	args := []string{"list", "-deps", "-f", "{{.ImportPath}}{{range .Imports}} {{.}}{{end}}"}
	for _, dir := range m.Pure() {
		args = append(args, "./"+dir)
	}
	out, err := gocmd(t, root, []string{"CGO_ENABLED=0"}, args...)
	if err != nil {
		t.Fatal(err)
	}
	g := archtest.Graph{}
	for line := range strings.Lines(out) {
		if fields := strings.Fields(line); len(fields) > 0 {
			g[fields[0]] = fields[1:]
		}
	}
	return g
}

func gocmd(t *testing.T, dir string, env []string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return string(out), err
}
