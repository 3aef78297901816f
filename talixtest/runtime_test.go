package talixtest_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/broker"
	"github.com/talix-dev/talix/talixtest"
)

// Kitchen makes what guests order.
type Kitchen interface {
	Make(ctx context.Context, drink string) error
}

// fakeKitchen does what a test says.
type fakeKitchen struct {
	mu   sync.Mutex
	made []string
	make func(drink string, attempt int) error
}

func (k *fakeKitchen) Make(_ context.Context, drink string) error {
	k.mu.Lock()
	k.made = append(k.made, drink)
	n := len(k.made)
	k.mu.Unlock()
	if k.make != nil {
		return k.make(drink, n)
	}
	return nil
}

func (k *fakeKitchen) count() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.made)
}

var Prepare = talix.OnEvent("prepare", func(ctx talix.ActionContext, e talix.Recorded[Ordered]) error {
	_, err := talix.Step(ctx, "make", func(c context.Context) (struct{}, error) {
		return struct{}{}, talix.Get[Kitchen](ctx).Make(c, e.Data.Drink)
	})
	return err
})

var CloseLate = talix.OnTimer(LastCall, func(ctx talix.ActionContext, f talix.Fired[string]) error {
	_, err := talix.Run(ctx, Close, f.EntityID, struct{}{})
	return err
})

type OrderIn struct {
	ID string `path:"id"`
	Round
}

type OrderOut struct {
	Had int `json:"had"`
}

var PostOrder = talix.OnHTTP("POST /tabs/{id}/rounds", func(ctx talix.ActionContext, in OrderIn) (OrderOut, error) {
	had, err := talix.Run(ctx, Order, in.ID, in.Round)
	return OrderOut{had}, err
})

var OnRound = talix.OnMessage("take-round", "rounds", func(ctx talix.ActionContext, m talix.Message[Round]) error {
	_, err := talix.Run(ctx, Order, m.Key, m.Data)
	return err
}, talix.Attempts(1), talix.DeadLetter())

var Outgoing = talix.Publish("publish-tabs", Tabs, "tabs", talix.EventOnly)

type TabRow struct {
	ID     string
	Drinks int
	Closed bool
}

var TabRows = talix.NewTable("tabs",
	talix.When(func(*TabRow, talix.Recorded[Opened]) {}),
	talix.When(func(r *TabRow, e talix.Recorded[Ordered]) { r.Drinks += e.Data.Count }),
	talix.When(func(r *TabRow, _ talix.Recorded[Closed]) { r.Closed = true }),
)

var AllTabs = talix.SQL[struct{}, TabRow]("all-tabs", `SELECT id, drinks, closed FROM tabs ORDER BY id`)

var Bar = talix.Service{Name: "bar", Components: talix.Components{
	Tabs, Guests, Open, Order, Close, Squeeze, Prepare, CloseLate, PostOrder, OnRound, Outgoing, TabRows, AllTabs,
	talix.Needs[Kitchen](),
}}

func bar(t talixtest.T, k *fakeKitchen, more ...talix.Part) *talixtest.Runtime {
	return talixtest.Start(t, append(more, Bar, talix.Provide[Kitchen](k))...)
}

func TestRuntime(t *testing.T) {
	t.Parallel()
	kitchen := &fakeKitchen{}
	rt := bar(t, kitchen)
	if _, err := talixtest.Run(rt, Open, "t1", "ann"); err != nil {
		t.Fatal(err)
	}
	rt.Request("POST /tabs/t1/rounds", Round{"tea", 2}).Is(200).JSON(OrderOut{2})
	rt.Send("rounds", talixtest.Message("t1", Round{"rum", 1}))
	talixtest.Equal(t, []string{"tea", "rum"}, kitchen.made)
	page, err := talixtest.Ask(rt, AllTabs, struct{}{})
	if err != nil {
		t.Fatal(err)
	}
	talixtest.Equal(t, []TabRow{{ID: "t1", Drinks: 3}}, page.Items)
	talixtest.Equal(t, []talix.EventFor[Tab]{Opened{"ann"}, Ordered{"tea", 2}, Ordered{"rum", 1}}, talixtest.Events(rt, Tabs, "t1"))
	talixtest.Equal(t, []Round{{"tea", 2}, {"rum", 1}}, talixtest.Inputs(rt, Order, "t1"))
	if n := len(rt.Published("tabs")); n != 3 {
		t.Error(n, "messages were published")
	}
	if _, err := talixtest.Run(rt, Order, "t2", Round{"tea", 1}); !errors.Is(err, talix.ErrNotFound) {
		t.Error(err)
	}
}

