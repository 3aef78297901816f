package talixtest_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/talixtest"
)

func TestWhen(t *testing.T) {
	t.Parallel()
	open := talixtest.When(talixtest.Given(t, Tabs, "t1"), Open, "ann").
		Then(Opened{"ann"}).
		Reply(talixtest.ID(1)).
		State(Tab{Guest: "ann", Since: talixtest.Begin()})
	talixtest.Scheduled(open, LastCall, "", talixtest.Begin().Add(3*time.Hour), "ann")

	order := talixtest.When(open.After().At(talixtest.Begin().Add(time.Hour)), Order, Round{"tea", 2}).
		Then(Ordered{"tea", 2}).
		Reply(2)
	if got := order.After().Fold(); got.Drinks["tea"] != 2 || !got.Since.Equal(talixtest.Begin()) {
		t.Errorf("%+v", got)
	}
	closing := talixtest.When(order.After(), Close, struct{}{}).Then(Closed{})
	talixtest.Unscheduled(closing, LastCall, "")
	talixtest.When(closing.After(), Order, Round{"tea", 1}).
		Rejected(talix.ErrRejected).
		Rejected(talix.Reject("the tab is closed")).
		State(closing.After().Fold())
}

// A scene does not change, so that several commands can be tried on it.
func TestSceneIsKept(t *testing.T) {
	t.Parallel()
	scene := talixtest.Given(t, Tabs, "t1", Opened{"ann"})
	talixtest.When(scene, Order, Round{"tea", 2}).Reply(2)
	talixtest.When(scene, Order, Round{"tea", 2}).Reply(2)
	later := scene.At(talixtest.Begin().Add(time.Hour)).Given(Ordered{"tea", 1})
	talixtest.When(later, Order, Round{"tea", 2}).Reply(3)
	scene.State(Tab{Guest: "ann", Since: talixtest.Begin()})
	if !scene.Time().Equal(talixtest.Begin()) {
		t.Error(scene.Time())
	}
}

func TestRejections(t *testing.T) {
	t.Parallel()
	nobody := talixtest.Given(t, Tabs, "t1")
	talixtest.When(nobody, Order, Round{"tea", 1}).Rejected(talix.ErrNotFound)
	talixtest.When(nobody, Order, Round{"", 0}).Rejected(talix.ErrInvalid)
	talixtest.When(nobody, Squeeze, struct{}{}).Rejected(errHouse).Rejected(talix.ErrInternal)
	banned := talixtest.And(nobody, Guests, "ann", Banned{})
	talixtest.When(banned, Open, "ann").
		Rejected(talix.Reject("ann is not welcome").WithStatus(403))
	talixtest.When(banned, Open, "bob").Then(Opened{"bob"})
	if _, err := talixtest.When(banned, Open, "ann").Result(); err == nil {
		t.Error("there is no error")
	}
}

// failure is a test that fails, and what it is told.
type failure struct {
	test func(talixtest.T)
	want []string
}

func opened(t talixtest.T) *talixtest.Scene[Tab] {
	return talixtest.Given(t, Tabs, "t1", Opened{"ann"})
}

func failuresOfOutcomes() map[string]failure {
	return map[string]failure{
		"another event": {
			func(t talixtest.T) { talixtest.When(opened(t), Order, Round{"tea", 2}).Then(Ordered{"tea", 3}) },
			[]string{`tab.order of "t1": other events`, `-   "count": 3`, `+   "count": 2`, `    BAR:DRINKS_ORDERED {`},
		},
		"no event": {
			func(t talixtest.T) { talixtest.When(opened(t), Order, Round{"tea", 2}).Then() },
			[]string{"+ BAR:DRINKS_ORDERED {"},
		},
		"event of another type": {
			func(t talixtest.T) { talixtest.When(opened(t), Close, struct{}{}).Then(Opened{}) },
			[]string{"- BAR:TAB_OPENED {", "+ BAR:TAB_CLOSED {}"},
		},
		"another reply": {
			func(t talixtest.T) { talixtest.When(opened(t), Order, Round{"tea", 2}).Reply(7) },
			[]string{"another reply", "- 7", "+ 2"},
		},
		"another state": {
			func(t talixtest.T) { opened(t).State(Tab{Guest: "bob", Since: talixtest.Begin()}) },
			[]string{`tab "t1": another state`, `-   "Guest": "bob"`, `+   "Guest": "ann"`},
		},
	}
}

