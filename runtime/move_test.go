package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/internal/id"
	mover "github.com/talix-dev/talix/internal/move"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

// journey counts what a program does, before it is moved and after.
type journey struct {
	*world
	fresh *talix.Action // that begins with the present

	mu    sync.Mutex
	done  map[string]map[string][]int64 // by action and entity: versions, in the order in which they were done
	steps map[string]int
	open  bool // nothing holds the actions up any more
}

func (j *journey) isOpen() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.open
}

func (j *journey) note(action string, e talix.Recorded[Put]) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.done[action] == nil {
		j.done[action] = map[string][]int64{}
	}
	j.done[action][e.EntityID] = append(j.done[action][e.EntityID], e.Version)
}

func newJourney() *journey {
	j := &journey{world: newWorld(), done: map[string]map[string][]int64{}, steps: map[string]int{}}
	on := func(name string, before func(ctx talix.ActionContext, e talix.Recorded[Put]) error, opts ...talix.ActionOption) *talix.Action {
		return talix.OnEvent(name, func(ctx talix.ActionContext, e talix.Recorded[Put]) error {
			if err := before(ctx, e); err != nil {
				return err
			}
			j.note(name, e)
			return nil
		}, opts...)
	}
	j.extra = talix.Components{
		on("all", func(talix.ActionContext, talix.Recorded[Put]) error { return nil }),
		on("half", func(ctx talix.ActionContext, e talix.Recorded[Put]) error {
			if e.Version > 5 && !j.isOpen() {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}),
		on("stuck", func(_ talix.ActionContext, e talix.Recorded[Put]) error {
			if e.EntityID == "p3" && e.Version == 2 && !j.isOpen() {
				return errors.New("a bug")
			}
			return nil
		}, talix.Attempts(1)),
		on("sleepy", func(ctx talix.ActionContext, e talix.Recorded[Put]) error {
			if e.EntityID != "p4" || e.Version != 2 {
				return nil
			}
			if _, err := talix.Step(ctx, "once", func(context.Context) (int, error) {
				j.mu.Lock()
				defer j.mu.Unlock()
				j.steps["once"]++
				return 1, nil
			}); err != nil {
				return err
			}
			talix.Sleep(ctx, 24*time.Hour)
			return nil
		}),
	}
	j.fresh = on("fresh", func(talix.ActionContext, talix.Recorded[Put]) error { return nil }, talix.FromNow())
	return j
}

// A program goes on on a copy of its store, whatever the partitions of both.
func TestProgramGoesOnOnACopy(t *testing.T) {
	t.Parallel()
	for _, n := range [][2]int{{1, 5}, {5, 1}, {4, 3}, {3, 3}} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { goesOn(t, n[0], n[1]) })
		})
	}
}

func goesOn(t *testing.T, from, to int) {
	const entities, events = 12, 8
	source := memory.New(memory.Config{Partitions: from})
	target := checked(t, memory.Config{Partitions: to})
	j := newJourney()
	rt := start(t, j.world, source)
	fill(t, j.world, rt, "before", 1)
	settle(rt, time.Minute)
	j.extra = append(j.extra, j.fresh)
	rt = start(t, j.world, source)
	for v := range events {
		for p := range entities {
			fill(t, j.world, rt, fmt.Sprint("p", p), 1+v)
		}
	}
	keyed, err := talix.Run(rt.ContextWithKey(t.Context(), "key"), j.put, "p1", coins{7})
	if err != nil {
		t.Fatal(err)
	}
	settle(rt, time.Hour)
	passed := belowMarks(t, source, "action/half")

	if _, err := mover.Copy(t.Context(), mover.CopyConfig{From: source, To: target, IDs: id.NewSource(time.Now)}); err != nil {
		t.Fatal(err)
	}
	j.mu.Lock()
	j.open = true
	j.mu.Unlock()
	rt = start(t, j.world, target)
	if again, err := talix.Run(rt.ContextWithKey(t.Context(), "key"), j.put, "p1", coins{7}); err != nil || again != keyed {
		t.Errorf("the command again: %+v, %v; first %+v", again, err, keyed)
	}
	if n, err := rt.Work().Replay(t.Context(), "stuck"); n != 1 || err != nil {
		t.Errorf("replayed %d, %v", n, err)
	}
	settle(rt, 48*time.Hour)
	j.check(t, target, passed)
}

// settle lets a runtime work for a while, and stops it.
func settle(rt *runtime.Runtime, d time.Duration) {
	<-time.After(d) // of the bubble
	synctest.Wait()
	rt.Stop()
}

// belowMarks are the events that a consumer's marks tell to be done.
func belowMarks(t *testing.T, s store.Store, consumer string) map[string]int64 {
	t.Helper()
	passed := map[string]int64{}
	for p := range store.Partition(s.Partitions()) {
		at, _, err := s.Mark(t.Context(), consumer, p)
		if err != nil {
			t.Fatal(err)
		}
		events, err := s.Log(t.Context(), p, 0, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if e.Position <= at {
				passed[e.Stream.ID] = int64(e.Version)
			}
		}
	}
	if len(passed) == 0 {
		t.Error("the marks of half tell of nothing")
	}
	return passed
}

func (j *journey) check(t *testing.T, s store.Store, passed map[string]int64) {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	for p := range 12 {
		entity := fmt.Sprint("p", p)
		_, versions := coinsIn(t, s, entity)
		var want []int64
		for v := range versions {
			want = append(want, int64(v+1))
		}
		for _, action := range []string{"all", "stuck", "sleepy", "fresh"} {
			if got := j.done[action][entity]; !slices.Equal(got, want) {
				t.Errorf("%s did %v of %s, want each once", action, got, entity)
			}
		}
		got := slices.Clone(j.done["half"][entity])
		slices.Sort(got)
		if all := slices.Compact(slices.Clone(got)); !slices.Equal(all, want) {
			t.Errorf("half did %v of %s", got, entity)
		}
		for v := int64(1); v <= passed[entity]; v++ {
			if i := slices.Index(got, v); i+1 < len(got) && got[i+1] == v {
				t.Errorf("half did version %d of %s again, which its mark had passed", v, entity)
			}
		}
	}
	if len(j.done["fresh"]["before"]) > 0 || len(j.done["all"]["before"]) != 1 {
		t.Errorf("the first event was done as %v", j.done)
	}
	if j.steps["once"] != 1 {
		t.Errorf("a step ran %d times", j.steps["once"])
	}
}

// A runtime takes no copy that was not finished.
func TestRuntimeRefusesHalfACopy(t *testing.T) {
	t.Parallel()
	source, target := memory.New(memory.Config{}), memory.New(memory.Config{})
	w := newWorld()
	rt := start(t, w, source)
	fill(t, w, rt, "p", 1)
	rt.Stop()
	ctx, cancel := context.WithCancel(t.Context())
	config := mover.CopyConfig{From: source, To: target, IDs: id.NewSource(time.Now), Pace: mover.Pace{Progress: func(p mover.Progress) {
		if p.Phase == "marks" {
			cancel()
		}
	}}}
	if _, err := mover.Copy(ctx, config); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if _, err := runtime.New(t.Context(), runtime.Config{Store: target, Parts: []talix.Part{w.service()}}); !errors.Is(err, mover.ErrUnfinished) {
		t.Errorf("it was taken: %v", err)
	}
	config.Progress = nil
	if _, err := mover.Copy(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	start(t, w, target)
	if _, err := mover.Copy(t.Context(), config); !errors.Is(err, mover.ErrOccupied) {
		t.Errorf("a store that is worked on was filled: %v", err)
	}
}
