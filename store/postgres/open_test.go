package postgres_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/postgres"
)

// TestOpenRefuses what it can't open, says why, and changes nothing.
func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil string
		is    error
		says  string
	}{
		"newer format":       {"UPDATE meta SET value = '99' WHERE name = 'format'", store.ErrForeign, "newer"},
		"other format":       {"UPDATE meta SET value = 'x' WHERE name = 'format'", store.ErrForeign, "another"},
		"other tables":       {"DROP TABLE meta; CREATE TABLE theirs (id int)", store.ErrForeign, "another"},
		"other meta":         {"DROP TABLE meta; CREATE TABLE meta (id int)", store.ErrForeign, "another"},
		"no identity":        {"DELETE FROM meta WHERE name = 'identity'", store.ErrCorrupt, "backup"},
		"bad identity":       {"UPDATE meta SET value = '' WHERE name = 'identity'", store.ErrCorrupt, "backup"},
		"no partitions":      {"DELETE FROM meta WHERE name = 'partitions'", store.ErrCorrupt, "backup"},
		"missing partition":  {"DELETE FROM partitions WHERE partition = 2", store.ErrCorrupt, "3 of 4"},
		"too few partitions": {"UPDATE meta SET value = '3' WHERE name = 'partitions'", store.ErrCorrupt, "backup"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := config(t)
			if err := open(t, config).Close(); err != nil {
				t.Fatal(err)
			}
			raw(t, config, c.spoil)
			for range 2 { // the first has mended nothing
				s, err := postgres.Open(t.Context(), config)
				if err == nil {
					s.Close()
					t.Fatal("it was opened")
				}
				if !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), config.Schema) {
					t.Errorf("Open says %q, want %q, %q and the schema", err, c.is, c.says)
				}
			}
		})
	}
}

// TestOpenRefusesConfig tells all that is wrong at once.
func TestOpenRefusesConfig(t *testing.T) {
	t.Parallel()
	_, err := postgres.Open(t.Context(), postgres.Config{Schema: "A", Partitions: -1, Readers: -1, Timeout: -1})
	for _, word := range []string{`"A"`, "Partitions", "Readers", "Timeout"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("Open says %v, want a word about %s", err, word)
		}
	}
	_, err = postgres.Open(t.Context(), postgres.Config{DSN: "postgres://127.0.0.1:1/nowhere"})
	if err == nil || !strings.Contains(err.Error(), "connect") {
		t.Errorf("Open without a server says %v", err)
	}
	if _, err = postgres.Open(t.Context(), postgres.Config{DSN: "postgres://:x:y"}); err == nil {
		t.Error("Open takes any DSN")
	}
}

// TestOpenAtOnce: of several that make the store, one does, and all have it.
func TestOpenAtOnce(t *testing.T) {
	t.Parallel()
	c := config(t)
	var all sync.WaitGroup
	identities := make([]store.ID, 6)
	for i := range identities {
		all.Go(func() {
			s, err := postgres.Open(t.Context(), c)
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			identities[i] = s.Identity()
		})
	}
	all.Wait()
	for _, id := range identities {
		if id != identities[0] || id.IsZero() {
			t.Errorf("identities are %v", identities)
			break
		}
	}
}

// TestPartitionsStay: the number of partitions is that of the first Open.
func TestPartitionsStay(t *testing.T) {
	t.Parallel()
	c := config(t)
	open(t, c)
	c.Partitions = 9
	if n := open(t, c).Partitions(); n != 4 {
		t.Errorf("the store has %d partitions, want 4", n)
	}
}

// TestDamage is told, and never read as an event.
func TestDamage(t *testing.T) {
	t.Parallel()
	s0 := stream(0, 4, "s")
	for name, c := range map[string]struct {
		spoil string
		log   bool // Log sees it too
	}{
		"another payload": {"UPDATE events SET data = 'x' WHERE version = 2", true},
		"another type":    {"UPDATE events SET type = 'x' WHERE version = 2", true},
		"another time":    {"UPDATE events SET time = time + interval '1 second' WHERE version = 2", true},
		"other metadata":  {"UPDATE events SET metadata = '{}' WHERE version = 2", true},
		"another version": {"UPDATE events SET version = 9 WHERE version = 3", true},
		"a missing event": {"DELETE FROM events WHERE version = 2", false},
		"another stream":  {"UPDATE streams SET id = 'y' WHERE id = '" + s0.ID + "'", true},
		"a nameless one":  {"DELETE FROM streams", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := config(t)
			s := open(t, config)
			durable(t, s, 0, event(s0, 1), event(s0, 2), event(s0, 3))
			raw(t, config, c.spoil)
			if _, err := count(t.Context(), s, s0); !errors.Is(err, store.ErrCorrupt) && name != "another stream" && name != "a nameless one" {
				t.Errorf("Load says %v", err)
			}
			if _, err := s.Log(t.Context(), 0, 0, 10); c.log != errors.Is(err, store.ErrCorrupt) {
				t.Errorf("Log says %v", err)
			}
			if err := s.Check(t.Context()); !errors.Is(err, store.ErrCorrupt) {
				t.Errorf("Check says %v", err)
			}
		})
	}
}
