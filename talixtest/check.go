package talixtest

import (
	"fmt"
	"reflect"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/internal/registry"
)

// Check fails the test for every event type of the parts, services mostly,
// whose values do not survive being written and read back: its zero value, and
// values with something in every exported field. A type that makes its own JSON
// or text is filled only if what comes of it can be written.
func Check(t T, parts ...talix.Part) {
	t.Helper()
	r := registry.New()
	for _, p := range parts {
		p.Register(r)
	}
	for _, e := range r.Entities {
		for _, def := range e.Events {
			if err := checkEvent(def); err != nil {
				t.Errorf("entity %q: %v", e.Type, err)
			}
		}
	}
}

func checkEvent(def *registry.Event) error {
	for seed := range samples {
		v := sample(def.Go, seed)
		data, err := def.Encode(v)
		if err != nil {
			return fmt.Errorf("event %s, which is %+v, cannot be written: %w", def.Type, v, err)
		}
		if err := roundTrip(def, v, data); err != nil {
			return err
		}
	}
	return nil
}

// samples is how many values of a type are tried; the first is its zero value.
const samples = 4

// sample makes a value of a type.
func sample(t reflect.Type, seed int) any {
	v := reflect.New(t).Elem()
	if seed > 0 {
		f := filler{seed: seed}
		f.fill(v)
	}
	return v.Interface()
}
