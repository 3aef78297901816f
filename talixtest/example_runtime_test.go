package talixtest_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/talixtest"
)

// end does what go test does at the end of a test.
func (p *printer) end() {
	for _, clean := range p.cleanups {
		clean()
	}
}

// What follows from a request has happened when it is answered: the action on
// its event has run, and the view has the row.
func ExampleStart() {
	t := &printer{} // a test has its *testing.T
	defer t.end()

	kitchen := &fakeKitchen{}
	rt := talixtest.Start(t, Bar, talix.Provide[Kitchen](kitchen))
	talixtest.Emit(rt, Tabs, "t1", Opened{"ann"})

	rt.Request("POST /tabs/t1/rounds", Round{"tea", 2}).Is(200).JSON(OrderOut{2})

	page, err := talixtest.Ask(rt, AllTabs, struct{}{})
	fmt.Println(kitchen.made, page.Items, err)
	// Output: [tea] [{t1 2 false}] <nil>
}

// An action alone: an event happens, and the test sees which commands were run.
func ExampleInputs() {
	t := &printer{}
	defer t.end()

	welcome := talix.OnEvent("welcome", func(ctx talix.ActionContext, e talix.Recorded[Opened]) error {
		_, err := talix.Run(ctx, Order, e.EntityID, Round{"water", 1})
		return err
	})
	rt := talixtest.Start(t, Tabs, Order, welcome)
	talixtest.Emit(rt, Tabs, "t1", Opened{"ann"})

	talixtest.Equal(t, []Round{{"water", 1}}, talixtest.Inputs(rt, Order, "t1"))
	for _, r := range rt.Reports() {
		fmt.Println(r.Kind, r.Name)
	}
	// Output:
	// command tab.order
	// action welcome
}

// A view alone: events happen, and a query has the rows.
func ExampleEmit() {
	t := &printer{}
	defer t.end()

	rt := talixtest.Start(t, Tabs, TabRows, AllTabs)
	talixtest.Emit(rt, Tabs, "t1", Opened{"ann"}, Ordered{"tea", 2}, Ordered{"rum", 1}, Closed{})

	page, err := talixtest.Ask(rt, AllTabs, struct{}{})
	fmt.Println(page.Items, err)
	// Output: [{t1 3 true}] <nil>
}

// Timers, schedules, sleeps and retries go by the test's clock.
func ExampleRuntime_Advance() {
	t := &printer{}
	defer t.end()

	rt := talixtest.Start(t, Tabs, Guests, Open, Close, CloseLate)
	if _, err := talixtest.Run(rt, Open, "t1", "ann"); err != nil {
		fmt.Println(err)
	}
	rt.Advance(2 * time.Hour)
	fmt.Println(len(talixtest.Events(rt, Tabs, "t1")), "event")
	rt.Advance(time.Hour)
	fmt.Println(len(talixtest.Events(rt, Tabs, "t1")), "events")
	// Output:
	// 1 event
	// 2 events
}

func ExampleRuntime_Send() {
	t := &printer{}
	defer t.end()

	rt := talixtest.Start(t, Tabs, Order, OnRound)
	talixtest.Emit(rt, Tabs, "t1", Opened{"ann"})
	rt.Send("rounds", talixtest.Message("t1", Round{"rum", 1}))

	fmt.Println(talixtest.Events(rt, Tabs, "t1"))
	// Output: [{ann} {rum 1}]
}

func ExampleRuntime_Published() {
	t := &printer{}
	defer t.end()

	rt := talixtest.Start(t, Tabs, Outgoing)
	talixtest.Emit(rt, Tabs, "t1", Opened{"ann"}, Closed{})

	for _, m := range rt.Published("tabs") {
		fmt.Println(m.Key, m.Attributes["ce-type"])
	}
	// Output:
	// t1 BAR:TAB_OPENED
	// t1 BAR:TAB_CLOSED
}

// A test whose work fails on purpose asks for the failures; all others fail it.
func ExampleRuntime_Failures() {
	t := &printer{}
	defer t.end()

	kitchen := &fakeKitchen{make: func(_ string, attempt int) error {
		if attempt == 1 {
			return errors.New("out of tea")
		}
		return nil
	}}
	rt := talixtest.Start(t, Bar, talix.Provide[Kitchen](kitchen))
	talixtest.Emit(rt, Tabs, "t1", Opened{"ann"}, Ordered{"tea", 1})
	for _, f := range rt.Failures() {
		fmt.Println(f)
	}
	rt.Advance(time.Second)
	fmt.Println(len(rt.Failures()), "failures")
	// Output:
	// prepare, at event 2 of tab "t1", after 1 attempts: out of tea (it is tried again)
	// 0 failures
}

// What is kept goes on after a restart.
func ExampleRuntime_Restart() {
	t := &printer{}
	defer t.end()

	rt := talixtest.Start(t, Tabs, Guests, Open, Close, CloseLate)
	if _, err := talixtest.Run(rt, Open, "t1", "ann"); err != nil {
		fmt.Println(err)
	}
	rt.Restart()
	rt.Advance(3 * time.Hour)
	fmt.Println(talixtest.Events(rt, Tabs, "t1"))
	// Output: [{ann} {}]
}

// Inside, a test can do whatever an action can.
func ExampleRuntime_Inside() {
	t := &printer{}
	defer t.end()

	rt := talixtest.Start(t, Tabs)
	talixtest.Emit(rt, Tabs, "t1", Opened{"ann"}, Ordered{"tea", 1})
	rt.Inside(func(ctx talix.ActionContext) {
		tab, err := talix.Load(ctx, Tabs, "t1")
		fmt.Println(tab.State.Drinks, tab.Version, err)
	})
	// Output: map[tea:1] 2 <nil>
}

func ExampleClock() {
	t := &printer{}
	defer t.end()

	nightly := talix.OnSchedule("nightly", "0 2 * * *", func(_ talix.ActionContext, due time.Time) error {
		fmt.Println("due at", due)
		return nil
	}, talix.InZone("Europe/Berlin"))
	rt := talixtest.Start(t, talixtest.Clock(time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)), nightly)
	rt.Advance(24 * time.Hour)
	// Output: due at 2026-11-23 01:00:00 +0000 UTC
}

func ExampleEqual() {
	t := &printer{}

	talixtest.Equal(t, []TabRow{{ID: "t1", Drinks: 3}}, []TabRow{{ID: "t1", Drinks: 2}})
	// Output:
	// it is not what was expected
	// (- expected, + got)
	//     [
	//       {
	//         "ID": "t1",
	//   -     "Drinks": 3,
	//   +     "Drinks": 2,
	//         "Closed": false
	//       }
	//     ]
}
