package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":            "module example.com/m\n\ngo 1.26\n",
		"m.go":              "package m\n\nimport \"os\"\n\nfunc F() { os.Exit(0) }\n",
		"m_windows.go":      "package m\n\nfunc g() { missing() }\n",
		"m_darwin_test.go":  "package m\n\nvar _ = absent\n",
		"cmd/c/c_darwin.go": "package main\n\nfunc main() {}\n",
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for system, want := range map[string]string{
		"linux/amd64": "", "windows/amd64": "undefined: missing", "darwin/arm64": "undefined: absent", "windows": "GOOS/GOARCH",
	} {
		err := check(root, system)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", system, err, want)
		}
	}
}