// Timers fire when the clock is moved to them, and at no other time.
func TestAdvance(t *testing.T) {
	t.Parallel()
	rt := bar(t, &fakeKitchen{})
	if _, err := talixtest.Run(rt, Open, "t1", "ann"); err != nil {
		t.Fatal(err)
	}
	closed := func() bool { return len(talixtest.Events(rt, Tabs, "t1")) == 2 }
	rt.Advance(3*time.Hour - time.Microsecond)
	if closed() {
		t.Error("the timer fired too early")
	}
	rt.Advance(time.Microsecond)
	if !closed() {
		t.Error("the timer did not fire in its time")
	}
	if now := rt.Now(); !now.Equal(talixtest.Begin().Add(3 * time.Hour)) {
		t.Error("the clock stands at", now)
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	var at []time.Time
	daily := talix.OnSchedule("daily", "@daily", func(_ talix.ActionContext, due time.Time) error {
		at = append(at, due)
		return nil
	})
	rt := talixtest.Start(t, talixtest.Clock(begin), daily)
	rt.Advance(48 * time.Hour)
	talixtest.Equal(t, []time.Time{begin.Add(12 * time.Hour), begin.Add(36 * time.Hour)}, at)
	if now := rt.Now(); !now.Equal(begin.Add(48 * time.Hour)) {
		t.Error(now)
	}
}

// What fails is tried again by the clock, and told of until it is done.
func TestFailuresOfWork(t *testing.T) {
	t.Parallel()
	kitchen := &fakeKitchen{make: func(_ string, attempt int) error {
		if attempt < 3 {
			return errors.New("out of tea")
		}
		return nil
	}}
	rt := bar(t, kitchen)
	talixtest.Emit(rt, Tabs, "t1", Opened{"ann"}, Ordered{"tea", 1})
	failures := rt.Failures()
	if len(failures) != 1 || failures[0].Name != "prepare" || failures[0].Parked || !strings.Contains(failures[0].Error, "out of tea") ||
		failures[0].EntityID != "t1" || failures[0].Version != 2 {
		t.Fatal(failures)
	}
	rt.Advance(time.Minute)
	if left := rt.Failures(); len(left) > 0 || kitchen.count() != 3 {
		t.Error(left, kitchen.count())
	}
}

// ending is a test that fails when it ends, and what it is told.
type ending struct {
	test func(t talixtest.T)
	want string
}

func endingsOfWork() map[string]ending {
	broken := func(string, int) error { return errors.New("out of tea") }
	return map[string]ending{
		"to be tried again": {func(t talixtest.T) {
			talixtest.Emit(bar(t, &fakeKitchen{make: broken}), Tabs, "t1", Opened{"ann"}, Ordered{"tea", 1})
		}, `prepare, at event 2 of tab "t1", after 1 attempts`},
		"parked": {func(t talixtest.T) {
			rt := bar(t, &fakeKitchen{make: broken})
			talixtest.Emit(rt, Tabs, "t1", Opened{"ann"}, Ordered{"tea", 1})
			rt.Advance(time.Hour)
		}, "out of tea (it is parked)"},
		"something is away": {func(t talixtest.T) {
			away := func(string, int) error { return fmt.Errorf("kitchen: %w", talix.ErrUnavailable) }
			talixtest.Emit(bar(t, &fakeKitchen{make: away}), Tabs, "t1", Opened{"ann"}, Ordered{"tea", 1})
		}, "prepare, after 0 attempts: unavailable"},
		"a view": {func(t talixtest.T) {
			rows := talix.NewTable("broken", talix.When(func(*TabRow, talix.Recorded[Opened]) { panic("no room") }))
			talixtest.Emit(talixtest.Start(t, Tabs, rows), Tabs, "t1", Opened{"ann"})
		}, `broken, at event 1 of tab "t1"`},
		"a changed state": {func(t talixtest.T) {
			cheat := talix.NewCommand(Tabs, "cheat", func(c talix.CommandContext[Tab], _ struct{}) (int, error) {
				c.State().Drinks["rum"]--
				return 0, nil
			})
			rt := talixtest.Start(t, Tabs, cheat)
			talixtest.Emit(rt, Tabs, "t1", Opened{"ann"}, Ordered{"rum", 2})
			if _, err := talixtest.Run(rt, cheat, "t1", struct{}{}); err != nil {
				t.Errorf("%v", err)
			}
		}, `tab "t1": its state in memory is not what its events add up to`},
		"a fold by chance": {func(t talixtest.T) {
			odd := talix.NewEntity("odd", talix.Event[Random]("ODD:RANDOM"))
			talixtest.Emit(talixtest.Start(t, odd), odd, "o", Random{})
		}, `odd "o": folding the same events twice`},
		"a view by chance": {func(t talixtest.T) {
			rows := talix.NewTable("chancy", talix.When(func(r *TabRow, _ talix.Recorded[Opened]) { r.Drinks = anyNumber() }))
			talixtest.Emit(talixtest.Start(t, Tabs, rows), Tabs, "t1", Opened{"ann"})
		}, `view "chancy": a row of "chancy" comes out otherwise`},
	}
}

func endingsOfCalls() map[string]ending {
	return map[string]ending{
		"a goroutine": {func(t talixtest.T) {
			rt := talixtest.Start(t, Tabs)
			rt.Inside(func(talix.ActionContext) { go func() { <-make(chan int) }() })
		}, "goroutines did not end with the runtime"},
		"a goroutine that waits by the clock": {func(t talixtest.T) {
			rt := talixtest.Start(t, Tabs)
			rt.Inside(func(talix.ActionContext) {
				go func() {
					for range time.Tick(time.Second) {
					}
				}()
			})
		}, "goroutines did not end with the runtime"},
		"a service that no one provides": {func(t talixtest.T) { talixtest.Start(t, Bar) }, "add talix.Provide[talixtest_test.Kitchen]"},
		"a call that does not end": {func(t talixtest.T) {
			rt := talixtest.Start(t, Tabs)
			rt.Inside(func(ctx talix.ActionContext) { <-ctx.Done() })
		}, "it does not come to an end"},
		"a call that waits for the test": {func(t talixtest.T) {
			rt := talixtest.Start(t, Tabs)
			talixtest.Impatient(rt, 50*time.Millisecond)
			never := make(chan int)
			rt.Inside(func(talix.ActionContext) { <-never })
		}, "something waits for what is outside of the runtime"},
		"an answer of another status": {func(t talixtest.T) {
			bar(t, &fakeKitchen{}).Request("POST /tabs/t1/rounds", Round{"tea", 1}).Is(200)
		}, "POST /tabs/t1/rounds: answered 404, not 200"},
		"another answer": {func(t talixtest.T) {
			rt := bar(t, &fakeKitchen{})
			talixtest.Emit(rt, Tabs, "t1", Opened{"ann"})
			rt.Request("POST /tabs/t1/rounds", Round{"tea", 1}).JSON(OrderOut{2})
		}, `-   "had": 2`},
	}
}

// A test that does not ask for what fails is told of it when it ends.
func TestUnexpectedFailures(t *testing.T) {
	t.Parallel()
	all := endingsOfWork()
	maps.Copy(all, endingsOfCalls())
	for name, c := range all {
		if got := failing(c.test); !strings.Contains(got, c.want) {
			t.Errorf("%s: the test is told\n%s\nwhich lacks %q", name, got, c.want)
		}
	}
}

// A test that asks for what fails is not told of that.
func TestExpectedFailures(t *testing.T) {
	t.Parallel()
	got := failing(func(t talixtest.T) {
		rt := bar(t, &fakeKitchen{make: func(string, int) error { return talix.Final(errors.New("out of tea")) }})
		talixtest.Emit(rt, Tabs, "t1", Opened{"ann"}, Ordered{"tea", 1})
		if failures := rt.Failures(); len(failures) != 1 || !failures[0].Parked {
			t.Errorf("%v", failures)
		}
	})
	if got != "" {
		t.Error(got)
	}
}

// Where a handler itself waits, the clock goes on until it has ended.
func TestHandlersThatWait(t *testing.T) {
	t.Parallel()
	kitchen := &fakeKitchen{make: func(string, int) error {
		<-time.After(5 * time.Minute)
		return nil
	}}
	rt := bar(t, kitchen)
	talixtest.Emit(rt, Tabs, "t1", Opened{"ann"}, Ordered{"tea", 1})
	if now := rt.Now(); !now.Equal(talixtest.Begin().Add(5 * time.Minute)) {
		t.Error(now)
	}
	talixtest.Equal(t, []string{"make"}, stepsOf(rt))
}

func stepsOf(rt *talixtest.Runtime) (names []string) {
	for _, r := range rt.Reports() {
		if r.Kind == talix.KindStep {
			names = append(names, r.Name)
		}
	}
	return names
}

func TestDeadLetters(t *testing.T) {
	t.Parallel()
	rt := bar(t, &fakeKitchen{})
	rt.Send("rounds", talixtest.Message("t9", Round{"rum", 1}))
	dead := rt.Published(broker.DeadLetter("rounds"))
	if len(dead) != 1 || dead[0].Key != "t9" || !strings.Contains(dead[0].Attributes[broker.DeadReason], "there is no tab t9") {
		t.Error(dead)
	}
}

// What is done inside may end the test, and may panic.
func TestEndsInside(t *testing.T) {
	t.Parallel()
	passed := false
	got := failing(func(t talixtest.T) {
		talixtest.Start(t, Tabs).Inside(func(talix.ActionContext) { t.Fatalf("that is enough") })
		passed = true
	})
	if passed || !strings.Contains(got, "that is enough") {
		t.Error(passed, got)
	}
	defer func() {
		if p := recover(); p != "a bug" {
			t.Error(p)
		}
	}()
	talixtest.Start(t, Tabs).Inside(func(talix.ActionContext) { panic("a bug") })
}

// Calls from several goroutines are done one after another.
func TestCallsAtOnce(t *testing.T) {
	t.Parallel()
	rt := bar(t, &fakeKitchen{})
	talixtest.Emit(rt, Tabs, "t1", Opened{"ann"})
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { rt.Request("POST /tabs/t1/rounds", Round{"tea", 1}).Is(200) })
	}
	all.Wait()
	if had := len(talixtest.Inputs(rt, Order, "t1")); had != 20 {
		t.Error(had)
	}
}

