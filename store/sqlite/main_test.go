package sqlite_test

import (
	"os"
	"os/exec"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const childDir = "TALIX_SQLITE_TEST_DIR"

// inChild tells whether the test runs in a process that child started, and in
// which folder.
func inChild() (dir string, yes bool) {
	dir = os.Getenv(childDir)
	return dir, dir != ""
}

// child runs the same test in a process of its own.
func child(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	return cmd
}
