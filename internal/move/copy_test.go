package move_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/talix-dev/talix/internal/move"
	"github.com/talix-dev/talix/internal/result"
	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

// Every store into one of every other number of partitions.
func TestCopyKeepsEventsInOrder(t *testing.T) {
	t.Parallel()
	for _, n := range [][2]int{{1, 1}, {1, 4}, {4, 1}, {4, 4}, {4, 7}, {1, 64}} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			from, to := inMemory(n[0]), inMemory(n[1])
			fill(t, from, 40, 2000, 1)
			did := copyTo(t, from, to)
			if did.Events != 2000 || did.Verified.Events != 2000 || did.Verified.Entities != 40 {
				t.Errorf("it did %+v", did)
			}
			if sum := same(t, from, to); sum != did.Verified {
				t.Errorf("%+v, and the copy said %+v", sum, did.Verified)
			}
			wantByTime(t, to)
		})
	}
}

// wantByTime: events of several partitions come as they happened.
func wantByTime(t *testing.T, s store.Store) {
	t.Helper()
	for p := range store.Partition(s.Partitions()) {
		var last time.Time
		for _, e := range logOf(t, s, p) {
			if e.Time.Before(last) {
				t.Fatalf("%v %d stands behind a later event", e.Stream, e.Version)
			}
			last = e.Time
		}
	}
}

// A repeat of a command after the move gets its first reply, whether or not it
// led to events.
func TestCopyKeepsResults(t *testing.T) {
	t.Parallel()
	for _, n := range [][2]int{{1, 1}, {1, 8}, {8, 1}, {3, 5}} {
		from, to := inMemory(n[0]), inMemory(n[1])
		fill(t, from, 20, 300, 2)
		silent := ids().New()
		s := streamOf(3)
		commit(t, from, store.PartitionOf(s, n[0]), store.Batch{Key: silent, Result: replyOf(s, "silent"), Time: noon()})
		did := copyTo(t, from, to)
		if did.Results != 301 {
			t.Errorf("%v: %d results", n, did.Results)
		}
		for p := range store.Partition(n[1]) {
			for _, e := range logOf(t, to, p) {
				want, _, err := from.Result(t.Context(), store.PartitionOf(e.Stream, n[0]), e.Command)
				if err != nil {
					t.Fatal(err)
				}
				got, found, err := to.Result(t.Context(), p, e.Command)
				if err != nil || !found || string(got) != string(want) {
					t.Fatalf("%v: the result of %v is %q, %v, %v", n, e.Stream, got, found, err)
				}
			}
		}
		if got, _, err := to.Result(t.Context(), store.PartitionOf(s, n[1]), silent); err != nil || string(got) != string(replyOf(s, "silent")) {
			t.Errorf("%v: a command without events has the result %q, %v", n, got, err)
		}
		if n, err := to.Trim(t.Context(), noon().Add(time.Hour), 1<<20); err != nil || n != 301 {
			t.Errorf("%d are trimmed at their time, %v", n, err)
		}
	}
}

// The result of a group stands where its first entity is, wherever its events
// are.
func TestCopyKeepsResultsOfGroups(t *testing.T) {
	t.Parallel()
	const n = 64
	from, to := inMemory(1), inMemory(n)
	source := ids()
	for i := range 20 {
		first, second := batchOf(source, streamOf(2*i), 1, i), batchOf(source, streamOf(2*i+1), 1, i)
		second.Appends[0].Events[0].Command = first.Key
		first.Appends = append(first.Appends, second.Appends...)
		commit(t, from, 0, first)
	}
	copyTo(t, from, to)
	for _, e := range logOf(t, from, 0) {
		want, _, err := from.Result(t.Context(), 0, e.Command)
		if err != nil {
			t.Fatal(err)
		}
		home, _, err := result.Open(want)
		if err != nil {
			t.Fatal(err)
		}
		if got, _, err := to.Result(t.Context(), home.In(n), e.Command); err != nil || string(got) != string(want) {
			t.Errorf("the result of %v is %q, %v", e.Command, got, err)
		}
	}
	if kept, err := to.Results(t.Context(), store.KeptResult{}, 100); err != nil || len(kept) != 20 {
		t.Errorf("%d results were copied to be %d, %v", 20, len(kept), err)
	}
}

