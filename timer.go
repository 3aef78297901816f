package talix

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// Timer is something that is to happen at a time, for an entity or under a key.
// An action made by OnTimer says what.
type Timer[In any] struct {
	def registry.Timer
}

// NewTimer defines a timer. The name must not change. In is kept as JSON.
//
// Timers are defined apart from what they trigger, so that a command may set
// the timer whose action runs that very command.
func NewTimer[In any](name string) *Timer[In] {
	return &Timer[In]{registry.Timer{Name: name, In: reflect.TypeFor[In](), Decode: decoder[In]()}}
}

// Scheduler is what can set timers: CommandContext and ActionContext.
type Scheduler interface {
	schedule(t *registry.Timer, key string, when time.Time, in []byte)
	unschedule(t *registry.Timer, key string)
}

// Schedule sets a timer; one of the same name and key is replaced. A time that
// is past is due at once.
//
// In a command, the timer is the entity's, and is set in the same append as the
// events: if the command is rejected, no timer is set. The key tells several of
// one entity apart; it may be empty.
//
// In an action, the timer is no entity's; it is durable when Schedule returns.
// Where the store cannot take it, the action's run ends, to be tried again.
func Schedule[In any](ctx Scheduler, t *Timer[In], key string, when time.Time, in In) {
	data, err := json.Marshal(in)
	if err != nil {
		panic(fmt.Sprintf("write input of timer %q: %v", t.def.Name, err))
	}
	ctx.schedule(&t.def, key, when, data)
}

// Unschedule removes a timer, if it is set.
func Unschedule[In any](ctx Scheduler, t *Timer[In], key string) { ctx.unschedule(&t.def, key) }

func (c CommandContext[S]) schedule(t *registry.Timer, key string, when time.Time, in []byte) {
	c.turn.Schedule(t, key, when, in)
}

func (c CommandContext[S]) unschedule(t *registry.Timer, key string) { c.turn.Unschedule(t, key) }

func (c ActionContext) schedule(t *registry.Timer, key string, when time.Time, in []byte) {
	c.host.Kept().Schedule(c.Context, t, key, when, in)
}

func (c ActionContext) unschedule(t *registry.Timer, key string) {
	c.host.Kept().Unschedule(c.Context, t, key)
}

// Fired is a timer that is due.
type Fired[In any] struct {
	EntityType, EntityID string // of the entity whose command set it; else empty
	Key                  string
	Due                  time.Time
	In                   In
}

// OnTimer is an action that runs when a timer is due: at least once, also after
// a restart, and with the effects of its commands once. A timer that is
// replaced or removed while its action runs is not set again by that run's end.
// The action is named for the timer.
func OnTimer[In any](t *Timer[In], handler func(ActionContext, Fired[In]) error, opts ...ActionOption) *Action {
	a := &Action{registry.Action{
		Name:  t.def.Name,
		Place: registry.Caller(1),
		Timer: &t.def,
		Handle: func(ctx context.Context, h registry.Host, in any, _ *store.Event) (any, error) {
			f := in.(registry.Fired)
			return nil, toEngine(handler(ActionContext{ctx, h}, Fired[In]{f.Stream.Type, f.Stream.ID, f.Key, f.Due, f.In.(In)}))
		},
	}}
	return a.with(opts)
}

// OnSchedule is an action that runs again and again, at the times of a cron
// line with five fields (minute, hour, day of month, month, day of week) or one
// like @daily or @every 90s, in UTC unless InZone says otherwise. The handler
// gets the time for which it runs. It runs once for each time in the whole
// cluster: at least once, with the effects of its commands once. A run that
// fails is tried again, and parked in the end; the next time comes all the
// same. One run follows another, never two at a time.
func OnSchedule(name, cron string, handler func(ActionContext, time.Time) error, opts ...ActionOption) *Action {
	a := &Action{registry.Action{
		Name:     name,
		Place:    registry.Caller(1),
		Schedule: &registry.ScheduleTrigger{Cron: cron},
		Handle: func(ctx context.Context, h registry.Host, in any, _ *store.Event) (any, error) {
			return nil, toEngine(handler(ActionContext{ctx, h}, in.(time.Time)))
		},
	}}
	return a.with(opts)
}

// CatchUp says what becomes of a schedule's times at which no runtime ran.
type CatchUp uint8

// The policies.
const (
	CatchUpOnce CatchUp = iota // one run, for the latest of them
	CatchUpAll                 // one run for each, in order
	CatchUpSkip                // none
)

// CatchingUp sets what becomes of a schedule's times at which no runtime ran.
// Defaults to CatchUpOnce.
func CatchingUp(c CatchUp) ActionOption {
	return func(a *registry.Action) {
		if a.Schedule == nil || c > CatchUpSkip {
			a.Faults = append(a.Faults, fmt.Errorf("CatchingUp is for OnSchedule and takes CatchUpOnce, CatchUpAll or CatchUpSkip"))
			return
		}
		a.Schedule.CatchUp = registry.CatchUp(c)
	}
}

// InZone sets the time zone of a schedule, as in "Europe/Berlin". A time that a
// change of the clocks leaves out is taken as much later as they were moved. One
// that comes twice is taken once, unless the cron line is for every hour.
func InZone(name string) ActionOption {
	return func(a *registry.Action) {
		if a.Schedule == nil {
			a.Faults = append(a.Faults, fmt.Errorf("InZone is for OnSchedule: remove it"))
			return
		}
		a.Schedule.Zone = name
	}
}
