package talixtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// Outcome is what came of a command.
type Outcome[S, Out any] struct {
	t       T
	scene   *Scene[S]
	command *registry.Command
	events  []store.Event
	timers  []Timer
	out     Out
	err     error
}

// Then fails the test unless the command emitted exactly these events, in
// order; none are none.
func (o *Outcome[S, Out]) Then(events ...talix.EventFor[S]) *Outcome[S, Out] {
	o.t.Helper()
	if !o.accepted() {
		return o
	}
	want, got := anys(events), o.Events()
	if !slices.EqualFunc(want, got, sameEvent) {
		o.t.Errorf("%s: other events than expected\n%s", o.name(), o.differ(want, got))
	}
	return o
}

// Reply fails the test unless the command replied with want.
func (o *Outcome[S, Out]) Reply(want Out) *Outcome[S, Out] {
	o.t.Helper()
	if o.accepted() && !equal(want, o.out) {
		o.t.Errorf("%s: another reply than expected\n%s", o.name(), differ(want, o.out))
	}
	return o
}

// Rejected fails the test unless the command failed with an error like want. Of
// a *talix.Error the code counts, and of message, status and fields those that
// want has: talix.ErrRejected is any rejection, talix.Reject("too late") is one
// with this text. Any other error has to be in the chain.
func (o *Outcome[S, Out]) Rejected(want error) *Outcome[S, Out] {
	o.t.Helper()
	switch {
	case o.err == nil:
		o.t.Errorf("%s: was accepted, and not rejected with %v\n%s", o.name(), want, o.differ(nil, o.Events()))
	case !like(o.err, want):
		o.t.Errorf("%s: another rejection than expected\n  - %v\n  + %v\n", o.name(), want, o.err)
	}
	return o
}

// State fails the test unless the state is want after the command; that of a
// rejected one is as before.
func (o *Outcome[S, Out]) State(want S) *Outcome[S, Out] {
	o.t.Helper()
	o.After().State(want)
	return o
}

// Events are what the command emitted, as Go values.
func (o *Outcome[S, Out]) Events() []any {
	out := make([]any, len(o.events))
	for i := range o.events {
		out[i] = valueOf(o.scene.entity, &o.events[i])
	}
	return out
}

// Result is the command's reply, or the *talix.Error with which it failed.
func (o *Outcome[S, Out]) Result() (Out, error) { return o.out, o.err }

// Timers are what the command did to timers, in order.
func (o *Outcome[S, Out]) Timers() []Timer { return slices.Clone(o.timers) }

// After is the scene with what the command emitted, for the next command.
func (o *Outcome[S, Out]) After() *Scene[S] {
	o.t.Helper()
	after := o.scene.with(o.scene.entity, o.scene.id, o.Events())
	if n := len(o.events); n > 0 {
		all := after.streams[after.stream()]
		all[len(all)-1].Metadata = o.events[n-1].Metadata
	}
	return after
}

// Scheduled fails the test unless the command set a timer of its entity.
func Scheduled[S, Out, In any](o *Outcome[S, Out], timer *talix.Timer[In], key string, when time.Time, in In) *Outcome[S, Out] {
	o.t.Helper()
	data, err := json.Marshal(in)
	if err != nil {
		o.t.Fatalf("write input of timer: %v", err)
	}
	o.timed(Timer{Name: timerName(timer), Key: key, When: when.UTC().Truncate(time.Microsecond), In: data})
	return o
}

// Unscheduled fails the test unless the command removed a timer of its entity.
func Unscheduled[S, Out, In any](o *Outcome[S, Out], timer *talix.Timer[In], key string) *Outcome[S, Out] {
	o.t.Helper()
	o.timed(Timer{Name: timerName(timer), Key: key, Removed: true})
	return o
}

func (o *Outcome[S, Out]) timed(want Timer) {
	o.t.Helper()
	if o.accepted() && !slices.ContainsFunc(o.timers, func(got Timer) bool { return equal(want, got) }) {
		o.t.Errorf("%s: other timers than expected\n%s", o.name(), differ([]Timer{want}, o.timers))
	}
}

func timerName[In any](t *talix.Timer[In]) string {
	r := registry.New()
	talix.OnTimer(t, func(talix.ActionContext, talix.Fired[In]) error { return nil }).Register(r)
	return r.Actions[0].Timer.Name
}

func (o *Outcome[S, Out]) name() string {
	return fmt.Sprintf("%s of %q", o.command.FullName(), o.scene.id)
}

func (o *Outcome[S, Out]) accepted() bool {
	o.t.Helper()
	if o.err != nil {
		o.t.Errorf("%s: was rejected: %v", o.name(), o.err)
	}
	return o.err == nil
}

func sameEvent(want, got any) bool {
	return reflect.TypeOf(want) == reflect.TypeOf(got) && equal(want, got)
}

// differ tells how events differ, line by line.
func (o *Outcome[S, Out]) differ(want, got []any) string {
	if text, same := diff(o.lines(want), o.lines(got)); !same {
		return text
	}
	return differ(want, got)
}

func (o *Outcome[S, Out]) lines(events []any) (all []string) {
	for _, v := range events {
		name := fmt.Sprintf("%T", v)
		if def := o.scene.entity.ByGo[reflect.TypeOf(v)]; def != nil {
			name = def.Type
		}
		text := lines(v)
		text[0] = strings.TrimSpace(name + " " + text[0])
		all = append(all, text...)
	}
	return all
}

// like tells whether an error is what was expected of it.
func like(got, want error) bool {
	w, ok := errors.AsType[*talix.Error](want)
	if !ok {
		return errors.Is(got, want)
	}
	g, ok := errors.AsType[*talix.Error](got)
	return ok && g.Code == w.Code &&
		(w.Message == "" || w.Message == g.Message) &&
		(w.Status == 0 || w.Status == g.Status) &&
		(len(w.Fields) == 0 || slices.Equal(w.Fields, g.Fields))
}
