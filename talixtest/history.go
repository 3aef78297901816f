package talixtest

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"
	"time"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// The spaces of ids, which are counted up, so that a test sees the same ones
// whenever it is run.
const (
	forEntities = iota
	forEvents
	forCommands
	forCauses
)

func counted(space byte, n int) store.ID {
	id := store.ID{6: 0x70, 8: 0x80, 9: space}
	for i := 15; n > 0; i-- {
		id[i] = byte(n)
		n >>= 8
	}
	return id
}

// ID is the nth id that talix.NewID makes in a command that is tried on a
// Scene, from 1.
func ID(n int) string { return counted(forEntities, n).String() }

// recorded is an event as it stands in the log.
func recorded(e *registry.Entity, stream store.Stream, v store.Version, now time.Time, value any) (store.Event, error) {
	def := e.ByGo[reflect.TypeOf(value)]
	if def == nil {
		return store.Event{}, fmt.Errorf("%T is no event type of entity %q: add talix.Event[%T](…) to its NewEntity", value, e.Type, value)
	}
	data, err := def.Encode(value)
	if err != nil {
		return store.Event{}, fmt.Errorf("encode event %s: %w", def.Type, err)
	}
	return store.Event{
		ID: counted(forEvents, int(v)), Stream: stream, Version: v, Position: store.Position(v), Type: def.Type, Schema: def.Schema,
		Time: now, Command: counted(forCommands, int(v)), Correlation: counted(forCauses, 1), Data: data,
	}, roundTrip(def, value, data)
}

// roundTrip says what an event loses that is written and read back.
func roundTrip(def *registry.Event, value any, data []byte) error {
	back, err := def.Decode(data)
	if err != nil {
		return fmt.Errorf("event %s cannot be read back from %s: %w", def.Type, data, err)
	}
	if !equal(value, back) {
		return fmt.Errorf("event %s is another one when it is read back: export its fields, and give them json tags that keep them\n%s",
			def.Type, differ(value, back))
	}
	return nil
}

// foldTwice folds events, and compares with doing so again.
func foldTwice(e *registry.Entity, events []store.Event) (any, error) {
	state, err := fold(e, events)
	if err != nil {
		return nil, err
	}
	again, err := fold(e, events)
	if err != nil {
		return nil, err
	}
	if !equal(state, again) {
		return nil, fmt.Errorf("folding the same events twice leads to two states: Apply must use nothing but the event, the state and the metadata\n%s",
			differ(state, again))
	}
	return state, nil
}

func fold(e *registry.Entity, events []store.Event) (any, error) {
	state := e.New()
	for i := range events {
		var fault error
		broke := guard(func() { fault = e.Fold(state, &events[i]) })
		if err := cmp.Or(broke, fault); err != nil {
			return nil, fmt.Errorf("fold event %d, %s: %w", i+1, events[i].Type, err)
		}
	}
	return state, nil
}

// guard turns a panic of the user's code into an error.
func guard(fn func()) (err error) {
	ended := false
	defer func() {
		if p := recover(); p != nil || !ended {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	fn()
	ended = true
	return nil
}

var errAfterEnd = errors.New("the handler emitted an event after it had deleted the entity: emit all other events first")

var errChanged = errors.New("the handler changed the state that it was given: a state changes by events alone, so copy what you want to change")
