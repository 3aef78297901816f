package proctest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// Program is a compiled main package.
type Program struct {
	// Path is its file.
	Path string
}

// Build compiles a main package, named by its folder below the module's root as
// in "./examples/bank", with the race detector if the test has it too. The file
// is kept in the user's cache and made anew only when its source changed, so
// that calling Build in every test is cheap.
func Build(t testing.TB, pkg string) *Program {
	t.Helper()
	root, err := moduleRoot()
	if err != nil {
		t.Fatalf("build %s: %v", pkg, err)
	}
	file, err := target(root, pkg)
	if err != nil {
		t.Fatalf("build %s: %v", pkg, err)
	}
	if err := compile(t, root, pkg, file); err != nil {
		t.Fatalf("build %s: %v", pkg, err)
	}
	return &Program{Path: file}
}

// compile holds a lock, because the go command does not: two test programs may
// need the same file at once.
func compile(t testing.TB, root, pkg, file string) error {
	unlock, err := lock(file + ".lock")
	if err != nil {
		return err
	}
	defer unlock()
	args := []string{"build", "-o", file}
	if raceEnabled {
		args = append(args, "-race")
	}
	cmd := exec.CommandContext(t.Context(), "go", append(args, pkg)...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// moduleRoot is the nearest folder with a go.mod, from the test's upwards.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("no go.mod in this folder or above it: run the tests in the module")
		}
		dir = up
	}
}

// target is the file to build, one for each checkout, package and mode.
func target(root, pkg string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = filepath.Join(root, "bin") // no home: a folder that git ignores
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{root, path.Clean(pkg), mode()}, "\x00")))
	dir := filepath.Join(cache, "talix", "proctest", hex.EncodeToString(sum[:8]))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	name := path.Base(pkg)
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(dir, name), nil
}

func mode() string {
	if raceEnabled {
		return "race"
	}
	return "plain"
}
