package sqlite_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/sqlite"
)

// TestFullDisk: nothing acknowledged is lost, outcomes say what happened, and
// the store goes on when there is room again.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	long(t)
	dir := smallDisk(t)
	s := open(t, sqlite.Config{Dir: dir})
	ballast := filepath.Join(dir, "ballast")
	stream, v := store.Stream{Type: "a", ID: "one"}, store.Version(0)
	for range 4 {
		_ = os.WriteFile(ballast, make([]byte, 1<<20), 0o644) // as much as fits
		v = fillDisk(t, s, stream, v)
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		durable(t, s, event(stream, v+1))
		v++
		wantVersion(t, s, stream, v)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, sqlite.Config{Dir: dir})
	wantVersion(t, s, stream, v)
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// fillDisk commits until the disk is full, and returns the last version that
// is durable.
func fillDisk(t *testing.T, s store.Store, stream store.Stream, v store.Version) store.Version {
	t.Helper()
	for size := 100_000; size > 50; {
		b := event(stream, v+1)
		b.Appends[0].Events[0].Data = bytes.Repeat([]byte("x"), size)
		switch o := s.Commit(t.Context(), 0, []store.Batch{b})[0]; o.Status {
		case store.Durable:
			v++
		case store.Failed:
			if !strings.Contains(o.Err.Error(), "disk is full") {
				t.Fatalf("the batch failed with %v", o.Err)
			}
			wantVersion(t, s, stream, v)
			repeated(t, s, stream, v)
			size /= 2
		default:
			t.Fatalf("the batch ended as %v: %v", o.Status, o.Err)
		}
	}
	return v
}

func wantVersion(t *testing.T, s store.Store, stream store.Stream, want store.Version) {
	t.Helper()
	if n, err := count(t, s, stream); store.Version(n) != want || err != nil {
		t.Fatalf("the stream has %d events (%v), want %d", n, err, want)
	}
}

// repeated: on a full disk too, a repeat is told what it got.
func repeated(t *testing.T, s store.Store, stream store.Stream, v store.Version) {
	t.Helper()
	if v == 0 {
		return
	}
	big := event(store.Stream{Type: "a", ID: "big"}, 1)
	big.Appends[0].Events[0].Data = make([]byte, 4<<20)
	outcomes := s.Commit(t.Context(), 0, []store.Batch{event(stream, v), big})
	if outcomes[0].Status != store.Duplicate || outcomes[1].Status != store.Failed {
		t.Fatalf("a repeat and a batch that does not fit ended as %v and %v", outcomes[0], outcomes[1])
	}
}
