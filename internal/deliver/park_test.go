package deliver_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/talix-dev/talix/internal/deliver"
	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

// A4: what fails for good is parked with what stands behind it, and holds up no
// one else, across a restart; a replay after the fix finishes it in order.
func TestPoisonIsParkedAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const entities, events = 100, 10
		w := newWorld(t, memory.Config{}, func(_ context.Context, e *store.Event) deliver.Run {
			if e.Stream.ID == "e42" && e.Version == 3 {
				panic("a bug")
			}
			return deliver.Run{}
		})
		h := w.start()
		for range events {
			for i := range entities {
				h.make(fmt.Sprint("e", i), 1)
			}
		}
		time.Sleep(time.Hour) // all attempts
		for restart := range 2 {
			for i := range entities {
				want := versions(1, events)
				if i == 42 {
					want = versions(1, 2)
				}
				if got := w.doneOf(fmt.Sprint("e", i)); !slices.Equal(got, want) {
					t.Errorf("e%d: %v, want %v", i, got, want)
				}
			}
			lane, all, err := h.dispatcher.Inspect(t.Context(), "event/act/thing/e42", 0, 100)
			if err != nil {
				t.Fatal(err)
			}
			if lane.Status != work.Parked || lane.Version != 3 || lane.Event.Version != 3 || lane.Behind != 7 || lane.Attempts != 10 {
				t.Errorf("parked as %+v, event %+v, %d behind", lane.Item, lane.Event, lane.Behind)
			}
			if len(all) != 8 || all[0].Version != 3 || all[7].Version != 10 {
				t.Errorf("the lane holds %v", all)
			}
			if n := len(h.lanes()); n != 1 {
				t.Errorf("%d lanes", n)
			}
			if restart == 0 {
				h.stop()
				h = w.start()
				time.Sleep(time.Hour)
			}
		}
		w.become(func(context.Context, *store.Event) deliver.Run { return deliver.Run{} })
		if n, err := h.dispatcher.Replay(t.Context(), "act"); n != 1 || err != nil {
			t.Errorf("replayed %d: %v", n, err)
		}
		time.Sleep(time.Minute)
		if got := w.doneOf("e42"); !slices.Equal(got, versions(1, events)) {
			t.Errorf("after the replay: %v", got)
		}
		if n := w.items(); n != 0 {
			t.Errorf("%d items are left", n)
		}
		h.make("e42", 1)
		synctest.Wait()
		if got := w.doneOf("e42"); !slices.Equal(got, versions(1, events+1)) {
			t.Errorf("after the lane: %v", got)
		}
		h.stop()
	})
}
