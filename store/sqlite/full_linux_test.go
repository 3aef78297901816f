package sqlite_test

import (
	"bufio"
	"errors"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/sqlite"
)

// smallDisk is a file system with room for 6 MB, which root alone may make.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("talix", dir, "tmpfs", 0, "size=6m"); err != nil {
		t.Skipf("mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// TestBrokenDisk: after an input or output error of a commit the store
// refuses everything, and what was acknowledged is there when it is opened
// anew. The error is that of a process that may not write larger files.
func TestBrokenDisk(t *testing.T) {
	t.Parallel()
	if dir, yes := inChild(); yes {
		breakDisk(t, dir)
		return
	}
	dir := t.TempDir()
	out, err := child(t, dir).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "refuses") {
		t.Fatalf("%v\n%s", err, out)
	}
	s := open(t, sqlite.Config{Dir: dir})
	n, err := count(t, s, store.Stream{Type: "a", ID: "one"})
	if n < 100 || err != nil {
		t.Errorf("%d events are left (%v)", n, err)
	}
	scanner := bufio.NewScanner(strings.NewReader(string(out)))
	for scanner.Scan() {
		if v, ok := strings.CutPrefix(scanner.Text(), "acknowledged "); ok && len(v) > n {
			t.Errorf("%d events are left of %d", n, len(v))
		}
	}
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
	durable(t, s, event(store.Stream{Type: "a", ID: "one"}, store.Version(n+1)))
}

func breakDisk(t *testing.T, dir string) {
	signal.Ignore(syscall.SIGXFSZ)
	s := open(t, sqlite.Config{Dir: dir})
	stream := store.Stream{Type: "a", ID: "one"}
	fill(t, s, 100)
	limit := syscall.Rlimit{Cur: 1 << 20, Max: 1 << 20}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	v := store.Version(100)
	for {
		o := s.Commit(t.Context(), 0, []store.Batch{event(stream, v+1)})[0]
		if o.Status == store.Durable {
			v++
			continue
		}
		if o.Status != store.Unknown {
			t.Fatalf("the batch ended as %v: %v", o.Status, o.Err)
		}
		break
	}
	refuses(t, s, stream, v)
	os.Stdout.WriteString("acknowledged " + strings.Repeat("x", int(v)) + "\nrefuses\n")
}

// refuses: a repeat of what is not known stays unknown, a new batch fails, and
// nothing is read.
func refuses(t *testing.T, s store.Store, stream store.Stream, v store.Version) {
	other := store.Stream{Type: "c", ID: "three"}
	outcomes := s.Commit(t.Context(), 0, []store.Batch{event(stream, v+1), event(other, 1)})
	if outcomes[0].Status != store.Unknown || outcomes[1].Status != store.Failed || !strings.Contains(outcomes[1].Err.Error(), "open it anew") {
		t.Fatalf("later batches ended as %v and %v", outcomes[0], outcomes[1])
	}
	_, loadErr := count(t, s, stream)
	_, _, resultErr := s.Result(t.Context(), 0, store.ID{1})
	_, headErr := s.Head(t.Context(), 0)
	for _, err := range []error{loadErr, resultErr, headErr} {
		if err == nil || errors.Is(err, store.ErrClosed) {
			t.Fatalf("a read says %v", err)
		}
	}
}
