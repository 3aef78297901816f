package talixtest

import (
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// given is the name of the command that each entity of a runtime under test has
// beside its own: it emits the events that it is given, and replies with the
// state, or null where that is no JSON.
const (
	given       = "talixtest-given"
	givenSuffix = "." + given
)

// givens is the part that adds these commands, after all others.
type givens struct{}

// Register implements talix.Part.
func (givens) Register(r *registry.Registry) {
	for _, e := range r.Entities {
		r.AddCommand(&registry.Command{
			Entity: e, Name: given, Place: "talixtest.Emit", In: reflect.TypeFor[[]eventLine](), Out: reflect.TypeFor[json.RawMessage](),
			Decode: func(data []byte) (any, error) {
				var in []eventLine
				err := json.Unmarshal(data, &in)
				return in, err
			},
			Handle: func(t registry.Turn, in any) (any, error) { return emit(e, t, in.([]eventLine)) },
		})
	}
}

func emit(e *registry.Entity, t registry.Turn, events []eventLine) (json.RawMessage, error) {
	for _, line := range events {
		value, err := e.ByName[line.Type].Decode(line.Data)
		if err != nil {
			return nil, err
		}
		t.Emit(value)
	}
	state, err := json.Marshal(t.State())
	if err != nil {
		state = nil
	}
	return state, nil
}

// Emit lets events happen to an entity, without a command of the application.
func Emit[S any](r *Runtime, e *talix.Entity[S], id string, events ...talix.EventFor[S]) {
	r.t.Helper()
	def := entityOf(e)
	var all []eventLine
	for i, value := range events {
		event, err := recorded(def, store.Stream{Type: def.Type, ID: id}, store.Version(i+1), Begin(), value)
		if err != nil {
			r.t.Fatalf("emit event %d of %s %q: %v", i+1, def.Type, id, err)
		}
		all = append(all, eventLine{event.Type, event.Data})
	}
	input, err := json.Marshal(all)
	if err == nil {
		r.call(func() { _, err = r.rt.Calls().Command(r.ctx, def.Type+givenSuffix, id, input, "") })
	}
	if err != nil {
		r.t.Fatalf("emit events of %s %q: %v", def.Type, id, err)
	}
}

// Events are all events of an entity, in order.
func Events[S any](r *Runtime, e *talix.Entity[S], id string) (all []talix.EventFor[S]) {
	r.t.Helper()
	def := entityOf(e)
	var fault error
	r.call(func() {
		for event, err := range r.store.Load(r.ctx, store.Stream{Type: def.Type, ID: id}, 0) {
			if err != nil {
				fault = err
				return
			}
			value, ok := valueOf(def, &event).(talix.EventFor[S])
			if !ok {
				fault = fmt.Errorf("event %d, %s, cannot be read", event.Version, event.Type)
				return
			}
			all = append(all, value)
		}
	})
	if fault != nil {
		r.t.Fatalf("read events of %s %q: %v", def.Type, id, fault)
	}
	return all
}
