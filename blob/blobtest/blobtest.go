// Package blobtest is the conformance suite of the blob.Storage port. A driver
// keeps files for talix when Run passes; a bug found in a driver gets its case
// here first, so that every driver learns from it.
//
//	func TestStorage(t *testing.T) {
//		blobtest.Run(t, func(t *testing.T) blob.Storage {
//			return dir.New(t.TempDir())
//		})
//	}
package blobtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/talix-dev/talix/blob"
)

// Run checks a driver. open makes an empty storage for one test and cleans up
// through t.Cleanup; it is called from several goroutines at once.
func Run(t *testing.T, open func(t *testing.T) blob.Storage) {
	t.Helper()
	for name, check := range map[string]func(*testing.T, blob.Storage){
		"keeps what was put":                      keeps,
		"keeps a file of many pieces":             keepsLarge,
		"replaces a file":                         replaces,
		"finds nothing under an unknown key":      findsNothing,
		"deletes":                                 deletes,
		"keeps keys apart":                        keepsApart,
		"stores nothing when reading fails":       failedPut,
		"stores nothing when the caller gave up":  cancelledPut,
		"refuses keys that are no paths":          refusesKeys,
		"shows whole files to concurrent readers": wholeFiles,
		"takes puts of different keys at once":    concurrentKeys,
		"lets a reader finish":                    readerFinishes,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, open(t))
		})
	}
}

func keeps(t *testing.T, s blob.Storage) {
	for _, key := range []string{"a", "A-b_c.9", "a.b/..c/d..e/-/_", strings.Repeat("long/", 40) + "end"} {
		for _, content := range []string{"", "x", "bytes \x00\xff of any kind"} {
			put(t, s, key, content)
			expect(t, s, key, content)
		}
	}
}

func keepsLarge(t *testing.T, s blob.Storage) {
	content := strings.Repeat("0123456789abcde\n", 5<<16)
	n, err := s.Put(t.Context(), "large", iotest.DataErrReader(strings.NewReader(content)))
	if err != nil || n != int64(len(content)) {
		t.Fatalf("Put = %d, %v, want %d", n, err, len(content))
	}
	expect(t, s, "large", content)
}

func replaces(t *testing.T, s blob.Storage) {
	put(t, s, "dir/file", "a long first content")
	put(t, s, "dir/file", "short")
	expect(t, s, "dir/file", "short")
}

func findsNothing(t *testing.T, s blob.Storage) {
	absent(t, s, "nothing")
	absent(t, s, "no/folder/either")
	put(t, s, "dir/file", "x")
	absent(t, s, "dir")
	absent(t, s, "dir/other")
	absent(t, s, "dir/file/below")
}

func deletes(t *testing.T, s blob.Storage) {
	put(t, s, "dir/file", "x")
	put(t, s, "dir/other", "y")
	for _, key := range []string{"dir/file", "dir/file", "nothing", "no/folder", "dir", "dir/other/below"} {
		if err := s.Delete(t.Context(), key); err != nil {
			t.Errorf("Delete(%q): %v", key, err)
		}
	}
	absent(t, s, "dir/file")
	expect(t, s, "dir/other", "y")
	put(t, s, "dir/file", "again")
	expect(t, s, "dir/file", "again")
}

func keepsApart(t *testing.T, s blob.Storage) {
	keys := []string{"a/b", "a/c", "b/a", "ab", "a.b", "a-b", "a_b"}
	for _, key := range keys {
		put(t, s, key, "content of "+key)
	}
	for _, key := range keys {
		expect(t, s, key, "content of "+key)
	}
}

func failedPut(t *testing.T, s blob.Storage) {
	broken := errors.New("broken")
	failing := func() io.Reader {
		return io.MultiReader(strings.NewReader(strings.Repeat("x", 1<<17)), iotest.ErrReader(broken))
	}
	if n, err := s.Put(t.Context(), "new", failing()); !errors.Is(err, broken) || n != 0 {
		t.Errorf("Put = %d, %v, want 0 and the reader's error", n, err)
	}
	absent(t, s, "new")
	put(t, s, "old", "kept")
	if _, err := s.Put(t.Context(), "old", failing()); !errors.Is(err, broken) {
		t.Errorf("Put over a file = %v, want the reader's error", err)
	}
	expect(t, s, "old", "kept")
}

