package sqlite_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/sqlite"
)

// TestTrimOfMixedAges: results of one commit are trimmed by their own times,
// not by that of their commit, whatever the portions.
func TestTrimOfMixedAges(t *testing.T) {
	t.Parallel()
	for _, portion := range []int{1, 7, 600, 5000} {
		t.Run(fmt.Sprint(portion), func(t *testing.T) {
			t.Parallel()
			s := open(t, sqlite.Config{Dir: t.TempDir(), NoSync: true})
			start := time.UnixMicro(1_700_000_000_000_000).UTC()
			n := 1200
			if testing.Short() {
				n = 300
			}
			batches := make([]store.Batch, n)
			for i := range batches {
				batches[i] = store.Batch{Key: store.ID{byte(i * 7), byte(i >> 8), byte(i), 1}, Time: start.Add(time.Duration(i*77%n) * time.Second)}
			}
			durable(t, s, batches[:n/2]...)
			durable(t, s, batches[n/2:]...)
			for _, age := range []int{0, 100, 101, 700, n} {
				before := start.Add(time.Duration(age) * time.Second)
				trimAll(t, s, before, portion)
				wantKept(t, s, batches, before)
			}
		})
	}
}

func trimAll(t *testing.T, s store.Store, before time.Time, portion int) {
	t.Helper()
	for {
		n, err := s.Trim(t.Context(), before, portion)
		if err != nil || n > portion {
			t.Fatalf("Trim forgot %d (%v), at most %d", n, err, portion)
		}
		if n < portion {
			return
		}
	}
}

func wantKept(t *testing.T, s store.Store, batches []store.Batch, since time.Time) {
	t.Helper()
	for _, b := range batches {
		_, found, err := s.Result(t.Context(), 0, b.Key)
		if err != nil || found == b.Time.Before(since) {
			t.Fatalf("the result of %v is there: %v (%v), trimmed before %v", b.Time, found, err, since)
		}
	}
}
