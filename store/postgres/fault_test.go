package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/postgres"
	"github.com/talix-dev/talix/store/storetest"
)

// writer commits to one partition as an engine does: what was not told for
// certain is committed again, under the same key and version.
type writer struct {
	tb        testing.TB
	store     store.Store
	partition store.Partition
	of        int
	batches   int // that are durable
	unknown   *atomic.Int64
}

// batch is the n-th of the partition, counted from 0. Two of three are fresh,
// and each third one has a second stream; a mark counts them all.
func (w *writer) batch(n int) store.Batch {
	b := event(stream(w.partition, w.of, "one"), store.Version(n+1))
	b.Key[15] = byte(w.partition)
	b.Appends[0].Events[0].Command = b.Key
	b.Marks = []store.Mark{{Consumer: "count", From: store.Position(n), To: store.Position(n + 1)}}
	if b.Fresh = n%3 != 0; !b.Fresh {
		second := event(stream(w.partition, w.of, "two"), store.Version(n/3+1))
		second.Appends[0].Events[0].Command = b.Key
		b.Appends = append(b.Appends, second.Appends...)
	}
	b.Records = []store.Change{{Record: store.Record{Space: "n", Key: fmt.Sprint(n), Rev: b.Key, Data: b.Result}}}
	return b
}

// commit goes on until the next n batches are stored, some at a time.
func (w *writer) commit(ctx context.Context, n int) {
	for end := w.batches + n; w.batches < end && ctx.Err() == nil; {
		var batches []store.Batch
		for i := range min(3, end-w.batches) {
			batches = append(batches, w.batch(w.batches+i))
		}
		for i, o := range w.store.Commit(ctx, w.partition, batches) {
			if !w.took(i, batches[i], o) {
				break
			}
			w.batches++
		}
	}
}

func (w *writer) took(i int, b store.Batch, o store.Outcome) bool {
	switch o.Status {
	case store.Durable:
		return true
	case store.Duplicate:
		if !bytes.Equal(o.Result, b.Result) {
			w.tb.Errorf("a repeat got %q, want %q", o.Result, b.Result)
		}
		return true
	case store.Unknown:
		w.unknown.Add(1)
		if o.Err == nil {
			w.tb.Error("an unknown outcome does not say why")
		}
	case store.Failed:
	case store.Conflict: // behind a duplicate
		if i == 0 {
			w.tb.Errorf("the only writer of partition %d got a conflict", w.partition)
		}
	}
	return false
}

// verify holds the store against what the writer knows.
func (w *writer) verify(s *postgres.Store) {
	one, two := stream(w.partition, w.of, "one"), stream(w.partition, w.of, "two")
	for name, want := range map[store.Stream]int{one: w.batches, two: (w.batches + 2) / 3} {
		if n, err := count(w.tb.Context(), s, name); err != nil || n != want {
			w.tb.Errorf("stream %v has %d events (%v), want %d", name, n, err, want)
		}
	}
	at, _, err := s.Mark(w.tb.Context(), "count", w.partition)
	if err != nil || int(at) != w.batches {
		w.tb.Errorf("the mark is %d (%v), want %d", at, err, w.batches)
	}
	records, err := s.Records(w.tb.Context(), w.partition, "n", "", "", w.batches+10)
	if err != nil || len(records) != w.batches {
		w.tb.Errorf("there are %d records (%v), want %d", len(records), err, w.batches)
	}
	for n := 0; n < w.batches; n += 3 {
		b := w.batch(n)
		if result, found, err := s.Result(w.tb.Context(), w.partition, b.Key); err != nil || !found || !bytes.Equal(result, b.Result) {
			w.tb.Errorf("the result of batch %d is %q, %v, %v", n, result, found, err)
		}
	}
}

