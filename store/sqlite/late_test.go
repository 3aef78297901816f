package sqlite_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/sqlite"
	"github.com/talix-dev/talix/store/storetest"
)

// crashed copies what a store that is open has on the disk, as its end by
// kill -9 would leave it.
func crashed(t *testing.T, dir string) (copied string) {
	t.Helper()
	copied = t.TempDir()
	for name, content := range files(t, dir) {
		if name != "lock" && name != "events.db-shm" {
			write(t, filepath.Join(copied, name), []byte(content))
		}
	}
	return copied
}

// TestRecall: after a crash, where streams end is found out from the log,
// wherever the sweeps of the heads were.
func TestRecall(t *testing.T) {
	t.Parallel()
	for _, every := range []int{0, 1, 10, 77, 500} {
		t.Run(fmt.Sprint(every), func(t *testing.T) {
			t.Parallel()
			dir, random := t.TempDir(), rand.New(rand.NewPCG(1, uint64(every)))
			s := open(t, sqlite.Config{Dir: dir, NoSync: true, Recall: every})
			versions := make(map[store.Stream]store.Version)
			for range 6 {
				grow(t, s, random, versions)
				copied := crashed(t, dir)
				after := open(t, sqlite.Config{Dir: copied, NoSync: true, Recall: every})
				wantVersions(t, after, versions)
				more := make(map[store.Stream]store.Version)
				for name, v := range versions {
					more[name] = v
				}
				grow(t, after, random, more)
				wantVersions(t, after, more)
			}
		})
	}
}

// grow commits groups of events of many streams.
func grow(t *testing.T, s *sqlite.Store, random *rand.Rand, versions map[store.Stream]store.Version) {
	t.Helper()
	for range 20 {
		batches := make([]store.Batch, 1+random.IntN(20))
		for i := range batches {
			name := store.Stream{Type: "a", ID: fmt.Sprint(random.IntN(200))}
			versions[name]++
			batches[i] = event(name, versions[name])
			batches[i].Key = store.ID{} // streams of similar names have keys in common
		}
		durable(t, s, batches...)
	}
}

func wantVersions(t *testing.T, s *sqlite.Store, versions map[store.Stream]store.Version) {
	t.Helper()
	for name, v := range versions {
		wantVersion(t, s, name, v)
	}
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
	storetest.Check(t, s)
}

// TestHeadsAreCompleteAfterClose, so that nothing is left to find out.
func TestHeadsAreCompleteAfterClose(t *testing.T) {
	t.Parallel()
	dir := filled(t, 70)
	const query = "SELECT count(*), sum(h.version), sum(h.anchor > 0), (SELECT value FROM meta WHERE name = 'heads') FROM heads h JOIN ends e USING(stream, version, position)"
	if got := texts(t, filepath.Join(dir, "events.db"), query); !slices.Equal(got[0], []string{"2", "140", "2", "140"}) {
		t.Errorf("the heads are %q", got)
	}
}

// TestRecallFindsDamage: a chain that is broken where heads are still to be
// found out is not followed.
func TestRecallFindsDamage(t *testing.T) {
	t.Parallel()
	for name, statement := range map[string]string{
		"a missing event": "DELETE FROM events WHERE position = 7",
		"a wrong version": "UPDATE events SET version = 9 WHERE position = 7",
		"a wrong chain":   "UPDATE events SET prev = 2 WHERE position = 7",
		"another stream":  "UPDATE events SET stream = 2 WHERE position = 7",
		"a wrong head":    "INSERT INTO heads VALUES(1, 2, 2, 0)",
		"no position":     "DELETE FROM meta WHERE name = 'heads'",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			fill(t, open(t, sqlite.Config{Dir: dir, NoSync: true}), 5)
			copied := crashed(t, dir)
			raw(t, filepath.Join(copied, "events.db"), statement)
			s, err := sqlite.Open(t.Context(), sqlite.Config{Dir: copied})
			if err == nil {
				err = s.Check(t.Context())
				s.Close()
			}
			wantCorrupt(t, "Open", err)
		})
	}
}

// TestCheckOfCrashedStore finds what is wrong about a store whose heads are
// not all written.
func TestCheckOfCrashedStore(t *testing.T) {
	t.Parallel()
	for name, statement := range map[string]string{
		"a missing head":  "DELETE FROM heads WHERE stream = 1",
		"an old head":     "UPDATE heads SET version = 2, position = 3 WHERE stream = 1",
		"a new position":  "UPDATE meta SET value = value + 1 WHERE name = 'heads'",
		"a missing event": "DELETE FROM events WHERE position = 3",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filled(t, 5)
			s := open(t, sqlite.Config{Dir: dir, NoSync: true})
			durable(t, s, event(store.Stream{Type: "b", ID: "two"}, 6))
			copied := crashed(t, dir)
			raw(t, filepath.Join(copied, "events.db"), statement)
			after, err := sqlite.Open(t.Context(), sqlite.Config{Dir: copied})
			if err == nil {
				err = after.Check(t.Context())
				after.Close()
			}
			wantCorrupt(t, "the store", err)
		})
	}
}

// TestLoadWhileHeadsAreWritten sees every event that was acknowledged before it
// began, however commits, sweeps and refused groups meet.
func TestLoadWhileHeadsAreWritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, sqlite.Config{Dir: dir, NoSync: true, Recall: 5})
	raw(t, filepath.Join(dir, "events.db"), "CREATE TRIGGER stop BEFORE INSERT ON events WHEN new.data = 'stop' BEGIN SELECT RAISE(ABORT, 'stopped'); END")
	names := []store.Stream{{Type: "a", ID: "0"}, {Type: "a", ID: "1"}, {Type: "a", ID: "2"}}
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() { readBehind(t, s, done) })
	}
	stopped := event(names[0], 1)
	stopped.Appends[0].Events[0].Data = []byte("stop")
	for v := range store.Version(200) {
		for _, name := range names {
			b, fails := event(name, v+1), stopped
			fails.Appends = []store.Append{{Stream: name, Expect: v, Events: slices.Clone(stopped.Appends[0].Events)}}
			fails.Appends[0].Events[0].Stream, fails.Appends[0].Events[0].Version, fails.Key = name, v+1, store.ID{9}
			if o := s.Commit(t.Context(), 0, []store.Batch{fails})[0]; o.Status != store.Failed {
				t.Errorf("a batch ended as %v", o.Status)
			}
			b.Key = store.ID{}
			durable(t, s, b)
		}
	}
	close(done)
	readers.Wait()
}

// readBehind holds Load to what Log knows.
func readBehind(t *testing.T, s *sqlite.Store, done chan struct{}) {
	var last store.Position
	for {
		page, err := s.Log(t.Context(), 0, last, 10)
		if err != nil {
			t.Error(err)
			return
		}
		for _, e := range page {
			last = e.Position
			if n, err := count(t, s, e.Stream); store.Version(n) < e.Version || err != nil {
				t.Errorf("Load of %v yields %d events (%v), the log knows %d", e.Stream, n, err, e.Version)
				return
			}
		}
		select {
		case <-done:
			if len(page) == 0 {
				return
			}
		default:
		}
	}
}
