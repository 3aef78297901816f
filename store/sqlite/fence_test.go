package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/sqlite"
)

// TestFence: even where what the writer remembers is wrong, a version is not
// written twice and no gap is left.
func TestFence(t *testing.T) {
	t.Parallel()
	stream := store.Stream{Type: "a", ID: "one"}
	for name, c := range map[string]struct {
		statement string
		expect    store.Version
		want      store.Status
	}{
		"behind":          {"UPDATE heads SET version = 6 WHERE stream = 1", 5, store.Conflict},
		"ahead":           {"UPDATE heads SET version = 4 WHERE stream = 1", 5, store.Conflict},
		"behind, decided": {"UPDATE heads SET version = 6 WHERE stream = 1", 6, store.Conflict},
		"as it was":       {"UPDATE heads SET version = 5 WHERE stream = 1", 5, store.Durable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s := open(t, sqlite.Config{Dir: dir, NoSync: true})
			fill(t, s, 5)
			raw(t, filepath.Join(dir, "events.db"), c.statement)
			other := event(store.Stream{Type: "c", ID: "three"}, 1)
			outcomes := s.Commit(t.Context(), 0, []store.Batch{event(stream, c.expect+1), other})
			if outcomes[0].Status != c.want || outcomes[1].Status != store.Durable {
				t.Errorf("the batches ended as %v (%v) and %v (%v)", outcomes[0].Status, outcomes[0].Err, outcomes[1].Status, outcomes[1].Err)
			}
		})
	}
}

// TestLoadInsideLoad, deeper than there are connections, with commits.
func TestLoadInsideLoad(t *testing.T) {
	t.Parallel()
	s := open(t, sqlite.Config{Dir: t.TempDir(), NoSync: true, Readers: 1})
	stream := store.Stream{Type: "a", ID: "one"}
	fill(t, s, 200)
	n, v := 0, store.Version(200)
	for outer, err := range s.Load(t.Context(), stream, 0) {
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range s.Load(t.Context(), stream, outer.Version) {
			if err != nil {
				t.Fatal(err)
			}
			n++
			break
		}
		v++
		durable(t, s, event(stream, v))
	}
	if n != 200 {
		t.Errorf("%d loops of 200 were entered", n)
	}
}

// TestFreshRepeat is found wherever in a long stream its events stand.
func TestFreshRepeat(t *testing.T) {
	t.Parallel()
	s := open(t, sqlite.Config{Dir: t.TempDir(), NoSync: true})
	stream := store.Stream{Type: "a", ID: "one"}
	var all, others []store.Batch
	for v := range store.Version(300) {
		b, other := event(stream, v+1), event(stream, v+1)
		other.Key[0], other.Appends[0].Events[0].Command[0] = 2, 2
		b.Fresh, other.Fresh = true, true
		all, others = append(all, b), append(others, other)
	}
	durable(t, s, all...)
	for i := range all {
		outcomes := append(s.Commit(t.Context(), 0, all[i:i+1]), s.Commit(t.Context(), 0, others[i:i+1])...)
		if outcomes[0].Status != store.Duplicate || string(outcomes[0].Result) != string(all[i].Result) || outcomes[1].Status != store.Conflict {
			t.Errorf("version %d: the repeat ended as %v (%v), another as %v (%v)", i+1, outcomes[0].Status, outcomes[0].Err, outcomes[1].Status, outcomes[1].Err)
		}
	}
}