func failuresOfRejections() map[string]failure {
	return map[string]failure{
		"rejected": {
			func(t talixtest.T) { talixtest.When(talixtest.Given(t, Tabs, "x"), Order, Round{"tea", 2}).Then() },
			[]string{"was rejected: not_found: there is no tab x"},
		},
		"rejected and a reply": {
			func(t talixtest.T) { talixtest.When(talixtest.Given(t, Tabs, "x"), Order, Round{"tea", 2}).Reply(0) },
			[]string{"was rejected"},
		},
		"accepted": {
			func(t talixtest.T) {
				talixtest.When(opened(t), Order, Round{"tea", 2}).Rejected(talix.ErrRejected)
			},
			[]string{"was accepted", "+ BAR:DRINKS_ORDERED"},
		},
		"another code": {
			func(t talixtest.T) {
				talixtest.When(talixtest.Given(t, Tabs, "x"), Order, Round{"tea", 2}).Rejected(talix.ErrRejected)
			},
			[]string{"- rejected", "+ not_found"},
		},
		"another text": {
			func(t talixtest.T) {
				talixtest.When(opened(t).Given(Closed{}), Order, Round{"tea", 2}).Rejected(talix.Reject("too late"))
			},
			[]string{"too late", "the tab is closed"},
		},
		"another status": {
			func(t talixtest.T) {
				talixtest.When(opened(t).Given(Closed{}), Order, Round{"tea", 2}).Rejected(talix.Reject("the tab is closed").WithStatus(403))
			},
			[]string{"another rejection"},
		},
		"another error": {
			func(t talixtest.T) {
				talixtest.When(opened(t), Squeeze, struct{}{}).Rejected(talix.ErrRejected)
			},
			[]string{"internal", "the house is full"},
		},
		"no timer": {
			func(t talixtest.T) {
				talixtest.Scheduled(talixtest.When(opened(t), Close, struct{}{}), LastCall, "", talixtest.Begin(), "ann")
			},
			[]string{"other timers", "last-call", `"Removed": true`},
		},
		"command of another entity": {
			func(t talixtest.T) { talixtest.When(talixtest.Given(t, Guests, "ann"), Order, Round{"tea", 2}) },
			[]string{`tab.order is a command of "tab", and the scene is that of guest "ann"`},
		},
		"fold that breaks": {
			func(t talixtest.T) { talixtest.Given(t, Tabs, "x", Ordered{"tea", 1}) },
			[]string{`tab "x": fold event 1, BAR:DRINKS_ORDERED: panic: assignment to entry in nil map`},
		},
	}
}

// What a test is told where it fails says what is missing and what came.
func TestFailures(t *testing.T) {
	t.Parallel()
	all := failuresOfOutcomes()
	maps.Copy(all, failuresOfRejections())
	for name, c := range all {
		got := failing(c.test)
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: the test is told\n%s\nwhich lacks %q", name, got, want)
			}
		}
	}
	if len(all) < 15 {
		t.Error(len(all))
	}
}

