package cli_test

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/talix-dev/talix/internal/cli"
)

// begin runs talix new, and returns what it says.
func begin(t *testing.T, want int, env cli.Env, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	env.Stdout, env.Stderr, env.Now = &out, &out, time.Now
	if code := cli.Run(t.Context(), append([]string{"new"}, args...), env); code != want {
		t.Errorf("talix new %v ended with %d, want %d: %s", args, code, want, &out)
	}
	return out.String()
}

// sources is where this module is.
func sources(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// files are the names of all files in a folder.
func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name, err = filepath.Rel(dir, name)
			names = append(names, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func text(t *testing.T, elem ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestNew(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "work", "shop")
	if out := begin(t, cli.Done, cli.Env{Source: sources(t)}, dir, "--module", "example.org/the/shop"); !strings.Contains(out, "go test ./... && go run .") {
		t.Error(out)
	}
	want := []string{
		".gitignore", "README.md", "go.mod", "go.sum", "main.go", "task/action.go", "task/command.go", "task/task.go", "task/task_test.go",
		"task/testdata/events.json", "task/view.go",
	}
	if diff := cmp.Diff(want, files(t, dir)); diff != "" {
		t.Error(diff)
	}
	for _, name := range files(t, dir) {
		if content := text(t, dir, name); strings.Contains(content, "{{m") || strings.Contains(content, "{{n") || strings.Contains(content, "{{t") || !strings.HasSuffix(content, "\n") {
			t.Errorf("%s: %s", name, content)
		}
	}
	if main := text(t, dir, "main.go"); !strings.Contains(main, `"example.org/the/shop/task"`) || !strings.HasPrefix(main, "// Shop is") {
		t.Error(main)
	}
	if mod := text(t, dir, "go.mod"); !strings.HasPrefix(mod, "module example.org/the/shop\n") || !strings.Contains(mod, "\nreplace github.com/talix-dev/talix => ") {
		t.Error(mod)
	}
	if found, err := os.ReadDir(filepath.Dir(dir)); err != nil || len(found) != 1 {
		t.Errorf("beside the project there are %v, %v", found, err)
	}
}

// A command of a release begins projects that use that release.
func TestNewOfARelease(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "shop")
	if out := begin(t, cli.Done, cli.Env{Version: "v1.2.3"}, dir); !strings.Contains(out, "go mod tidy && go test") {
		t.Error(out)
	}
	want := "module shop\n\ngo 1.26.0\n\nrequire github.com/talix-dev/talix v1.2.3\n"
	if mod := text(t, dir, "go.mod"); mod != want {
		t.Error(mod)
	}
}

func TestNewFindsTheSource(t *testing.T) {
	t.Parallel()
	root, none := sources(t), t.TempDir()
	for name, test := range map[string]struct {
		env  cli.Env
		args []string
		want string // in go.mod, or in what it says
	}{
		"flag":     {cli.Env{Source: none, Version: "v1.2.3"}, []string{"--local", "../.."}, "=> " + filepath.ToSlash(root)},
		"variable": {cli.Env{Source: none, Getenv: func(string) string { return root }}, nil, "=> " + filepath.ToSlash(root)},
		"built":    {cli.Env{Source: root, Version: "v1.2.3"}, nil, "=> " + filepath.ToSlash(root)},
		"wrong":    {cli.Env{Source: root}, []string{"--local", none}, "is not the source of talix"},
		"unknown":  {cli.Env{}, nil, "name the folder with --local or TALIX_MODULE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, code := filepath.Join(t.TempDir(), "shop"), cli.Done
			failing := !strings.HasPrefix(test.want, "=>")
			if failing {
				code = cli.Failed
			}
			said := begin(t, code, test.env, append(test.args, dir)...)
			if !failing {
				said = text(t, dir, "go.mod")
			}
			if !strings.Contains(said, test.want) {
				t.Error(said)
			}
		})
	}
}

// What is in the way is left as it is, and nothing half-done is left.
func TestNewRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	full := filepath.Join(dir, "full")
	if err := os.MkdirAll(full, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(full, "mine"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	env := cli.Env{Source: sources(t)}
	for line, want := range map[string]string{
		"":                         "name the project",
		"a b":                      "name the project",
		dir + "/Shop":              "small letters",
		dir + "/..":                "small letters",
		dir + "/shop --module a:b": "write a module path",
		dir + "/net":               "add --module example.org/net",
		dir + "/shop --module fmt": "is a name of the Go distribution",
	} {
		if out := begin(t, cli.Misused, env, strings.Fields(line)...); !strings.Contains(out, want) {
			t.Errorf("%q: %s", line, out)
		}
	}
	for _, name := range []string{"full", "full/mine"} {
		if out := begin(t, cli.Failed, env, filepath.Join(dir, name)); !strings.Contains(out, "there is something in") && !strings.Contains(out, "folder") {
			t.Errorf("%s: %s", name, out)
		}
	}
	if left := files(t, dir); !slices.Equal(left, []string{"full/mine"}) {
		t.Errorf("%v are left", left)
	}
}

// The modules that go.mod names are those that the packages need which a
// project uses.
func TestModulesOfAProject(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("asks the go command: run without -short")
	}
	var all []string
	for _, system := range []string{"linux", "windows", "darwin"} {
		cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", "./standalone", "./talixtest")
		cmd.Dir, cmd.Env = sources(t), append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, strings.Fields(string(out))...)
	}
	slices.Sort(all)
	all = slices.DeleteFunc(slices.Compact(all), func(m string) bool { return m == "github.com/talix-dev/talix" })
	got := strings.Join(all, "\n") + "\n"
	file := filepath.Join("template", "modules")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(text(t, file), got); diff != "" {
		t.Errorf("%s; -update rewrites it\n%s", file, diff)
	}
}
