// Package compiletest holds programs that must not compile, which show what the
// types of the public API forbid, and the code of the documentation, which must.
package compiletest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The first line of each program says what the compiler has to say of it; the
// one in testdata/right has to compile, or the others would fail for its sake.
func TestPrograms(t *testing.T) {
	t.Parallel()
	programs, err := filepath.Glob("testdata/*/main.go")
	if err != nil || len(programs) < 10 {
		t.Fatal(len(programs), err)
	}
	for _, program := range programs {
		t.Run(filepath.Base(filepath.Dir(program)), func(t *testing.T) {
			t.Parallel()
			source, err := os.ReadFile(program)
			if err != nil {
				t.Fatal(err)
			}
			first, _, _ := strings.Cut(string(source), "\n")
			want, wrong := strings.CutPrefix(first, "// want: ")
			out, err := compile(t, "./"+filepath.Dir(program))
			switch {
			case !wrong && err != nil:
				t.Errorf("it does not compile: %s", out)
			case wrong && err == nil:
				t.Error("it compiles")
			case wrong && !regexp.MustCompile(want).Match(out):
				t.Errorf("the compiler says:\n%s\nwhich does not match %q", out, want)
			}
		})
	}
}

// The program in the README is whole, short, and compiles.
func TestReadme(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(readme), "```go\n")
	program, _, found := strings.Cut(rest, "```")
	if lines := strings.Count(program, "\n"); !found || lines > 35 {
		t.Fatalf("the README's first program has %d lines, at most 35 are wanted", lines)
	}
	file := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(file, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := compile(t, file); err != nil {
		t.Errorf("it does not compile: %s", out)
	}
}

// compile has the compiler check a program, without linking it.
func compile(t *testing.T, program string) ([]byte, error) {
	t.Helper()
	return exec.CommandContext(t.Context(), "go", "vet", program).CombinedOutput()
}