// A result that does not tell where it belongs is refused rather than lost.
func TestCopyRefusesStrangeResults(t *testing.T) {
	t.Parallel()
	from := inMemory(2)
	key := ids().New()
	commit(t, from, 1, store.Batch{Key: key, Result: []byte("strange"), Time: noon()})
	copyTo(t, from, inMemory(2))
	copyTo(t, from, inMemory(1))
	_, err := move.Copy(t.Context(), move.CopyConfig{From: from, To: inMemory(3), IDs: ids()})
	if !errors.Is(err, result.ErrForm) || !strings.Contains(err.Error(), key.String()) {
		t.Errorf("%v", err)
	}
}

// Records come to where they are looked for, as they are.
func TestCopyCarriesRecords(t *testing.T) {
	t.Parallel()
	const n = 7
	from, to := inMemory(1), inMemory(n)
	for _, c := range []struct {
		space, key string
		home       store.Stream
	}{
		{"work", "event/act%2Fa/type%2F1/e%251", store.Stream{Type: "type/1", ID: "e%1"}},
		{"work", "workflow/order/o1", store.Stream{Type: "workflow/order", ID: "o1"}},
		{"work", "request/0190", store.Stream{Type: "request", ID: "0190"}},
		{"work", "schedule/nightly", store.Stream{Type: "schedule", ID: "nightly"}},
		{"work", "schedule/nightly/2026-03-01T00:00:00Z", store.Stream{Type: "schedule", ID: "nightly"}},
		{"work", "timer/remind/type%2F1/e1/k", store.Stream{Type: "type/1", ID: "e1"}},
		{"work", "timer/remind///k", store.Stream{Type: "timer/remind", ID: "k"}},
		{"work", "message/mail/lane/m1", store.Stream{Type: "message", ID: "mail"}},
		{"seen", "message/mail/lane/m2", store.Stream{Type: "message", ID: "mail"}},
		{"step", "workflow/order/o1/0003.0001", store.Stream{Type: "workflow/order", ID: "o1"}},
		{"step", "undone/workflow/order/o1/0001", store.Stream{Type: "workflow/order", ID: "o1"}},
		{"step", "undo/workflow/order/o1/2/0001", store.Stream{Type: "workflow/order", ID: "o1"}},
		{"snapshot", "type%2F1/e%1/x", store.Stream{Type: "type/1", ID: "e%1/x"}},
		{"signal", "workflow/order/o1/paid/0190", store.Stream{Type: "workflow/order", ID: "o1"}},
	} {
		rec := store.Record{Space: c.space, Key: c.key, Data: []byte(c.key + "\x00"), Due: noon()}
		put(t, from, 0, rec)
		want, _, err := from.Record(t.Context(), 0, c.space, c.key)
		if err != nil {
			t.Fatal(err)
		}
		copyTo(t, from, to)
		got, found, err := to.Record(t.Context(), store.PartitionOf(c.home, n), c.space, c.key)
		if err != nil || !found || string(got.Data) != string(want.Data) || got.Rev != want.Rev || !got.Due.Equal(want.Due) {
			t.Errorf("%q in %q is %+v, %v, %v", c.key, c.space, got, found, err)
		}
	}
}

// Many records, of which some are large and some stand in several partitions of
// the source, come over as they are; what went is gone after another copy.
func TestCopyCarriesManyRecords(t *testing.T) {
	t.Parallel()
	for _, n := range [][2]int{{1, 7}, {3, 1}, {3, 5}} {
		from, to := inMemory(n[0]), inMemory(n[1])
		const many = 10_000
		key := func(i int) string { return fmt.Sprintf("workflow/a/%04d", i) }
		source := ids()
		for p := range store.Partition(n[0]) {
			var batch store.Batch
			for i := range many {
				rec := store.Record{Space: work.Space, Key: key(i), Rev: source.New(), Data: []byte(key(i))}
				if i%500 == 0 {
					rec.Data = make([]byte, 1<<20)
				}
				if i%n[0] == int(p) || i < 10 {
					batch.Records = append(batch.Records, store.Change{Record: rec, Blind: true})
				}
			}
			commit(t, from, p, batch)
		}
		did := copyTo(t, from, to)
		if want := int64(many + 10*(n[0]-1)); did.Records != want {
			t.Errorf("%v: %d records, want %d", n, did.Records, want)
		}
		for p := range store.Partition(n[0]) {
			commit(t, from, p, store.Batch{Records: []store.Change{{Op: store.DeleteUnder, Record: store.Record{Space: work.Space, Key: "workflow/a/5"}}}})
		}
		copyTo(t, from, to)
		for i := range many {
			home := store.PartitionOf(store.Stream{Type: "workflow/a", ID: fmt.Sprintf("%04d", i)}, n[1])
			rec, found, err := to.Record(t.Context(), home, work.Space, key(i))
			if err != nil || found != (i/1000 != 5) || found && i%500 != 0 && string(rec.Data) != key(i) {
				t.Fatalf("%v: %q is %q, %v, %v", n, key(i), rec.Data, found, err)
			}
		}
	}
}