// cancelledPut ends the context before the first byte, and in the middle.
func cancelledPut(t *testing.T, s blob.Storage) {
	put(t, s, "old", "kept")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	piece := []byte(strings.Repeat("x", 1<<16))
	middle := io.MultiReader(bytes.NewReader(piece), callReader(cancel), bytes.NewReader(piece))
	for _, key := range []string{"old", "new"} {
		if _, err := s.Put(ctx, key, middle); !errors.Is(err, context.Canceled) {
			t.Errorf("Put(%q) = %v, want context.Canceled", key, err)
		}
		middle = bytes.NewReader(piece)
	}
	expect(t, s, "old", "kept")
	absent(t, s, "new")
}

// callReader calls f when it is read, and is empty.
type callReader func()

func (f callReader) Read([]byte) (int, error) {
	f()
	return 0, io.EOF
}

func refusesKeys(t *testing.T, s blob.Storage) {
	keys := []string{
		"", "/", "/a", "a/", "a//b", ".", "..", "./a", "a/.", "../a", "a/..", "a/../b", "a/../../b",
		"a b", "a\x00b", "a\nb", `a\b`, `..\a`, "a:b", "~a", "a*", "a%2fb", "ä", "a\xff", "C:/a", "a/\u2025/b",
	}
	for _, key := range keys {
		if n, err := s.Put(t.Context(), key, strings.NewReader("x")); err == nil || n != 0 {
			t.Errorf("Put(%q) = %d, %v, want an error", key, n, err)
		}
		if r, err := s.Open(t.Context(), key); err == nil {
			t.Errorf("Open(%q) found a file, want an error", key)
			_ = r.Close()
		}
		if err := s.Delete(t.Context(), key); err == nil {
			t.Errorf("Delete(%q) went through, want an error", key)
		}
	}
}

// wholeFiles replaces one file from several goroutines while others read it.
func wholeFiles(t *testing.T, s blob.Storage) {
	content := func(i int) string { return strings.Repeat(string(rune('a'+i)), 1<<16+i) }
	whole := map[string]bool{}
	for i := range 4 {
		whole[content(i)] = true
	}
	put(t, s, "file", content(0))
	together(8, func(i int) {
		for range 10 {
			if i < 4 {
				put(t, s, "file", content(i))
			} else if got := get(t, s, "file"); !whole[got] {
				t.Errorf("read %d bytes that nobody put", len(got))
			}
		}
	})
}

func concurrentKeys(t *testing.T, s blob.Storage) {
	key := func(i int) string { return fmt.Sprintf("deep/%d/er/%d", i%3, i) }
	together(16, func(i int) { put(t, s, key(i), key(i)) })
	for i := range 16 {
		expect(t, s, key(i), key(i))
	}
}

// readerFinishes: a file that is open when it is replaced is read as it was,
// or is refused; it is never a mixture.
func readerFinishes(t *testing.T, s blob.Storage) {
	first := strings.Repeat("a", 1<<18)
	put(t, s, "file", first)
	r, err := s.Open(t.Context(), "file")
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	defer func() { _ = r.Close() }()
	start := make([]byte, 100)
	if _, err := io.ReadFull(r, start); err != nil {
		t.Fatalf("read the start: %v", err)
	}
	put(t, s, "file", strings.Repeat("b", 1<<19))
	if rest, err := io.ReadAll(r); err == nil && string(start)+string(rest) != first {
		t.Errorf("read a mixture of two files")
	}
}

func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}

func put(t *testing.T, s blob.Storage, key, content string) {
	t.Helper()
	n, err := s.Put(t.Context(), key, strings.NewReader(content))
	if err != nil || n != int64(len(content)) {
		t.Errorf("Put(%q) = %d, %v, want %d", key, n, err, len(content))
	}
}

func get(t *testing.T, s blob.Storage, key string) string {
	t.Helper()
	r, err := s.Open(t.Context(), key)
	if err != nil {
		t.Errorf("Open(%q): %v", key, err)
		return ""
	}
	content, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		t.Errorf("read %q: %v", key, err)
	}
	return string(content)
}

func expect(t *testing.T, s blob.Storage, key, want string) {
	t.Helper()
	if got := get(t, s, key); got != want {
		t.Errorf("%q holds %d bytes %.40q, want %d bytes %.40q", key, len(got), got, len(want), want)
	}
}

func absent(t *testing.T, s blob.Storage, key string) {
	t.Helper()
	r, err := s.Open(t.Context(), key)
	if err == nil {
		_ = r.Close()
	}
	if !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("Open(%q) = %v, want ErrNotFound", key, err)
	}
}
