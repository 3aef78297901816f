package sqlite_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/sqlite"
)

// record is due at a second of its own.
func record(key string, n int) store.Record {
	return store.Record{Space: "work", Key: key, Rev: store.ID{byte(n), byte(n >> 8), 1}, Due: time.Unix(int64(n), 0).UTC(), Data: fmt.Appendf(nil, `{"value":%d}`, n)}
}

// fillRecords puts records whether they are there or not.
func fillRecords(t testing.TB, s store.Store, n int) {
	t.Helper()
	var b store.Batch
	for i := range n {
		b.Records = append(b.Records, store.Change{Record: record(fmt.Sprintf("r%03d", i), i), Blind: true})
	}
	durable(t, s, b)
}

func wantRecords(t testing.TB, s *sqlite.Store, n int) {
	t.Helper()
	byKey, err := s.Records(t.Context(), 0, "work", "r", "", n+1)
	if err != nil || len(byKey) != n {
		t.Errorf("there are %d records (%v), want %d", len(byKey), err, n)
	}
	byDue, err := s.Due(t.Context(), 0, "work", store.Record{}, time.Time{}, n+1)
	if err != nil || len(byDue) != n {
		t.Errorf("%d records are due (%v), want %d", len(byDue), err, n)
	}
}

// TestDamagedRecord: a flipped byte is not read as a record.
func TestDamagedRecord(t *testing.T) {
	t.Parallel()
	for name, statement := range map[string]string{
		"data":            "UPDATE records SET data = '{}' WHERE key = 'r037'",
		"revision":        "UPDATE records SET rev = zeroblob(16) WHERE key = 'r037'",
		"time":            "UPDATE records SET due = due + 1 WHERE key = 'r037'",
		"no time":         "UPDATE records SET due = NULL WHERE key = 'r037'",
		"key":             "UPDATE records SET key = 'r0370' WHERE key = 'r037'",
		"space":           "UPDATE records SET space = 'job' WHERE key = 'r037'",
		"another's data":  "UPDATE records SET data = (SELECT data FROM records WHERE key = 'r038') WHERE key = 'r037'",
		"a checksum of 0": "UPDATE records SET sum = 0 WHERE key = 'r037'",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, path := recorded(t)
			raw(t, path, statement)
			wantCorrupt(t, "Check", s.Check(t.Context()))
			_, first := s.Records(t.Context(), 0, "work", "", "", 100)
			_, second := s.Records(t.Context(), 0, "job", "", "", 100)
			wantCorrupt(t, "Records", firstError(first, second))
			if name != "space" && name != "no time" {
				_, err := s.Due(t.Context(), 0, "work", store.Record{}, time.Time{}, 100)
				wantCorrupt(t, "Due", err)
			}
			if name != "space" && name != "key" {
				_, _, err := s.Record(t.Context(), 0, "work", "r037")
				wantCorrupt(t, "Record", err)
			}
		})
	}
}

// recorded is a store with records and events, which is sound.
func recorded(t *testing.T) (s *sqlite.Store, path string) {
	t.Helper()
	dir := t.TempDir()
	s = open(t, sqlite.Config{Dir: dir, NoSync: true})
	fill(t, s, 3)
	fillRecords(t, s, 50)
	if err := s.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s, filepath.Join(dir, "events.db")
}

// TestRecordWithoutSum is one that a human wrote.
func TestRecordWithoutSum(t *testing.T) {
	t.Parallel()
	s, path := recorded(t)
	raw(t, path, "UPDATE records SET data = 'by hand', sum = NULL WHERE key = 'r037'")
	got, ok, err := s.Record(t.Context(), 0, "work", "r037")
	if err != nil || !ok || string(got.Data) != "by hand" {
		t.Errorf("the record is %q, %v (%v)", got.Data, ok, err)
	}
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestDueNeedsItsIndex: it never looks at what is not due.
func TestDueNeedsItsIndex(t *testing.T) {
	t.Parallel()
	s, path := recorded(t)
	raw(t, path, "DROP INDEX records_due")
	if due, err := s.Due(t.Context(), 0, "work", store.Record{}, time.Time{}, 100); err == nil {
		t.Errorf("%d records are due, found without the index", len(due))
	}
}

func TestBackupHoldsRecords(t *testing.T) {
	t.Parallel()
	s, _ := recorded(t)
	dir := t.TempDir()
	if err := s.Backup(t.Context(), filepath.Join(dir, "events.db")); err != nil {
		t.Fatal(err)
	}
	fillRecords(t, s, 60)
	restored := open(t, sqlite.Config{Dir: dir})
	wantRecords(t, restored, 50)
	if err := restored.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestFailedGroupLeavesRecords: where a group can't be written, none of its
// records is, and what comes after is judged by what is there.
func TestFailedGroupLeavesRecords(t *testing.T) {
	t.Parallel()
	s, path := recorded(t)
	raw(t, path, "CREATE TRIGGER stop BEFORE INSERT ON events WHEN new.data = 'stop' BEGIN SELECT RAISE(ABORT, 'stopped'); END")
	stopped := event(store.Stream{Type: "c", ID: "three"}, 1)
	stopped.Appends[0].Events[0].Data = []byte("stop")
	old, next := record("r000", 0), record("r000", 77)
	move := store.Batch{Records: []store.Change{{Record: next, From: old.Rev}, {Record: store.Record{Space: "work", Key: "r001"}, Op: store.DeleteUnder}}}
	for i, o := range s.Commit(t.Context(), 0, []store.Batch{move, stopped}) {
		if o.Status != store.Failed || o.Err == nil {
			t.Errorf("batch %d ended as %v (%v), want failed", i, o.Status, o.Err)
		}
	}
	wantRecords(t, s, 50)
	durable(t, s, move)
	wantRecords(t, s, 49)
	if got, _, err := s.Record(t.Context(), 0, "work", "r000"); err != nil || got.Rev != next.Rev || !bytes.Equal(got.Data, next.Data) {
		t.Errorf("the record is %+v (%v)", got, err)
	}
}