// What a finished run wrote stands at other positions now, for which no query
// can wait.
func TestCopyForgetsPositions(t *testing.T) {
	t.Parallel()
	from, to := inMemory(1), inMemory(1)
	data, err := json.Marshal(work.Item{Kind: work.Workflow, Action: "a", Status: work.Done, Header: map[string]string{"wrote": "0:17", "other": "x"}})
	if err != nil {
		t.Fatal(err)
	}
	put(t, from, 0, store.Record{Space: work.Space, Key: "workflow/a/1", Data: data})
	copyTo(t, from, to)
	rec, _, err := to.Record(t.Context(), 0, work.Space, "workflow/a/1")
	if err != nil || strings.Contains(string(rec.Data), "wrote") || !strings.Contains(string(rec.Data), "other") {
		t.Errorf("%s, %v", rec.Data, err)
	}
}

func TestCopyRefusesStrangeRecords(t *testing.T) {
	t.Parallel()
	from := inMemory(1)
	put(t, from, 0, store.Record{Space: "news", Key: "k"})
	copyTo(t, from, inMemory(1))
	_, err := move.Copy(t.Context(), move.CopyConfig{From: from, To: inMemory(2), IDs: ids()})
	if err == nil || !strings.Contains(err.Error(), `"news"`) {
		t.Errorf("%v", err)
	}
}

// Another copy brings over what came to the source, and takes away what went.
func TestCopyAgainBringsWhatCame(t *testing.T) {
	t.Parallel()
	from, to := inMemory(2), inMemory(3)
	fill(t, from, 10, 100, 3)
	put(t, from, 0, store.Record{Space: work.Space, Key: "workflow/a/gone"})
	copyTo(t, from, to)
	put(t, from, 1, store.Record{Space: work.Space, Key: "workflow/a/come"})
	for q := range store.Partition(2) {
		commit(t, from, q, store.Batch{Records: []store.Change{{Op: store.Delete, Blind: true, Record: store.Record{Space: work.Space, Key: "workflow/a/gone"}}}})
	}
	s := store.Stream{Type: "late", ID: "1"}
	commit(t, from, store.PartitionOf(s, 2), batchOf(ids(), s, 1, 1))
	if did := copyTo(t, from, to); did.Events != 1 {
		t.Errorf("%+v", did)
	}
	for id, want := range map[string]bool{"gone": false, "come": true} {
		home := store.PartitionOf(store.Stream{Type: "workflow/a", ID: id}, 3)
		if _, found, err := to.Record(t.Context(), home, work.Space, "workflow/a/"+id); err != nil || found != want {
			t.Errorf("%s: %v, %v", id, found, err)
		}
	}
}

