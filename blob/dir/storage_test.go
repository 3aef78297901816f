package dir_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/talix-dev/talix/blob"
	"github.com/talix-dev/talix/blob/blobtest"
	"github.com/talix-dev/talix/blob/dir"
)

func TestStorage(t *testing.T) {
	t.Parallel()
	blobtest.Run(t, func(t *testing.T) blob.Storage { return open(t) })
}

// open makes a storage; when the test ends, nothing half written may be left.
func open(t *testing.T) *dir.Storage {
	folder := filepath.Join(t.TempDir(), "not", "yet", "there")
	s := dir.New(folder)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		expectNoTemp(t, folder)
	})
	return s
}

func expectNoTemp(t *testing.T, folder string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
		if strings.Contains(path, "~") {
			t.Errorf("left over: %s", path)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("walk %s: %v", folder, err)
	}
}

func TestFilesOutliveTheProcess(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	write(t, dir.New(folder), "a/b", "kept")
	expectFile(t, dir.New(folder), "a/b", "kept")
	if got, err := os.ReadFile(filepath.Join(folder, "a", "b")); err != nil || string(got) != "kept" {
		t.Errorf("the file in the folder = %q, %v", got, err)
	}
}

func TestOpenedAgainAfterClose(t *testing.T) {
	t.Parallel()
	s := open(t)
	write(t, s, "a", "kept")
	if err := s.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	expectFile(t, s, "a", "kept")
}

func TestSweepsWhatAKilledPutLeft(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "~put-killed"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	write(t, dir.New(folder), "a", "x")
	expectNoTemp(t, folder)
}

func TestLinksDoNotLeadOutside(t *testing.T) {
	t.Parallel()
	outside, folder := t.TempDir(), t.TempDir()
	secret := filepath.Join(outside, "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(folder, "link")); err != nil {
		t.Skip("this file system has no symbolic links")
	}
	s := dir.New(folder)
	if r, err := s.Open(t.Context(), "link/secret"); err == nil {
		t.Errorf("read a file outside of the folder")
		_ = r.Close()
	}
	if _, err := s.Put(t.Context(), "link/new", strings.NewReader("x")); err == nil {
		t.Errorf("wrote a file outside of the folder")
	}
	if err := s.Delete(t.Context(), "link/secret"); err == nil {
		t.Errorf("deleted a file outside of the folder")
	}
	if _, err := os.Stat(secret); err != nil {
		t.Errorf("the file outside: %v", err)
	}
}

func TestFileAndFolderOfOneName(t *testing.T) {
	t.Parallel()
	s := open(t)
	write(t, s, "a", "file")
	if _, err := s.Put(t.Context(), "a/b", strings.NewReader("x")); err == nil {
		t.Errorf("put a file below a file")
	}
	expectFile(t, s, "a", "file")
	write(t, s, "d/e", "file")
	if _, err := s.Put(t.Context(), "d", strings.NewReader("x")); err == nil {
		t.Errorf("put a file in place of a folder")
	}
	expectFile(t, s, "d/e", "file")
}

func TestFolderThatCannotBeMade(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := dir.New(filepath.Join(file, "data"))
	if _, err := s.Put(t.Context(), "a", strings.NewReader("x")); err == nil {
		t.Fatal("put a file below a file")
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	write(t, s, "a", "now it works")
}

func TestPanickingReaderLeavesNothing(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	s := dir.New(folder)
	func() {
		defer func() { _ = recover() }()
		_, _ = s.Put(t.Context(), "a", panicReader{})
	}()
	if _, err := s.Open(t.Context(), "a"); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("Open = %v, want ErrNotFound", err)
	}
	expectNoTemp(t, folder)
}

type panicReader struct{}

func (panicReader) Read([]byte) (int, error) { panic("reader") }

func write(t *testing.T, s *dir.Storage, key, content string) {
	t.Helper()
	if _, err := s.Put(t.Context(), key, strings.NewReader(content)); err != nil {
		t.Fatalf("Put(%q): %v", key, err)
	}
}

func expectFile(t *testing.T, s *dir.Storage, key, want string) {
	t.Helper()
	r, err := s.Open(t.Context(), key)
	if err != nil {
		t.Fatalf("Open(%q): %v", key, err)
	}
	got, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil || string(got) != want {
		t.Errorf("%q = %q, %v, want %q", key, got, err, want)
	}
}
