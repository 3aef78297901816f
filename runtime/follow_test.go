package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store/memory"
)

// follow reads the log until it has so many events, each once and in order.
func follow(t *testing.T, rt *runtime.Runtime, after []int64, events int) (last []int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	last = append(last, after...)
	n := 0
	found, err := rt.Log().Follow(ctx, after)
	if err != nil {
		t.Fatal(err)
	}
	for e, err := range found {
		if err != nil {
			t.Fatal(err)
		}
		if e.Position <= last[e.Partition] {
			t.Fatalf("position %d of partition %d came after %d", e.Position, e.Partition, last[e.Partition])
		}
		last[e.Partition] = e.Position
		if n++; n == events {
			break
		}
	}
	if n != events {
		t.Fatalf("%d events came, want %d", n, events)
	}
	return last
}

func TestFollow(t *testing.T) {
	t.Parallel()
	w := newWorld()
	rt := start(t, w, checked(t, memory.Config{Partitions: 3}))
	put := func(n int) {
		for i := range n {
			if _, err := talix.Run(rt.Context(t.Context()), w.put, fmt.Sprint("p", i%7), coins{1}); err != nil {
				t.Error(err)
			}
		}
	}
	put(700)
	half := follow(t, rt, []int64{0, 0, 0}, 700)
	done := make(chan struct{})
	go func() {
		defer close(done)
		put(300)
	}()
	end := follow(t, rt, half, 300)
	<-done
	if got := fmt.Sprint(rt.Log().Head()); got != fmt.Sprint(end) {
		t.Errorf("the log ends at %s, but was followed to %v", got, end)
	}

	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(time.Millisecond, cancel)
	found, err := rt.Log().Follow(ctx, end)
	if err != nil {
		t.Fatal(err)
	}
	for e, err := range found {
		t.Errorf("behind the end come %v, %v", e, err)
	}
}

// Positions that were told of another store are refused, or one would wait in
// vain.
func TestFollowFromElsewhere(t *testing.T) {
	t.Parallel()
	rt := start(t, newWorld(), checked(t, memory.Config{Partitions: 2}))
	for _, after := range [][]int64{{0}, {0, 0, 0}, {0, 1}, {-1, 0}} {
		if _, err := rt.Log().Follow(t.Context(), after); !errors.Is(err, talix.ErrInvalid) {
			t.Errorf("%v: %v", after, err)
		}
	}
}

// A node tells of what the others commit.
func TestFollowOtherNodes(t *testing.T) {
	t.Parallel()
	w := newWorld()
	both := nodes(t, 2, memory.New(memory.Config{Partitions: 4}), nil, w.service())
	after := both[0].Log().Head()
	for i := range 20 {
		if _, err := talix.Run(both[1].Context(t.Context()), w.put, fmt.Sprint("p", i), coins{1}); err != nil {
			t.Fatal(err)
		}
	}
	follow(t, both[0].Runtime, after, 20)
}
