package talix_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// Whatever is stored, reading it fails or gives events that can be folded, the
// same ones each time, with ids that tell them apart, and that are the same
// when they are stored in present form.
func FuzzPastEvents(f *testing.F) {
	def := registered(f)
	names := def.Names()
	for i := range names {
		for schema := range 6 {
			f.Add(uint8(i), schema, []byte(`{"euros":4,"cents":100,"fee":7,"to":"ann","amount":300,"by":"me"}`))
		}
		f.Add(uint8(i), 5, []byte(`{"amount":{"cents":100,"currency":"EUR"}}`))
		f.Add(uint8(i), 4, []byte(`{"amount":1e400}`))
		f.Add(uint8(i), 3, []byte(`null`))
		f.Add(uint8(i), 1, []byte("{\"euros\":9223372036854775807}\xff"))
	}
	f.Fuzz(func(t *testing.T, name uint8, schema int, data []byte) {
		s := &store.Event{
			ID: store.ID{7}, Stream: store.Stream{Type: "purse", ID: "a"}, Version: 1, Type: names[int(name)%len(names)], Schema: schema, Data: data,
		}
		facts, err := def.Decode(s)
		if err != nil {
			if facts.Len() != 0 {
				t.Errorf("%d events and the error %v", facts.Len(), err)
			}
			return
		}
		again, err := def.Decode(s)
		if err != nil || !reflect.DeepEqual(facts, again) {
			t.Errorf("%+v, then %+v, %v", facts, again, err)
		}
		stored := def.New()
		ids := map[store.ID]bool{}
		for i := range facts.Len() {
			fact := facts.At(i)
			ids[fact.As.ID] = true
			if i == 0 && fact.As.ID != s.ID || fact.As.Schema != fact.Event.Schema || fact.As.Version != 1 {
				t.Errorf("event %d is stored as %+v", i, fact.As)
			}
			present := *fact.As
			if present.Data, err = json.Marshal(fact.Data); err != nil {
				t.Fatal(err)
			}
			if err := def.Fold(stored, &present); err != nil {
				t.Errorf("%s can't be read in present form: %v", present.Data, err)
			}
		}
		state := def.New()
		if err := def.Fold(state, s); err != nil || !reflect.DeepEqual(state, stored) || len(ids) != facts.Len() {
			t.Errorf("%+v instead of %+v, ids %v, %v", state, stored, ids, err)
		}
	})
}

func registered(tb testing.TB) *registry.Entity {
	r := registry.New()
	purses().Register(r)
	if all := r.Faults(); len(all) > 0 {
		tb.Fatal(all)
	}
	return r.Entities[0]
}