func TestCopyRefusesWhatHoldsOtherData(t *testing.T) {
	t.Parallel()
	from := inMemory(1)
	fill(t, from, 3, 10, 4)
	other := inMemory(2)
	fill(t, other, 3, 10, 5)
	copied := inMemory(2)
	copyTo(t, other, copied)
	served := inMemory(1)
	copyTo(t, from, served)
	if err := move.Enter(t.Context(), served); err != nil {
		t.Fatal(err)
	}
	marked, noted, kept := inMemory(1), inMemory(1), inMemory(1)
	mark(t, marked, "action/a", 0, 1)
	put(t, noted, 0, store.Record{Space: work.Space, Key: "workflow/a/1"})
	commit(t, kept, 0, store.Batch{Key: ids().New(), Time: noon()})
	for name, to := range map[string]*memory.Store{"of another": copied, "full": other, "served": served, "marked": marked, "noted": noted, "kept": kept} {
		if _, err := move.Copy(t.Context(), move.CopyConfig{From: from, To: to, IDs: ids()}); !errors.Is(err, move.ErrOccupied) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := move.Copy(t.Context(), move.CopyConfig{From: from, To: from, IDs: ids()}); err == nil {
		t.Error("a store was copied to itself")
	}
}

// Killed after every commit, and gone on with: equal, and nothing is taken for
// a store before.
func TestCopyIsGoneOnWith(t *testing.T) {
	t.Parallel()
	from := inMemory(3)
	versions := fill(t, from, 12, 150, 6)
	for s := range versions {
		put(t, from, store.PartitionOf(s, 3), store.Record{Space: work.Space, Key: "event/act/" + strings.ReplaceAll(strings.ReplaceAll(s.Type, "%", "%25"), "/", "%2F") + "/" + strings.ReplaceAll(s.ID, "%", "%25")})
	}
	for p := range store.Partition(3) {
		mark(t, from, "action/act", p, 10)
	}
	for seed := range 3 {
		rounds := brokenCopy(t, from, seed)
		t.Logf("seed %d: %d rounds", seed, rounds)
	}
}

var errKilled = errors.New("killed")

func brokenCopy(t *testing.T, from *memory.Store, seed int) (rounds int) {
	t.Helper()
	var calls, limit atomic.Int64
	var cancel context.CancelCauseFunc
	to := memory.New(memory.Config{Partitions: 2 + seed, Fault: func(store.Partition, []store.Batch) memory.Fault {
		if calls.Add(1) != limit.Load() {
			return memory.Fault{}
		}
		cancel(errKilled)
		kinds := []memory.Kind{memory.UnknownWritten, memory.UnknownLost, memory.UnknownLate}
		return memory.Fault{Kind: kinds[(int(limit.Load())+seed)%3], Err: errKilled}
	}})
	for rounds = 1; ; rounds++ {
		var ctx context.Context
		ctx, cancel = context.WithCancelCause(t.Context())
		calls.Store(0)
		limit.Store(int64(rounds))
		_, err := move.Copy(ctx, move.CopyConfig{From: from, To: to, IDs: ids(), Pace: move.Pace{Chunk: 16}})
		cancel(nil)
		if err == nil {
			same(t, from, to)
			if err := move.Enter(t.Context(), to); err != nil {
				t.Error(err)
			}
			return rounds
		}
		if !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
		if err := move.Enter(t.Context(), to); rounds > 3 && !errors.Is(err, move.ErrUnfinished) {
			t.Fatalf("after round %d a runtime may enter: %v", rounds, err)
		}
	}
}

// A store that fails now and then does not end a copy.
func TestCopyBearsFaults(t *testing.T) {
	t.Parallel()
	from := inMemory(2)
	fill(t, from, 5, 60, 7)
	n := 0
	to := memory.New(memory.Config{Partitions: 1, Fault: func(store.Partition, []store.Batch) memory.Fault {
		if n++; n%3 != 0 {
			return memory.Fault{}
		}
		return memory.Fault{Kind: []memory.Kind{memory.Fail, memory.UnknownWritten, memory.UnknownLost}[n/3%3], Err: errKilled}
	}})
	copyTo(t, from, to)
	same(t, from, to)
}

func TestCopyNoticesWriters(t *testing.T) {
	t.Parallel()
	from, to := inMemory(1), inMemory(1)
	fill(t, from, 5, 60, 8)
	written := false
	_, err := move.Copy(t.Context(), move.CopyConfig{From: from, To: to, IDs: ids(), Pace: move.Pace{Progress: func(p move.Progress) {
		if p.Phase == "marks" && !written {
			written = true
			s := store.Stream{Type: "late", ID: "1"}
			commit(t, from, 0, batchOf(ids(), s, 1, 1))
		}
	}}})
	if err == nil || !strings.Contains(err.Error(), "written to meanwhile") {
		t.Errorf("%v", err)
	}
	copyTo(t, from, to)
	if _, err := move.Copy(t.Context(), move.CopyConfig{From: unfinished(t), To: inMemory(1), IDs: ids()}); !errors.Is(err, move.ErrUnfinished) {
		t.Errorf("half a copy was copied: %v", err)
	}
}

// A store that nodes of a cluster work on is neither copied nor filled: what they
// keep beside events may change without a trace.
func TestCopyRefusesServedStores(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"source", "target", "source, later"} {
		from, to := inMemory(2), inMemory(3)
		fill(t, from, 5, 60, 8)
		served := map[string]*memory.Store{"source": from, "target": to}[name]
		beat := func(s *memory.Store, lease time.Duration) {
			if err := s.Beat(t.Context(), "node-1", "address", lease); err != nil {
				t.Fatal(err)
			}
		}
		if served != nil {
			beat(served, time.Hour)
		}
		_, err := move.Copy(t.Context(), move.CopyConfig{From: from, To: to, IDs: ids(), Pace: move.Pace{Progress: func(p move.Progress) {
			if p.Phase == "marks" && served == nil {
				beat(from, time.Hour)
			}
		}}})
		if err == nil || !strings.Contains(err.Error(), "the node node-1 works on") {
			t.Errorf("%s: %v", name, err)
		}
		for _, s := range []*memory.Store{from, to} {
			if err := s.Leave(t.Context(), "node-1"); err != nil {
				t.Fatal(err)
			}
		}
		copyTo(t, from, to)
	}
}

