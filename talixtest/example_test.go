package talixtest_test

import (
	"fmt"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/talixtest"
)

func ExampleWhen() {
	t := &printer{} // a test has its *testing.T

	tab := talixtest.Given(t, Tabs, "t1", Opened{"ann"}, Ordered{"tea", 1})

	talixtest.When(tab, Order, Round{"tea", 2}).
		Then(Ordered{"tea", 2}).
		Reply(3)

	talixtest.When(tab.Given(Closed{}), Order, Round{"tea", 2}).
		Rejected(talix.Reject("the tab is closed"))
	// Output:
}

// A failure says what is missing, and what came instead.
func ExampleOutcome_Then() {
	t := &printer{}

	tab := talixtest.Given(t, Tabs, "t1", Opened{"ann"})
	talixtest.When(tab, Order, Round{"tea", 2}).Then(Ordered{"rum", 2})
	// Output:
	// tab.order of "t1": other events than expected
	// (- expected, + got)
	//     BAR:DRINKS_ORDERED {
	//   -   "drink": "rum",
	//   +   "drink": "tea",
	//       "count": 2
	//     }
}

func ExampleScene_State() {
	t := &printer{}

	talixtest.Given(t, Tabs, "t1", Opened{"ann"}, Ordered{"tea", 1}).
		State(Tab{Guest: "ann", Drinks: map[string]int{"tea": 1}, Since: talixtest.Begin()})
	// Output:
}

// A handler that loads other entities finds those that the test gives.
func ExampleAnd() {
	t := &printer{}

	nobody := talixtest.Given(t, Tabs, "t1")
	talixtest.When(talixtest.And(nobody, Guests, "ann", Banned{}), Open, "ann").
		Rejected(talix.Reject("ann is not welcome"))
	talixtest.When(nobody, Open, "ann").
		Then(Opened{"ann"})
	// Output:
}

func ExampleScheduled() {
	t := &printer{}

	evening := talixtest.Begin().Add(20 * time.Hour)
	open := talixtest.When(talixtest.Given(t, Tabs, "t1").At(evening), Open, "ann")
	talixtest.Scheduled(open, LastCall, "", evening.Add(3*time.Hour), "ann")
	// Output:
}

func ExampleCheck() {
	t := &printer{}

	talixtest.Check(t, talix.Service{Name: "bar", Components: talix.Components{Tabs, Guests}})
	fmt.Println("all events come back as they were")
	// Output: all events come back as they were
}