// What no handler may do fails every test.
func TestPurity(t *testing.T) {
	t.Parallel()
	kept := 0
	for name, c := range map[string]struct {
		handler func(talix.CommandContext[Tab]) (any, error)
		want    string
	}{
		"random event": {func(c talix.CommandContext[Tab]) (any, error) {
			c.Emit(Ordered{"tea", anyNumber()})
			return nil, nil
		}, "decides otherwise"},
		"random reply": {func(talix.CommandContext[Tab]) (any, error) { return anyNumber() % 1e9, nil }, "decides otherwise"},
		"random error": {func(talix.CommandContext[Tab]) (any, error) {
			return nil, talix.Reject("no %d", anyNumber())
		}, "decides otherwise"},
		"random timer": {func(c talix.CommandContext[Tab]) (any, error) {
			talix.Schedule(c, LastCall, "", time.Now(), "")
			return nil, nil
		}, "decides otherwise"},
		"order of a map": {func(c talix.CommandContext[Tab]) (any, error) {
			for drink := range c.State().Drinks {
				c.Emit(Ordered{drink, 1})
			}
			return nil, nil
		}, "decides otherwise"},
		"kept outside": {func(talix.CommandContext[Tab]) (any, error) { kept++; return kept, nil }, "decides otherwise"},
		"changed state": {func(c talix.CommandContext[Tab]) (any, error) {
			c.State().Drinks["rum"] = 1
			return nil, nil
		}, "changed the state"},
		"changed state before an event": {func(c talix.CommandContext[Tab]) (any, error) {
			c.State().Drinks["rum"] = 1
			c.Emit(Opened{})
			return nil, nil
		}, "changed the state"},
		"changed state and a rejection": {func(c talix.CommandContext[Tab]) (any, error) {
			c.State().Drinks["rum"] = 1
			return nil, talix.Reject("no")
		}, "changed the state"},
		"panic": {func(talix.CommandContext[Tab]) (any, error) { panic("a bug") }, "the handler broke: panic: a bug"},
		"reply that is lost": {func(talix.CommandContext[Tab]) (any, error) {
			return map[string]any{"n": struct{ n int }{1}}, nil
		}, "the reply is another one"},
		"reply that is no JSON": {func(talix.CommandContext[Tab]) (any, error) { return complex(1, 0), nil }, "cannot be written"},
	} {
		got := failing(func(t talixtest.T) {
			drinks := talixtest.Given(t, Tabs, "t1", Opened{"ann"}, Ordered{"tea", 1}, Ordered{"rye", 1}, Ordered{"ale", 1}, Ordered{"gin", 1})
			talixtest.When(drinks, lottery(c.handler), struct{}{})
		})
		if !strings.Contains(got, c.want) {
			t.Errorf("%s: the test is told\n%s\nwhich lacks %q", name, got, c.want)
		}
	}
}

// Odd is an entity whose reducer is as wrong as its events.
type Odd struct{ N int }

type Forgetful struct {
	n    int
	Kept string `json:"-"`
}

func (Forgetful) Apply(*Odd, talix.Meta) {}

type Random struct{}

func (Random) Apply(o *Odd, _ talix.Meta) { o.N = anyNumber() }

type Unread struct{ Text word }

func (Unread) Apply(*Odd, talix.Meta) {}

// word is written as something that it does not read.
type word string

func (word) MarshalText() ([]byte, error) { return []byte("word"), nil }

func (*word) UnmarshalText([]byte) error { return errHouse }

func TestEventsAreChecked(t *testing.T) {
	t.Parallel()
	odd := talix.NewEntity("odd", talix.Event[Forgetful]("ODD:FORGETFUL"), talix.Event[Random]("ODD:RANDOM"), talix.Event[Unread]("ODD:UNREAD"))
	emit := func(e talix.EventFor[Odd]) *talix.Command[struct{}, struct{}] {
		return talix.NewCommand(odd, "emit", func(c talix.CommandContext[Odd], _ struct{}) (struct{}, error) {
			c.Emit(e)
			return struct{}{}, nil
		})
	}
	for name, c := range map[string]struct {
		event talix.EventFor[Odd]
		want  string
	}{
		"a field that is not exported": {Forgetful{n: 1}, "is another one when it is read back"},
		"a field that is no JSON":      {Forgetful{Kept: "x"}, "is another one when it is read back"},
		"a fold by chance":             {Random{}, "changed the state|folding the same events twice"},
		"a text that is not read":      {Unread{"x"}, "cannot be read back"},
	} {
		emitted := failing(func(t talixtest.T) { talixtest.When(talixtest.Given(t, odd, "o"), emit(c.event), struct{}{}) })
		given := failing(func(t talixtest.T) { talixtest.Given(t, odd, "o", c.event) })
		for _, got := range []string{emitted, given} {
			if first, second, _ := strings.Cut(c.want, "|"); !strings.Contains(got, first) && (second == "" || !strings.Contains(got, second)) {
				t.Errorf("%s: the test is told\n%s\nwhich lacks %q", name, got, c.want)
			}
		}
	}
}