// TestCutConnections: whenever connections break, outcomes tell the truth, and
// what is committed again is stored once.
func TestCutConnections(t *testing.T) {
	t.Parallel()
	direct := config(t)
	truth := open(t, direct)
	p, behind := newProxy(t, direct)
	s := open(t, behind)
	var unknown atomic.Int64
	writers := make([]*writer, 4)
	for i := range writers {
		writers[i] = &writer{tb: t, store: s, partition: store.Partition(i), of: 4, unknown: &unknown}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for round := 0; ctx.Err() == nil && (round < 5 || unknown.Load() < 20); round++ {
		p.budget.Store(40_000) // a session begins with about 4,000
		p.cut()
		inParallel(4, func(i int) { writers[i].commit(ctx, 30) })
	}
	p.budget.Store(0)
	t.Logf("%d outcomes were unknown", unknown.Load())
	if unknown.Load() == 0 {
		t.Error("no commit was cut, so nothing was shown")
	}
	for _, w := range writers {
		w.commit(t.Context(), 1)
		w.verify(truth)
	}
	storetest.Check(t, truth)
}

// TestStalledServer: a commit that is not answered in time is unknown, and may
// land later; then a repeat is told so.
func TestStalledServer(t *testing.T) {
	t.Parallel()
	direct := config(t)
	truth := open(t, direct)
	direct.Timeout = 2 * time.Second
	p, behind := newProxy(t, direct)
	s := open(t, behind)
	one := stream(1, 4, "one")
	late := []store.Batch{event(one, 1), event(one, 2)}
	p.stall(s, late)
	p.thaw()
	eventually(t, "the late commit landed", func() bool { n, _ := count(t.Context(), truth, one); return n == 2 })
	for i, o := range s.Commit(t.Context(), 1, late) {
		if o.Status != store.Duplicate || !bytes.Equal(o.Result, late[i].Result) {
			t.Errorf("the repeat ended as %v (%v)", o.Status, o.Err)
		}
	}
	durable(t, s, 1, event(one, 3))
	storetest.Check(t, truth)
}

// TestLateCommitIsFenced by the version of a faster one, and found out.
func TestLateCommitIsFenced(t *testing.T) {
	t.Parallel()
	direct := config(t)
	truth := open(t, direct)
	direct.Timeout = 2 * time.Second
	p, behind := newProxy(t, direct)
	s := open(t, behind)
	one := stream(1, 4, "one")
	late, fast := event(one, 1), event(one, 1)
	late.Fresh, fast.Key[0] = true, 9
	fast.Appends[0].Events[0].Command[0] = 9
	finished := p.stall(s, []store.Batch{late})
	durable(t, truth, 1, fast)
	p.thaw()
	eventually(t, "the server has seen the late commit", func() bool { return p.finished.Load() > finished })
	if o := s.Commit(t.Context(), 1, []store.Batch{late})[0]; o.Status != store.Conflict {
		t.Errorf("the late commit, repeated, ended as %v (%v), want conflict", o.Status, o.Err)
	}
	events, err := truth.Log(t.Context(), 1, 0, 10)
	if err != nil || len(events) != 1 || events[0].ID != fast.Appends[0].Events[0].ID {
		t.Errorf("the log holds %v (%v), want the faster commit alone", events, err)
	}
	storetest.Check(t, truth)
}

// stall makes batches of partition 1 hang on their way to the server until they
// are unknown, and tells how many connections were finished before.
func (p *proxy) stall(s store.Store, batches []store.Batch) (finished int64) {
	p.tb.Helper()
	for range 20 {
		durable(p.tb, s, 0, store.Batch{Records: []store.Change{{Record: store.Record{Space: "s", Key: "k", Rev: store.ID{1}}, Blind: true}}})
		finished = p.finished.Load()
		p.freeze()
		outcomes := s.Commit(p.tb.Context(), 1, batches)
		if outcomes[0].Status != store.Failed { // as when the connection was asked first whether it stands
			wantUnknown(p.tb, outcomes)
			return finished
		}
		p.thaw()
	}
	p.tb.Fatal("the commit does not hang")
	return 0
}

func wantUnknown(t testing.TB, outcomes []store.Outcome) {
	t.Helper()
	for i, o := range outcomes {
		if o.Status != store.Unknown || !errors.Is(o.Err, context.DeadlineExceeded) {
			t.Errorf("batch %d ended as %v (%v), want unknown", i, o.Status, o.Err)
		}
	}
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	limit := time.After(time.Minute)
	for !is() {
		select {
		case <-again.C:
		case <-limit:
			t.Fatalf("after a minute it is still not so that %s", what)
		}
	}
}

// TestServerGone: without a server nothing is written, and that is said at
// once.
func TestServerGone(t *testing.T) {
	t.Parallel()
	p, behind := newProxy(t, config(t))
	s := open(t, behind)
	p.close()
	eventually(t, "the loss is known", func() bool {
		o := s.Commit(t.Context(), 0, []store.Batch{event(stream(0, 4, "s"), 1)})[0]
		return o.Status == store.Failed && o.Err != nil
	})
	if _, err := s.Head(t.Context(), 0); err == nil {
		t.Error("Head without a server gives no error")
	}
}
