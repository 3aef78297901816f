package talixtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/schema"
	"github.com/talix-dev/talix/store"
)

// When runs a command on the scene's entity, and tells what came of it. What
// the input's struct tags demand is checked first, as by the runtime.
//
// Beside what the test asks for, it fails if the handler panics, changes the
// state that it was given (an idea of Axon's test fixtures), decides otherwise
// when it is run again on the same scene, or emits an event or replies with a
// value that is another one after it was written as JSON and read back.
func When[S, In, Out any](s *Scene[S], c *talix.Command[In, Out], in In) *Outcome[S, Out] {
	s.t.Helper()
	o := &Outcome[S, Out]{t: s.t, scene: s, command: commandOf(c)}
	if o.command.Entity != s.entity {
		s.t.Fatalf("%s is a command of %q, and the scene is that of %s", o.command.FullName(), o.command.Entity.Type, s.name())
	}
	o.decide(in)
	return o
}

func commandOf[In, Out any](c *talix.Command[In, Out]) *registry.Command {
	r := registry.New()
	c.Register(r)
	return r.Commands[0]
}

// repeats is how often a handler is run again. Go begins to walk a small map at
// one of eight places, so that a map of two keys shows another order in one run of
// eight: so many runs miss it once in 5,000 times, and a bigger map never.
const repeats = 63

// decide runs the handler as often as it takes to be sure of what it decides.
func (o *Outcome[S, Out]) decide(in any) {
	o.t.Helper()
	if o.err = checked(o.command, in); o.err != nil {
		return
	}
	first := o.run(in)
	for range repeats {
		if again := o.run(in); !equal(first.told(), again.told()) {
			o.t.Fatalf("%s: the handler decides otherwise when it is run again on the same scene: it must use no clock, randomness or order of a map, and keep nothing outside\n%s",
				o.name(), differ(first.told(), again.told()))
		}
	}
	o.err, o.timers = first.err, first.turn.timers
	if o.err == nil {
		o.events = first.turn.events[first.turn.before:]
		o.out, _ = first.out.(Out)
		o.readBack()
	}
}

// run runs the handler once.
func (o *Outcome[S, Out]) run(in any) decision {
	o.t.Helper()
	s := o.scene
	events := slices.Clone(s.streams[s.stream()])
	d := decision{turn: &turn{
		entity: s.entity, stream: s.stream(), now: s.now, streams: s.streams, state: s.fold(), events: events, before: len(events),
	}}
	if slices.ContainsFunc(events, func(e store.Event) bool { return registry.Ends(&e) }) {
		d.err = talix.UserError(registry.GoneFault(s.stream()))
		return d
	}
	if err := guard(func() { d.out, d.err = o.command.Handle(d.turn, in) }); err != nil {
		o.t.Fatalf("%s: the handler broke: %v", o.name(), err)
	}
	d.turn.unchanged(errChanged)
	if d.turn.ended {
		d.turn.timers = nil // with all others of the entity
	}
	if err := errors.Join(d.turn.faults...); err != nil {
		o.t.Fatalf("%s: %v", o.name(), err)
	}
	if d.err != nil {
		d.err, d.turn.timers = talix.UserError(d.err), nil
	}
	return d
}

// readBack fails the test if the reply loses something as JSON.
func (o *Outcome[S, Out]) readBack() {
	o.t.Helper()
	data, err := json.Marshal(o.out)
	if err != nil {
		o.t.Fatalf("%s: the reply cannot be written as JSON: %v", o.name(), err)
	}
	var back Out
	if err := json.Unmarshal(data, &back); err != nil {
		o.t.Fatalf("%s: the reply cannot be read back from %s: %v", o.name(), data, err)
	}
	if !equal(o.out, back) {
		o.t.Fatalf("%s: the reply is another one when it is read back\n%s", o.name(), differ(o.out, back))
	}
}

// decision is what one run of a handler led to.
type decision struct {
	turn *turn
	out  any
	err  error
}

// told is all that a decision tells the outside.
func (d decision) told() any {
	told := struct {
		Events []eventLine
		Timers []Timer
		Reply  any    `json:",omitempty"`
		Error  string `json:",omitempty"`
	}{Timers: d.turn.timers, Reply: d.out}
	if d.err != nil {
		told.Error, told.Reply = d.err.Error(), nil
	}
	for _, e := range d.turn.events[d.turn.before:] {
		told.Events = append(told.Events, eventLine{e.Type, e.Data})
	}
	return told
}

type eventLine struct {
	Type string
	Data json.RawMessage
}

// checked checks what a command demands of its input.
func checked(c *registry.Command, in any) error {
	checker, err := schema.New().Checker(c.In)
	if err != nil {
		return fmt.Errorf("the input of %s: %w", c.FullName(), err)
	}
	if checker.Trivial() {
		return nil
	}
	if fields := checker.Value(in); len(fields) > 0 {
		return talix.UserError(&registry.Fault{Code: registry.Invalid, Message: "the input of " + c.FullName() + " is not valid", Fields: fields})
	}
	return nil
}

// valueOf is an event as Go.
func valueOf(e *registry.Entity, event *store.Event) any {
	v, err := e.ByName[event.Type].Decode(event.Data)
	if err != nil {
		return err
	}
	return v
}
