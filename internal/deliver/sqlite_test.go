package deliver_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
	"github.com/talix-dev/talix/store/sqlite"
)

// eventually waits until something holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !holds(); <-time.After(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: waited in vain", what)
		}
	}
}

// The embedded store keeps lanes as the one in memory does.
func TestLanesOnDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open := func() *sqlite.Store {
		s, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := open()
	t.Cleanup(func() { // after the check of the store
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	w := newWorld(t, memory.Config{}, failAt(3, errBug))
	w.action.Retry.First, w.action.Retry.Max, w.action.Retry.Attempts = time.Millisecond, time.Millisecond, 3
	w.store = s
	h := w.start()
	const entities, events = 20, 10
	for range events {
		for i := range entities {
			h.make(fmt.Sprint("e", i), 1)
		}
	}
	parked := func() int {
		n := 0
		for _, lane := range h.lanes() {
			if lane.Status == work.Parked && lane.Event != nil && lane.Event.Version == 3 && lane.Behind == 7 {
				n++
			}
		}
		return n
	}
	eventually(t, "all park", func() bool { return parked() == entities })
	h.stop()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open()
	w.store = s
	w.become(ok)
	h = w.start()
	if n := parked(); n != entities {
		t.Errorf("%d are parked after the restart", n)
	}
	if n, err := h.dispatcher.Replay(t.Context(), "act"); n != entities || err != nil {
		t.Errorf("replayed %d: %v", n, err)
	}
	eventually(t, "all items go", func() bool { return w.items() == 0 })
	h.stop()
	for i := range entities {
		if got := w.doneOf(fmt.Sprint("e", i)); !slices.Equal(got, versions(1, events)) {
			t.Errorf("e%d: %v", i, got)
		}
	}
	var mark store.Position
	for _, status := range h.dispatcher.Status() {
		mark = status.Mark
	}
	if mark != entities*events {
		t.Errorf("the mark is at %d", mark)
	}
}