// The last thing that a command does to a timer stands, and a rejected one does
// nothing to any.
func TestTimers(t *testing.T) {
	t.Parallel()
	set := func(handler func(talix.CommandContext[Tab]) (any, error)) []talixtest.Timer {
		return talixtest.When(talixtest.Given(t, Tabs, "t1"), lottery(handler), struct{}{}).Timers()
	}
	at := time.Date(2000, 1, 2, 3, 4, 5, 6789, time.FixedZone("east", 3600))
	talixtest.Equal(t, []talixtest.Timer{
		{Name: "last-call", Key: "b", Removed: true},
		{Name: "last-call", Key: "a", When: at.Truncate(time.Microsecond), In: []byte(`"y"`)},
	}, set(func(c talix.CommandContext[Tab]) (any, error) {
		talix.Schedule(c, LastCall, "a", c.Time(), "x")
		talix.Schedule(c, LastCall, "b", c.Time(), "x")
		talix.Unschedule(c, LastCall, "b")
		talix.Schedule(c, LastCall, "a", at, "y")
		return nil, nil
	}))
	talixtest.Equal(t, nil, set(func(c talix.CommandContext[Tab]) (any, error) {
		talix.Schedule(c, LastCall, "a", c.Time(), "x")
		return nil, talix.Reject("no")
	}))
}

// A handler sees what it emitted, by its state and by loading itself; times are
// those of the runtime.
func TestContext(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 23, 12, 0, 0, 1999, time.FixedZone("east", 3600))
	look := lottery(func(c talix.CommandContext[Tab]) (any, error) {
		c.Emit(Ordered{"tea", 2})
		self, err := talix.Load(c, Tabs, c.ID())
		if err != nil {
			return nil, err
		}
		self.State.Drinks["tea"] = 100 // is the handler's own
		_, missing := talix.Load(c, Guests, "nobody")
		return []any{fmt.Sprint(c.State().Drinks["tea"], self.Version, c.Version()), c.Time().String(), talix.NewID(c), talix.NewID(c), missing.Error()}, nil
	})
	talixtest.When(talixtest.Given(t, Tabs, "t1", Opened{"ann"}).At(at), look, struct{}{}).
		Reply([]any{"2 2 2", "2026-11-23 11:00:00.000001 +0000 UTC", talixtest.ID(1), talixtest.ID(2), `not_found: guest "nobody" does not exist`})
}

// Very long texts are told whole, and quickly.
func TestLongDifference(t *testing.T) {
	t.Parallel()
	long := func(from int) (all []int) {
		for i := range 5000 {
			all = append(all, from+i)
		}
		return all
	}
	got := failing(func(t talixtest.T) { talixtest.Equal(t, long(0), long(1)) })
	if !strings.Contains(got, "-   0,") || !strings.Contains(got, "+   5000\n") {
		t.Error(len(got), got[:100])
	}
}

// A deleted entity takes no more commands, and its timers are gone.
func TestDelete(t *testing.T) {
	t.Parallel()
	discard := talix.NewCommand(Tabs, "discard", func(c talix.CommandContext[Tab], more bool) (int64, error) {
		talix.Schedule(c, LastCall, "", c.Time(), "ann")
		c.Delete(Closed{})
		if more {
			c.Emit(Ordered{"tea", 1})
		}
		return c.Version(), nil
	})
	scene := talixtest.Given(t, Tabs, "t1", Opened{"ann"})
	over := talixtest.When(scene, discard, false).Then(Closed{}).Reply(2)
	talixtest.When(over.After(), Order, Round{"tea", 1}).Rejected(talix.ErrGone)
	talixtest.When(over.After(), discard, false).Rejected(talix.ErrGone)
	if n := len(over.Timers()); n != 0 {
		t.Errorf("%d timers are left", n)
	}
	said := failing(func(t talixtest.T) {
		talixtest.When(talixtest.Given(t, Tabs, "t1", Opened{"ann"}), discard, true)
	})
	if !strings.Contains(said, "emit all other events first") {
		t.Errorf("an event after the end: %s", said)
	}
}
