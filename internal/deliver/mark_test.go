package deliver_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/talix-dev/talix/internal/deliver"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

// A mark that someone else has moved is an error, which operators are to see,
// unless the partition was lost: then its new owner has.
func TestMarkIsMovedByOthers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ owns, claimed, tells bool }{
		"a second runtime":         {owns: true, tells: true},
		"the partition was lost":   {},
		"the commits were fenced":  {owns: true, claimed: true},
		"lost, and fenced besides": {claimed: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			begun, moved := make(chan struct{}), make(chan struct{})
			w := newWorld(t, memory.Config{Partitions: 1}, func(context.Context, *store.Event) deliver.Run {
				close(begun)
				<-moved
				return deliver.Run{}
			})
			w.log = slog.New(slog.NewTextHandler(&log, nil))
			w.change = append(w.change, func(c *deliver.Config) {
				c.MarkEvery = time.Hour // it is stored at the end
				c.Own = func(store.Partition) bool { return test.owns }
			})
			h := w.start()
			h.emit("THING:OTHER", "a", 1)
			h.make("a", 1)
			<-begun
			other := w.store.(*memory.Store).Share()
			if test.claimed {
				claim(t, w.store.(*memory.Store), "this")
				claim(t, other, "other")
			}
			mark := store.Mark{Consumer: "action/act", To: 1}
			if o := other.Commit(t.Context(), 0, []store.Batch{{Marks: []store.Mark{mark}}})[0]; o.Status != store.Durable {
				t.Fatal(o)
			}
			close(moved)
			h.stop()
			if tells := strings.Contains(log.String(), "level=ERROR"); tells != test.tells {
				t.Errorf("an error is told: %t, want %t:\n%s", tells, test.tells, &log)
			}
		})
	}
}

// claim claims the only partition, of which the owner before has no lease.
func claim(t *testing.T, s store.Leases, node string) {
	t.Helper()
	if _, ok, err := s.Claim(t.Context(), 0, node); err != nil || !ok {
		t.Fatalf("claim: %t, %v", ok, err)
	}
}
