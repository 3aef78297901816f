package commit_test

import (
	"errors"
	"testing"

	"github.com/talix-dev/talix/internal/commit"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
	"github.com/talix-dev/talix/store/storetest"
)

func atOnce(int) error { return nil }

// Two decisions of a line are lost together, and another one takes the place of
// the first: the second one's version would fit, but not what it was decided on.
func TestAnotherDecisionTakesThePlace(t *testing.T) {
	t.Parallel()
	w, s := startWide(t), in(1, "s")
	w.kinds = []memory.Kind{memory.UnknownLost}
	line := &commit.Chain{}
	first := w.groups[1].Submit(adds(s, 0, 1), line)
	second := w.groups[1].Submit(adds(s, 1, 2), line)
	second.Wait(t.Context())
	other := w.groups[1].Submit(adds(s, 0, 3), &commit.Chain{})
	if other.Wait(t.Context()); other.Outcome().Status != store.Durable {
		t.Fatalf("the other one ended as %+v", other.Outcome())
	}
	for i, p := range []*commit.Pending{second, first} {
		if told, err := p.Settle(t.Context(), atOnce); err != nil || told.Outcome().Status != store.Conflict {
			t.Errorf("%d ended as %+v, %v, want a conflict", i, told, err)
		}
	}
	storetest.Check(t, w.store)
}

// Whoever asks first: a line that was lost, was written all the same, or comes
// late, is stored whole, in order.
func TestLineOfUnknownOutcome(t *testing.T) {
	t.Parallel()
	for _, kind := range []memory.Kind{memory.UnknownLost, memory.UnknownWritten, memory.UnknownLate} {
		w, s := startWide(t), in(1, "s")
		w.kinds = []memory.Kind{kind, kind}
		line := &commit.Chain{}
		var all []*commit.Pending
		for v := range store.Version(4) {
			all = append(all, w.groups[1].Submit(adds(s, v, byte(v+1)), line))
		}
		for _, i := range []int{3, 0, 2, 1} {
			told, err := all[i].Settle(t.Context(), atOnce)
			if err != nil || told.Outcome().Status != store.Durable && told.Outcome().Status != store.Duplicate {
				t.Errorf("fault %d: decision %d ended as %+v, %v", kind, i, told, err)
			}
		}
		storetest.Check(t, w.store)
	}
}

// Where it can't be told what became of a decision, it can't be told of those
// that rest on it either.
func TestLineWhoseBeginningIsNotKnown(t *testing.T) {
	t.Parallel()
	w, s := startWide(t), in(1, "s")
	w.kinds = []memory.Kind{memory.UnknownLost}
	line := &commit.Chain{}
	w.groups[1].Submit(adds(s, 0, 1), line)
	second := w.groups[1].Submit(adds(s, 1, 2), line)
	enough := errors.New("that is enough")
	if told, err := second.Settle(t.Context(), func(int) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("it ended as %+v, %v", told, err)
	}
	if told, err := second.Settle(t.Context(), atOnce); err != nil || told.Outcome().Status != store.Durable {
		t.Errorf("asked again, it ended as %+v, %v", told, err)
	}
}
