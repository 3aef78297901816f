package process

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"
)

// Program is a compiled main package.
type Program struct {
	// Path is its file.
	Path string
}

// Source is what to compile.
type Source struct {
	// Package is the folder of a main package below the module's root, as in
	// "./examples/bank".
	Package string
	// Overlay are texts that are compiled in place of files of the module, by
	// their names below its root, as in "internal/cluster/term.go".
	Overlay map[string]string
}

// Build compiles a program, with the race detector if the caller has it too. The
// file is kept in the user's cache and made anew only when its source changed,
// so that calling Build often is cheap.
func Build(ctx context.Context, s Source) (*Program, error) {
	root, err := Root()
	if err != nil {
		return nil, fmt.Errorf("build %s: %w", s.Package, err)
	}
	file, err := s.target(root)
	if err != nil {
		return nil, fmt.Errorf("build %s: %w", s.Package, err)
	}
	if err := s.compile(ctx, root, file); err != nil {
		return nil, fmt.Errorf("build %s: %w", s.Package, err)
	}
	return &Program{Path: file}, nil
}

// compile holds a lock, because the go command does not: two programs may need
// the same file at once.
func (s Source) compile(ctx context.Context, root, file string) error {
	unlock, err := lock(file + ".lock")
	if err != nil {
		return err
	}
	defer unlock()
	args := []string{"build", "-o", file}
	if raceEnabled {
		args = append(args, "-race")
	}
	if len(s.Overlay) > 0 {
		if err := s.lay(root, file+".overlay"); err != nil {
			return err
		}
		args = append(args, "-overlay", filepath.Join(file+".overlay", "overlay.json"))
	}
	cmd := exec.CommandContext(ctx, "go", append(args, s.Package)...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// lay writes the overlay into a folder, in the form that the go command reads.
func (s Source) lay(root, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	replace := map[string]string{}
	for name, text := range s.Overlay {
		file := filepath.Join(dir, digest(name)+path.Ext(name))
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return err
		}
		replace[filepath.Join(root, filepath.FromSlash(name))] = file
	}
	data, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "overlay.json"), data, 0o600)
}

// Root is the nearest folder with a go.mod, from the working directory upwards.
func Root() (string, error) {
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
			return "", errors.New("no go.mod in this folder or above it: run this in the module")
		}
		dir = up
	}
}

// target is the file to build, one for each checkout, package, mode and overlay.
func (s Source) target(root string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = filepath.Join(root, "bin") // no home: a folder that git ignores
	}
	parts := []string{root, path.Clean(s.Package), mode()}
	if len(s.Overlay) > 0 {
		laid, err := json.Marshal(s.Overlay) // in the order of names
		if err != nil {
			return "", err
		}
		parts = append(parts, string(laid))
	}
	dir := filepath.Join(cache, "talix", "proctest", digest(strings.Join(parts, "\x00")))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	name := path.Base(s.Package)
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(dir, name), nil
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

func mode() string {
	if raceEnabled {
		return "race"
	}
	return "plain"
}
