package sqlite_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/sqlite"
)

// TestLogOfCommitsIsBounded behind a reader that takes its time.
func TestLogOfCommitsIsBounded(t *testing.T) {
	t.Parallel()
	long(t)
	dir := t.TempDir()
	s := open(t, sqlite.Config{Dir: dir, NoSync: true, Readers: 1})
	stream, big := store.Stream{Type: "a", ID: "one"}, store.Stream{Type: "b", ID: "two"}
	fill(t, s, 1)
	for _, err := range s.Load(t.Context(), stream, 0) {
		if err != nil {
			t.Fatal(err)
		}
		for v := range store.Version(60) {
			b := event(big, v+2)
			b.Appends[0].Events[0].Data = bytes.Repeat([]byte("x"), 4<<20)
			durable(t, s, b)
		}
	}
	info, err := os.Stat(filepath.Join(dir, "events.db-wal"))
	if err != nil || info.Size() > 100<<20 {
		t.Errorf("the write-ahead log has %v bytes (%v) after 240 MB of events", info.Size(), err)
	}
}