// Whoever waits for a signal gets it.
func TestWorkflows(t *testing.T) {
	t.Parallel()
	cheers := talix.NewSignal[string]("cheers")
	toast := talix.NewWorkflow("toast", func(ctx talix.ActionContext, in string) (string, error) {
		talix.Sleep(ctx, time.Hour)
		text, _ := talix.Await(ctx, cheers, 0)
		return in + ": " + text, nil
	})
	rt := talixtest.Start(t, toast)
	rt.Inside(func(ctx talix.ActionContext) {
		if err := talix.Start(ctx, toast, "w1", "ann"); err != nil {
			t.Error(err)
		}
	})
	rt.Advance(time.Hour)
	rt.Inside(func(ctx talix.ActionContext) {
		if err := talix.Send(ctx, toast.RunID("w1"), cheers, "prost"); err != nil {
			t.Error(err)
		}
		out, err := talix.Wait(ctx, toast, "w1")
		if out != "ann: prost" || err != nil {
			t.Error(out, err)
		}
	})
}

// What is kept goes on after a restart, each thing once.
func TestRestart(t *testing.T) {
	t.Parallel()
	kitchen := &fakeKitchen{}
	rt := bar(t, kitchen)
	if _, err := talixtest.Run(rt, Open, "t1", "ann"); err != nil {
		t.Fatal(err)
	}
	rt.Request("POST /tabs/t1/rounds", Round{"tea", 2}).Is(200)
	rt.Restart()
	rt.Advance(3 * time.Hour)
	talixtest.Equal(t, []talix.EventFor[Tab]{Opened{"ann"}, Ordered{"tea", 2}, Closed{}}, talixtest.Events(rt, Tabs, "t1"))
	page, err := talixtest.Ask(rt, AllTabs, struct{}{})
	if err != nil || kitchen.count() != 1 {
		t.Fatal(err, kitchen.count())
	}
	talixtest.Equal(t, []TabRow{{ID: "t1", Drinks: 2, Closed: true}}, page.Items)
}
