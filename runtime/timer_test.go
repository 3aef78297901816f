package runtime_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/store/memory"
)

// clockWorld is a world with a timer that takes coins out of a purse again.
type clockWorld struct {
	*world
	expire *talix.Timer[coins]
	lend   *talix.Command[lent, held]

	mu    sync.Mutex
	fired []talix.Fired[coins]
}

type lent struct {
	N      int
	For    time.Duration
	Refuse bool
}

func newClockWorld() *clockWorld {
	c := &clockWorld{world: newWorld(), expire: talix.NewTimer[coins]("expire")}
	c.lend = talix.NewCommand(c.purses, "lend", func(ctx talix.CommandContext[Purse], in lent) (held, error) {
		if in.N > 0 {
			ctx.Emit(Put{in.N})
		}
		if in.For < 0 {
			talix.Unschedule(ctx, c.expire, "")
		} else {
			talix.Schedule(ctx, c.expire, "", ctx.Time().Add(in.For), coins{in.N})
		}
		if in.Refuse {
			return held{}, talix.Reject("no")
		}
		return held{ctx.State().Coins, ctx.Version()}, nil
	})
	c.extra = talix.Components{c.lend, talix.OnTimer(c.expire, func(ctx talix.ActionContext, f talix.Fired[coins]) error {
		c.mu.Lock()
		c.fired = append(c.fired, f)
		tries := len(c.fired)
		c.mu.Unlock()
		_, err := talix.Run(ctx, c.take, f.EntityID, f.In)
		if err == nil && tries == 1 {
			err = errors.New("fails after its effect")
		}
		return err
	})}
	return c
}

// all is what fired so far.
func (c *clockWorld) all() []talix.Fired[coins] {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.fired)
}

func TestTimerOfACommand(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := checked(t, memory.Config{})
		w := newClockWorld()
		rt := start(t, w.world, s)
		lend := func(id string, in lent) error {
			_, err := talix.Run(rt.Context(t.Context()), w.lend, id, in)
			return err
		}
		for id, in := range map[string]lent{"fires": {10, time.Hour, false}, "replaced": {20, time.Hour, false}, "removed": {30, time.Hour, false}} {
			if err := lend(id, in); err != nil {
				t.Fatal(err)
			}
		}
		if err := lend("refused", lent{40, time.Hour, true}); !errors.Is(err, talix.ErrRejected) {
			t.Fatal(err)
		}
		if err := lend("replaced", lent{0, 3 * time.Hour, false}); err != nil { // no event, and another time
			t.Fatal(err)
		}
		if err := lend("removed", lent{0, -1, false}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Minute)
		synctest.Wait()
		rt.Stop()
		time.Sleep(time.Hour) // it is due while nothing runs
		synctest.Wait()
		rt = start(t, w.world, s)
		time.Sleep(time.Minute)
		synctest.Wait()
		for id, want := range map[string]int{"fires": 0, "replaced": 20, "removed": 30, "refused": 0} {
			if got, _ := coinsIn(t, s, id); got != want {
				t.Errorf("%s holds %d coins, want %d", id, got, want)
			}
		}
		if fired := w.all(); len(fired) != 2 || fired[0].EntityID != "fires" || !fired[0].Due.Equal(fired[1].Due) {
			t.Errorf("fired: %+v", fired)
		}
		time.Sleep(10 * time.Hour)
		synctest.Wait()
		if fired := w.all(); len(fired) < 3 || fired[2].EntityID != "replaced" {
			t.Errorf("fired: %+v", fired)
		}
		rt.Stop()
	})
}

func TestTimerOfAnAction(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := checked(t, memory.Config{})
		w := newClockWorld()
		rt := start(t, w.world, s)
		fill(t, w.world, rt, "p", 10)
		var mu sync.Mutex
		ctx := rt.Context(t.Context())
		talix.Schedule(ctx, w.expire, "p", time.Now().Add(time.Hour), coins{1})
		talix.Schedule(ctx, w.expire, "p", time.Now().Add(2*time.Hour), coins{2})
		talix.Schedule(ctx, w.expire, "q", time.Now().Add(2*time.Hour), coins{3})
		talix.Unschedule(ctx, w.expire, "q")
		time.Sleep(90 * time.Minute)
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		if fired := w.all(); len(fired) > 0 {
			t.Errorf("fired: %+v", fired)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if fired := w.all(); len(fired) == 0 || fired[0].Key != "p" || fired[0].In.N != 2 || fired[0].EntityID != "" {
			t.Errorf("fired: %+v", fired)
		}
		rt.Stop()
	})
}

func TestSchedules(t *testing.T) {
	t.Parallel()
	for policy, want := range map[talix.CatchUp]string{
		talix.CatchUpAll:  "[01:00 02:00 03:00 04:00 05:00 06:00]",
		talix.CatchUpOnce: "[01:00 02:00 05:00 06:00]",
		talix.CatchUpSkip: "[01:00 02:00 06:00]",
	} {
		t.Run(fmt.Sprint(policy), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(time.Now().Truncate(24 * time.Hour).Add(24 * time.Hour)))
				synctest.Wait()
				s := checked(t, memory.Config{})
				w := newWorld()
				var ran []string
				w.extra = talix.Components{talix.OnSchedule("hourly", "0 * * * *", func(ctx talix.ActionContext, at time.Time) error {
					if v := at.UTC().Format("15:04"); !slices.Contains(ran, v) {
						ran = append(ran, v)
						if _, err := talix.Run(ctx, w.put, "p", coins{1}); err != nil {
							return err
						}
						return errors.New("fails after its effect")
					}
					_, err := talix.Run(ctx, w.put, "p", coins{1})
					return err
				}, talix.CatchingUp(policy))}
				rt := start(t, w, s)
				time.Sleep(2*time.Hour + 30*time.Minute)
				synctest.Wait()
				rt.Stop()
				time.Sleep(3 * time.Hour)
				synctest.Wait()
				rt = start(t, w, s)
				time.Sleep(time.Hour)
				synctest.Wait()
				rt.Stop()
				if fmt.Sprint(ran) != want {
					t.Errorf("it ran for %v, want %s", ran, want)
				}
				if n, _ := coinsIn(t, s, "p"); n != len(ran) {
					t.Errorf("%d effects of %d runs", n, len(ran))
				}
			})
		})
	}
}

// A run that fails for good is parked, and the next time comes all the same.
func TestScheduleGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		times := map[string]int{}
		w.extra = talix.Components{talix.OnSchedule("hourly", "@hourly", func(_ talix.ActionContext, at time.Time) error {
			times[at.String()]++
			return errors.New("always")
		}, talix.Attempts(3))}
		rt := start(t, w, checked(t, memory.Config{}))
		time.Sleep(5*time.Hour + time.Minute)
		synctest.Wait()
		rt.Stop()
		if len(times) < 5 {
			t.Errorf("it ran for %v", times)
		}
		for at, n := range times {
			if n != 3 {
				t.Errorf("for %s it was tried %d times", at, n)
			}
		}
	})
}
