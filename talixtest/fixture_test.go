package talixtest_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/talixtest"
)

// Tab is what a guest of a bar has had.
type Tab struct {
	Guest  string
	Drinks map[string]int
	Closed bool
	Since  time.Time
}

type Opened struct {
	Guest string `json:"guest"`
}

func (e Opened) Apply(t *Tab, m talix.Meta) {
	*t = Tab{Guest: e.Guest, Drinks: map[string]int{}, Since: m.Time}
}

type Ordered struct {
	Drink string `json:"drink"`
	Count int    `json:"count"`
}

func (e Ordered) Apply(t *Tab, _ talix.Meta) { t.Drinks[e.Drink] += e.Count }

type Closed struct{}

func (Closed) Apply(t *Tab, _ talix.Meta) { t.Closed = true }

var Tabs = talix.NewEntity("tab",
	talix.Event[Opened]("BAR:TAB_OPENED"),
	talix.Event[Ordered]("BAR:DRINKS_ORDERED"),
	talix.Event[Closed]("BAR:TAB_CLOSED"),
)

// Guest is someone who may be unwelcome.
type Guest struct{ Banned bool }

type Banned struct{}

func (Banned) Apply(g *Guest, _ talix.Meta) { g.Banned = true }

var Guests = talix.NewEntity("guest", talix.Event[Banned]("BAR:GUEST_BANNED"))

var LastCall = talix.NewTimer[string]("last-call")

var Open = talix.NewCommand(Tabs, "open", func(c talix.CommandContext[Tab], guest string) (string, error) {
	if g, err := talix.Load(c, Guests, guest); err == nil && g.State.Banned {
		return "", talix.Reject("%s is not welcome", guest).WithStatus(403)
	}
	c.Emit(Opened{guest})
	talix.Schedule(c, LastCall, "", c.Time().Add(3*time.Hour), guest)
	return talix.NewID(c), nil
})

type Round struct {
	Drink string `json:"drink" minLength:"1"`
	Count int    `json:"count" minimum:"1"`
}

var Order = talix.NewCommand(Tabs, "order", func(c talix.CommandContext[Tab], in Round) (int, error) {
	if !c.Exists() {
		return 0, talix.NotFound("there is no tab %s", c.ID())
	}
	if c.State().Closed {
		return 0, talix.Reject("the tab is closed")
	}
	c.Emit(Ordered(in))
	return c.State().Drinks[in.Drink], nil
})

var Close = talix.NewCommand(Tabs, "close", func(c talix.CommandContext[Tab], _ struct{}) (struct{}, error) {
	c.Emit(Closed{})
	talix.Unschedule(c, LastCall, "")
	return struct{}{}, nil
})

// errHouse is an error that is no talix.Error.
var errHouse = fmt.Errorf("the house is full")

var Squeeze = talix.NewCommand(Tabs, "squeeze", func(talix.CommandContext[Tab], struct{}) (struct{}, error) {
	return struct{}{}, fmt.Errorf("squeeze in: %w", errHouse)
})

// recorder is a T that keeps what a test is told.
type recorder struct {
	mu       sync.Mutex
	failures []string
	logs     []string
	cleanups []func()
}

// fatal ends what a recorder records.
type fatal struct{}

func (r *recorder) Helper() {}

func (r *recorder) Logf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.logs = append(r.logs, fmt.Sprintf(format, args...))
}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	panic(fatal{})
}

func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }

// failing runs a test that is to fail, and tells of what.
func failing(test func(t talixtest.T)) string {
	r := &recorder{}
	r.run(func() { test(r) })
	for len(r.cleanups) > 0 {
		last := len(r.cleanups) - 1
		clean := r.cleanups[last]
		r.cleanups = r.cleanups[:last]
		r.run(clean)
	}
	return strings.Join(r.failures, "\n")
}

func (r *recorder) run(fn func()) {
	defer func() {
		if p := recover(); p != nil && p != any(fatal{}) {
			panic(p)
		}
	}()
	fn()
}

// printer is a T for examples, which prints what a test is told.
type printer struct{ recorder }

func (p *printer) Errorf(format string, args ...any) { fmt.Printf(format+"\n", args...) }

func (p *printer) Fatalf(format string, args ...any) {
	p.Errorf(format, args...)
	panic(fatal{})
}

// lottery is a command that keeps no promise at all, one way at a time.
func lottery(handler func(talix.CommandContext[Tab]) (any, error)) *talix.Command[struct{}, any] {
	return talix.NewCommand(Tabs, "lottery", func(c talix.CommandContext[Tab], _ struct{}) (any, error) { return handler(c) })
}

func anyNumber() int { return rand.Int() }