// unfinished is half a copy.
func unfinished(t *testing.T) *memory.Store {
	t.Helper()
	from, to := inMemory(1), inMemory(1)
	fill(t, from, 5, 60, 9)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := move.Copy(ctx, move.CopyConfig{From: from, To: to, IDs: ids(), Pace: move.Pace{Progress: func(p move.Progress) {
		if p.Phase == "events" && p.Done > 0 {
			cancel()
		}
	}}})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	return to
}

// The marks of a store of one partition are exact in one of many.
func TestCopyPlacesMarks(t *testing.T) {
	t.Parallel()
	for _, n := range [][2]int{{1, 1}, {1, 6}, {5, 1}, {5, 3}, {4, 4}} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			from, to := inMemory(n[0]), inMemory(n[1])
			fill(t, from, 30, 900, 10)
			done := map[string]map[store.ID]bool{}
			for i, consumer := range []string{"action/a", "action/b", "action/all", "action/none", "action/now"} {
				done[consumer] = standAt(t, from, consumer, i)
			}
			for p := range store.Partition(n[0]) {
				mark(t, from, "action/now#from-now", p, 1)
			}
			did := copyTo(t, from, to)
			t.Logf("%d marks, %d guards", did.Marks, did.Guards)
			if n[0] == 1 && did.Guards > 0 {
				t.Errorf("%d guards though nothing was joined", did.Guards)
			}
			for consumer, handled := range done {
				wantHandled(t, to, consumer, handled)
			}
			for p := range store.Partition(n[1]) {
				if at, _, err := to.Mark(t.Context(), "action/now#from-now", p); err != nil || at != 1 {
					t.Errorf("partition %d: the flag is %d, %v", p, at, err)
				}
			}
		})
	}
}

// standAt sets a consumer's marks somewhere, and returns what it has done.
func standAt(t *testing.T, s store.Store, consumer string, i int) map[store.ID]bool {
	t.Helper()
	done := map[store.ID]bool{}
	for p := range store.Partition(s.Partitions()) {
		events := logOf(t, s, p)
		n := len(events) * (i + int(p)) % (len(events) + 1)
		switch consumer {
		case "action/all":
			n = len(events)
		case "action/none":
			n = 0
		}
		if n == 0 {
			continue
		}
		mark(t, s, consumer, p, events[n-1].Position)
		for _, e := range events[:n] {
			done[e.ID] = true
		}
	}
	return done
}

// wantHandled: the marks and guards tell of the same events.
func wantHandled(t *testing.T, s *memory.Store, consumer string, want map[store.ID]bool) {
	t.Helper()
	for p := range store.Partition(s.Partitions()) {
		at, _, err := s.Mark(t.Context(), consumer, p)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range logOf(t, s, p) {
			done := e.Position <= at || e.Version < guarded(t, s, p, consumer, e.Stream)
			if done != want[e.ID] {
				t.Errorf("%s: %v %d is done: %v, want %v", consumer, e.Stream, e.Version, done, want[e.ID])
			}
		}
	}
}

func guarded(t *testing.T, s *memory.Store, p store.Partition, consumer string, stream store.Stream) store.Version {
	t.Helper()
	escape := strings.NewReplacer("%", "%25", "/", "%2F")
	key := "event/" + strings.TrimPrefix(consumer, "action/") + "/" + escape.Replace(stream.Type) + "/" + escape.Replace(stream.ID)
	rec, found, err := s.Record(t.Context(), p, work.Space, key)
	if err != nil {
		t.Fatal(err)
	}
	var item work.Item
	if found {
		if err := json.Unmarshal(rec.Data, &item); err != nil || item.Status != work.Done {
			t.Errorf("%q: %+v, %v", key, item, err)
		}
	}
	return item.Version
}
