package memory_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
	"github.com/talix-dev/talix/store/storetest"
)

var name = store.Stream{Type: "thing", ID: "1"}

// adds is a batch of n events that follow version v, under the given key.
func adds(v store.Version, n int, key byte) store.Batch {
	a := store.Append{Stream: name, Expect: v}
	for i := range n {
		a.Events = append(a.Events, store.Event{
			ID: store.ID{key, byte(i)}, Stream: name, Version: v + store.Version(i) + 1, Type: "T", Schema: 1,
			Data: []byte(`{}`),
		})
	}
	return store.Batch{Appends: []store.Append{a}, Key: store.ID{key}, Result: []byte{key}}
}

// faulty is a store of one partition whose commits go wrong in this order.
func faulty(t *testing.T, faults ...memory.Fault) *memory.Store {
	s := memory.New(memory.Config{Partitions: 1, Fault: func(store.Partition, []store.Batch) memory.Fault {
		if len(faults) == 0 {
			return memory.Fault{}
		}
		f := faults[0]
		faults = faults[1:]
		return f
	}})
	t.Cleanup(func() {
		storetest.Check(t, s)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func commit(t *testing.T, s *memory.Store, batches ...store.Batch) []store.Status {
	t.Helper()
	var all []store.Status
	for _, o := range s.Commit(t.Context(), 0, batches) {
		if (o.Status == store.Failed || o.Status == store.Unknown) && !errors.Is(o.Err, memory.ErrInjected) {
			t.Errorf("%v says %v, want %v", o.Status, o.Err, memory.ErrInjected)
		}
		all = append(all, o.Status)
	}
	return all
}

func want(t *testing.T, got []store.Status, want ...store.Status) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func wantEvents(t *testing.T, s *memory.Store, want int) {
	t.Helper()
	events, err := s.Log(t.Context(), 0, 0, 100)
	if err != nil || len(events) != want {
		t.Errorf("the log has %d events, %v; want %d", len(events), err, want)
	}
}

func TestFailWritesNothing(t *testing.T) {
	t.Parallel()
	s := faulty(t, memory.Fault{Kind: memory.Fail})
	b := adds(0, 2, 1)
	want(t, commit(t, s, b, adds(2, 1, 2)), store.Failed, store.Failed)
	wantEvents(t, s, 0)
	want(t, commit(t, s, b), store.Durable)
}

func TestUnknownWritten(t *testing.T) {
	t.Parallel()
	s := faulty(t, memory.Fault{Kind: memory.UnknownWritten})
	b := adds(0, 2, 1)
	want(t, commit(t, s, b, adds(7, 1, 2)), store.Unknown, store.Unknown)
	wantEvents(t, s, 2)
	if b.Appends[0].Events[0].Position != 0 {
		t.Error("the caller was told the position of what it cannot know")
	}
	want(t, commit(t, s, b), store.Duplicate)
}

func TestUnknownLost(t *testing.T) {
	t.Parallel()
	s := faulty(t, memory.Fault{Kind: memory.UnknownLost})
	want(t, commit(t, s, adds(0, 2, 1)), store.Unknown)
	wantEvents(t, s, 0)
	want(t, commit(t, s, adds(0, 2, 1)), store.Durable)
}

// TestUnknownLate: the retry of what arrives late finds that it was done.
func TestUnknownLate(t *testing.T) {
	t.Parallel()
	s := faulty(t, memory.Fault{Kind: memory.UnknownLate})
	b := adds(0, 2, 1)
	want(t, commit(t, s, b), store.Unknown)
	clear(b.Appends[0].Events)
	clear(b.Result)
	wantEvents(t, s, 0)
	if _, ok, err := s.Result(t.Context(), 0, store.ID{1}); ok || err != nil {
		t.Errorf("the result is there already (%v)", err)
	}
	want(t, commit(t, s, adds(0, 2, 1), adds(2, 1, 2)), store.Duplicate, store.Conflict)
	wantEvents(t, s, 2)
	if r, _, err := s.Result(t.Context(), 0, store.ID{1}); string(r) != "\x01" || err != nil {
		t.Errorf("the result is %q, %v", r, err)
	}
}

func TestErrOfFault(t *testing.T) {
	t.Parallel()
	own := errors.New("disk full")
	s := faulty(t, memory.Fault{Kind: memory.Fail, Err: own})
	if o := s.Commit(t.Context(), 0, []store.Batch{{}})[0]; !errors.Is(o.Err, own) {
		t.Errorf("the outcome says %v, want %v", o.Err, own)
	}
}

func TestDelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := faulty(t, memory.Fault{Delay: time.Minute})
		start := time.Now()
		want(t, commit(t, s, adds(0, 1, 1)), store.Durable)
		if d := time.Since(start); d != time.Minute {
			t.Errorf("the commit took %v, want a minute", d)
		}
	})
}

func TestDelayEndsWithContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := faulty(t, memory.Fault{Delay: time.Hour})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		o := s.Commit(ctx, 0, []store.Batch{adds(0, 1, 1)})[0]
		if o.Status != store.Failed || !errors.Is(o.Err, context.DeadlineExceeded) {
			t.Errorf("the batch ended as %v (%v)", o.Status, o.Err)
		}
		wantEvents(t, s, 0)
	})
}

// TestCloseWaitsForDelay: a call under way is done when Close returns.
func TestCloseWaitsForDelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := memory.New(memory.Config{Partitions: 1, Fault: func(store.Partition, []store.Batch) memory.Fault {
			return memory.Fault{Delay: time.Minute}
		}})
		done := make(chan store.Status, 1)
		go func() { done <- s.Commit(t.Context(), 0, []store.Batch{adds(0, 1, 1)})[0].Status }()
		synctest.Wait()
		start := time.Now()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if d := time.Since(start); d != time.Minute || <-done != store.Durable {
			t.Errorf("Close waited %v, want a minute", d)
		}
	})
}

func TestReadFault(t *testing.T) {
	t.Parallel()
	own := errors.New("cable cut")
	s := memory.New(memory.Config{ReadFault: func(method string) error {
		if method == "Result" {
			return own
		}
		return nil
	}})
	if _, _, err := s.Result(t.Context(), 0, store.ID{1}); !errors.Is(err, own) {
		t.Errorf("Result says %v, want %v", err, own)
	}
	if _, err := s.Head(t.Context(), 0); err != nil {
		t.Error(err)
	}
}

// TestPositionsSkip: or somebody comes to rely on dense ones.
func TestPositionsSkip(t *testing.T) {
	t.Parallel()
	s := faulty(t)
	first, second := adds(0, 2, 1), adds(2, 1, 2)
	want(t, commit(t, s, first, second), store.Durable, store.Durable)
	if got := second.Appends[0].Events[0].Position - first.Appends[0].Events[1].Position; got < 2 {
		t.Errorf("the second batch follows the first by %d, want a gap", got)
	}
}

// TestStrayAppends: what no engine should send is refused with a reason.
func TestStrayAppends(t *testing.T) {
	t.Parallel()
	s := faulty(t)
	twice := adds(0, 1, 1)
	twice.Appends = append(twice.Appends, adds(1, 1, 1).Appends...)
	if o := s.Commit(t.Context(), 0, []store.Batch{twice})[0]; o.Status != store.Failed || o.Err == nil {
		t.Errorf("the batch ended as %v (%v), want failed", o.Status, o.Err)
	}
	wantEvents(t, s, 0)
}

// TestUnknownRecords: what became of a batch of records tells the revision.
func TestUnknownRecords(t *testing.T) {
	t.Parallel()
	for kind, test := range map[memory.Kind]struct{ now, then bool }{
		memory.Fail: {false, false}, memory.UnknownLost: {false, false}, memory.UnknownWritten: {true, true}, memory.UnknownLate: {false, true},
	} {
		s := faulty(t, memory.Fault{Kind: kind})
		b := store.Batch{Records: []store.Change{{Record: store.Record{Space: "work", Key: "a", Rev: store.ID{1}, Due: time.Unix(1, 0)}}}}
		commit(t, s, b)
		clear(b.Records) // the caller's again
		wantRecord(t, s, kind, test.now)
		commit(t, s)
		wantRecord(t, s, kind, test.then)
	}
}

func wantRecord(t *testing.T, s *memory.Store, kind memory.Kind, want bool) {
	t.Helper()
	r, ok, err := s.Record(t.Context(), 0, "work", "a")
	if ok != want || ok && r.Rev != (store.ID{1}) || err != nil {
		t.Errorf("kind %d: the record is %+v, %t (%v); want %t", kind, r, ok, err, want)
	}
	due, err := s.Due(t.Context(), 0, "work", store.Record{}, time.Time{}, 10)
	if len(due) == 1 != want || err != nil {
		t.Errorf("kind %d: %d records are due (%v)", kind, len(due), err)
	}
}
