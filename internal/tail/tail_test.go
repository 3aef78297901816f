package tail_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/talix-dev/talix/internal/tail"
	"github.com/talix-dev/talix/store"
)

// journal is a log of events whose versions are their positions.
type journal struct {
	events []store.Event
	reads  int
}

func (j *journal) Partitions() int { return 1 }

func (j *journal) Head(context.Context, store.Partition) (store.Position, error) {
	if len(j.events) == 0 {
		return 0, nil
	}
	return j.events[len(j.events)-1].Position, nil
}

func (j *journal) Log(_ context.Context, _ store.Partition, after store.Position, max int) (found []store.Event, _ error) {
	j.reads++
	for _, e := range j.events {
		if e.Position > after && len(found) < max {
			found = append(found, e)
		}
	}
	return found, nil
}

// add commits events at the given positions, and returns them for Publish.
func (j *journal) add(positions ...store.Position) (events []*store.Event) {
	for _, p := range positions {
		e := store.Event{Position: p, Version: store.Version(p), Data: []byte("{}")}
		j.events = append(j.events, e)
		events = append(events, &e)
	}
	return events
}

func open(t *testing.T, j *journal) *tail.Tail {
	t.Helper()
	tl, err := tail.Open(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	return tl
}

func expect(t *testing.T, tl *tail.Tail, after store.Position, max int, want ...store.Position) {
	t.Helper()
	events, err := tl.Read(t.Context(), 0, after, max)
	if err != nil {
		t.Fatal(err)
	}
	got := []store.Position{}
	for _, e := range events {
		got = append(got, e.Position)
	}
	if len(got) != len(want) {
		t.Fatalf("after %d: %v, want %v", after, got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("after %d: %v, want %v", after, got, want)
		}
	}
}

func TestWhoKeepsUpReadsFromMemory(t *testing.T) {
	t.Parallel()
	j := &journal{}
	tl := open(t, j)
	tl.Publish(0, j.add(1, 2, 3))
	expect(t, tl, 0, 10, 1, 2, 3)
	expect(t, tl, 1, 1, 2)
	if j.reads != 0 {
		t.Errorf("the log was read %d times", j.reads)
	}
}

func TestWhoLagsReadsTheLog(t *testing.T) {
	t.Parallel()
	j := &journal{}
	j.add(1, 2)
	tl := open(t, j)
	tl.Publish(0, j.add(3))
	expect(t, tl, 0, 10, 1, 2, 3)
	expect(t, tl, 2, 10, 3)
	if j.reads != 1 {
		t.Errorf("the log was read %d times, want once", j.reads)
	}
}

// Where positions skip, another writer may have been at work: no event of its
// may be missed.
func TestGap(t *testing.T) {
	t.Parallel()
	j := &journal{}
	tl := open(t, j)
	tl.Publish(0, j.add(1))
	j.add(2) // another's
	tl.Publish(0, j.add(3))
	expect(t, tl, 1, 10, 2, 3)
	expect(t, tl, 2, 10, 3)
}

func TestRefresh(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := &journal{}
		tl := open(t, j)
		tl.Publish(0, j.add(1))
		got := make(chan int)
		go func() {
			events, err := tl.Read(t.Context(), 0, 1, 10)
			if err != nil {
				t.Error(err)
			}
			got <- len(events)
		}()
		synctest.Wait()
		j.add(2) // its commit's outcome was not known
		if err := tl.Refresh(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		if n := <-got; n != 1 || tl.Head(0) != 2 {
			t.Errorf("%d events, head %d", n, tl.Head(0))
		}
	})
}

func TestReadEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tl := open(t, &journal{})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			_, err := tl.Read(ctx, 0, 0, 1)
			ended <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

// What was published long ago is left to the log.
func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	j := &journal{}
	tl := open(t, j)
	for i := range store.Position(40_000) {
		tl.Publish(0, j.add(i+1))
	}
	expect(t, tl, 0, 1, 1)
	if j.reads != 1 {
		t.Error("the first event is still held in memory")
	}
	expect(t, tl, 39_999, 1, 40_000)
	if j.reads != 1 {
		t.Error("the last event was read from the log")
	}
}
