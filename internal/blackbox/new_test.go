package blackbox_test

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/talix-dev/talix/internal/proctest"
)

// A new project is as people keep theirs: it passes vet and its tests, can be
// built without a network, and answers requests, of which the command line then
// tells.
func TestNewProject(t *testing.T) {
	t.Parallel()
	x := buildTalix(t)
	dir := filepath.Join(t.TempDir(), "shop")
	x.run(0, "new", dir)
	if out := goIn(t, dir, "fmt", "./..."); out != "" {
		t.Errorf("gofmt would change %s", out)
	}
	goIn(t, dir, "vet", "./...")
	goIn(t, dir, "test", "./...")
	binary := filepath.Join(t.TempDir(), "shop.exe")
	goIn(t, dir, "build", "-o", binary, ".")

	p := (&proctest.Program{Path: binary}).Start(t, proctest.Config{})
	c := newClient(t)
	a, err := c.call("POST", p.URL()+"/tasks", "", `{"title": "write a test"}`)
	if err != nil || a.status != http.StatusOK {
		t.Fatalf("%d %s, %v", a.status, a.body, err)
	}
	var task struct{ TaskID string }
	if err := json.Unmarshal(a.body, &task); err != nil {
		t.Fatal(err)
	}
	if a, err := c.call("POST", p.URL()+"/tasks/"+task.TaskID+"/completion", "", ""); err != nil || a.status != http.StatusOK {
		t.Fatalf("%d %s, %v", a.status, a.body, err)
	}
	if out := x.run(0, "events", "task", task.TaskID, "--admin", p.AdminURL()); strings.Count(out, "TASKS:TASK_") != 2 {
		t.Error(out)
	}
	if out := x.run(0, "state", "task", task.TaskID, "--admin", p.AdminURL()); !strings.Contains(out, `"Done": true`) {
		t.Error(out)
	}
	stop(p)
}

// goIn runs the go command, without a network and as continuous integration has
// built everything else before.
func goIn(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOPROXY=off", "GOFLAGS=-mod=readonly", "GOWORK=off", "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("go %v: %v\n%s", args, err, out)
	}
	return string(out)
}
