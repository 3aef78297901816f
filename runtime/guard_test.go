package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

// overseer is a plugin that refuses what is for the entity "forbidden", and
// writes down what it sees.
type overseer struct {
	mu   sync.Mutex
	seen []string
}

func (o *overseer) Name() string { return "overseer" }

func (o *overseer) note(format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen = append(o.seen, fmt.Sprintf(format, args...))
}

func (o *overseer) take() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	seen := strings.Join(o.seen, "; ")
	o.seen = nil
	return seen
}

func (o *overseer) Guard(_ context.Context, op talix.Operation) error {
	o.note("asked %s %s %v", op.Name, op.EntityID, op.Input)
	switch op.EntityID {
	case "forbidden":
		return talix.Reject("not this one").WithStatus(403)
	case "bug":
		panic("a bug")
	}
	return nil
}

func (o *overseer) Appended(_ context.Context, op talix.Operation, events []talix.Meta) {
	for _, e := range events {
		o.note("appended %s %d to %s", e.EventType, e.Version, op.EntityID)
		if e.CommandID != op.CommandID {
			o.note("by %s instead of %s", e.CommandID, op.CommandID)
		}
	}
}

func (o *overseer) Retrying(_ context.Context, op talix.Operation, r talix.Retry) {
	o.note("%s %s %d", op.EntityID, r.Reason, r.Attempt)
}

// oversee starts a world whose store fails as next says.
func oversee(t *testing.T, change func(*runtime.Config), next func() memory.Kind) (*world, *overseer, *runtime.Runtime, *memory.Store) {
	s := checked(t, memory.Config{Fault: func(store.Partition, []store.Batch) memory.Fault { return memory.Fault{Kind: next()} }})
	w, o := newWorld(), &overseer{}
	rt := start(t, w, s, func(c *runtime.Config) {
		c.Parts = append(c.Parts, talix.Use(o))
		change(c)
	})
	return w, o, rt, s
}

func TestGuard(t *testing.T) {
	t.Parallel()
	w, o, rt, s := oversee(t, func(*runtime.Config) {}, func() memory.Kind { return memory.None })
	ctx := rt.Context(t.Context())
	_, err := talix.Run(ctx, w.put, "forbidden", coins{1})
	if e, _ := errors.AsType[*talix.Error](err); !errors.Is(err, talix.ErrRejected) || e.Status != 403 {
		t.Errorf("what is forbidden got %v", err)
	}
	if _, err := talix.Run(ctx, w.put, "bug", coins{1}); !errors.Is(err, talix.ErrInternal) {
		t.Errorf("a guard that panics got %v", err)
	}
	if err := talix.Group(ctx, talix.Do(w.put, "a", coins{1}), talix.Do(w.put, "forbidden", coins{1})); !errors.Is(err, talix.ErrRejected) {
		t.Errorf("a group with what is forbidden got %v", err)
	}
	for _, id := range []string{"forbidden", "bug", "a"} {
		if _, v := coinsIn(t, s, id); v != 0 {
			t.Errorf("%s has %d events", id, v)
		}
	}
	if n := w.decided.Load(); n != 0 {
		t.Errorf("%d handlers ran", n)
	}
	want := "asked purse.put forbidden {1}; asked purse.put bug {1}; asked purse.put a {1}; asked purse.put forbidden {1}"
	if seen := o.take(); seen != want {
		t.Errorf("the plugin saw\n%s, want\n%s", seen, want)
	}
}

func TestFollowerAndRetrier(t *testing.T) {
	t.Parallel()
	kinds := []memory.Kind{memory.UnknownWritten}
	var mu sync.Mutex
	w, o, rt, s := oversee(t, func(*runtime.Config) {}, func() (k memory.Kind) {
		mu.Lock()
		defer mu.Unlock()
		if len(kinds) > 0 {
			k, kinds = kinds[0], kinds[1:]
		}
		return k
	})
	if _, err := talix.Run(rt.Context(t.Context()), w.put, "a", coins{1}); err != nil {
		t.Fatal(err)
	}
	want := "asked purse.put a {1}; a unknown 1; appended PURSE:PUT 1 to a"
	if seen := o.take(); seen != want {
		t.Errorf("after an unknown outcome the plugin saw\n%s, want\n%s", seen, want)
	}
	if _, err := talix.Run(rt.Context(t.Context()), w.put, "a", coins{1}); err != nil {
		t.Fatal(err)
	}
	o.take()
	w2 := newWorld() // which knows nothing of the first
	other := start(t, w2, s)
	if _, err := talix.Run(other.Context(t.Context()), w2.put, "a", coins{1}); err != nil {
		t.Fatal(err)
	}
	if _, err := talix.Run(rt.Context(t.Context()), w.put, "a", coins{1}); err != nil {
		t.Fatal(err)
	}
	want = "asked purse.put a {1}; a conflict 1; appended PURSE:PUT 4 to a"
	if seen := o.take(); seen != want {
		t.Errorf("after a conflict the plugin saw\n%s, want\n%s", seen, want)
	}
	if _, err := talix.Run(rt.Context(t.Context()), w.look, "a", struct{}{}); err != nil {
		t.Fatal(err)
	}
	if seen := o.take(); seen != "asked purse.look a {}" {
		t.Errorf("of a command without events the plugin saw %s", seen)
	}
}

// Attempts bounds how often it is tried.
func TestAttempts(t *testing.T) {
	t.Parallel()
	var lost bool
	w, o, rt, _ := oversee(t, func(c *runtime.Config) {
		c.Entities.Attempts, c.Entities.MaxPause = 3, time.Millisecond
	}, func() memory.Kind {
		if lost {
			return memory.UnknownLost
		}
		return memory.None
	})
	lost = true
	if _, err := talix.Run(rt.Context(t.Context()), w.put, "a", coins{1}); !errors.Is(err, talix.ErrUnknown) {
		t.Errorf("a store that does not tell got %v", err)
	}
	if seen, want := o.take(), "asked purse.put a {1}; a unknown 1; a unknown 2"; seen != want {
		t.Errorf("the plugin saw\n%s, want\n%s", seen, want)
	}
}

// choosy is told of the events and retries of some commands.
type choosy struct{ *overseer }

type choosyKey struct{}

func (choosy) Follows(ctx context.Context) bool { return ctx.Value(choosyKey{}) != nil }

func TestFollowerThatChooses(t *testing.T) {
	t.Parallel()
	w, o := newWorld(), &overseer{}
	var commits atomic.Int64
	s := checked(t, memory.Config{Fault: func(store.Partition, []store.Batch) memory.Fault {
		if commits.Add(1)%2 == 1 { // the first try of each command
			return memory.Fault{Kind: memory.UnknownWritten}
		}
		return memory.Fault{}
	}})
	rt := start(t, w, s, func(c *runtime.Config) { c.Parts = append(c.Parts, talix.Use(choosy{o})) })
	for ctx, want := range map[context.Context]string{
		t.Context(): "asked purse.put a {1}",
		context.WithValue(t.Context(), choosyKey{}, true): "asked purse.put b {1}; b unknown 1; appended PURSE:PUT 1 to b",
	} {
		id := want[len("asked purse.put ") : len("asked purse.put ")+1]
		if _, err := talix.Run(rt.Context(ctx), w.put, id, coins{1}); err != nil {
			t.Fatal(err)
		}
		if seen := o.take(); seen != want {
			t.Errorf("the plugin saw %s, want %s", seen, want)
		}
	}
}
