package talix

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/talix-dev/talix/internal/registry"
)

// Past is how data was shaped that by now is a T. It is made by Was and
// WasFields, and is for Event, Became, and later shapes.
type Past[T any] struct {
	shapes []pastShape[T]
	faults []error
}

// pastShape is one shape.
type pastShape[T any] struct {
	typ  reflect.Type // nil: its fields are not known
	read func(data []byte) (T, error)
}

// Was says that what is a T by now was an Old before, which is a Go type of the
// past, kept to read what was stored. up is its upcaster: a pure function, which
// runs whenever such an event is read. If it panics, the event can't be read,
// which harms its entity alone.
//
// older says how Old was shaped before, so that each upcaster leads to the next
// shape, and the oldest is the innermost:
//
//	talix.Event[Deposited]("ACCOUNTS:DEPOSITED",
//		talix.Was(func(old depositedV2) Deposited { … },
//			talix.Was(func(old depositedV1) depositedV2 { … })))
//
// The shapes are numbered in the order of time, from 1. These numbers are stored
// with the events, so a shape that was in use is never taken away.
func Was[Old, T any](up func(old Old) T, older ...Past[Old]) Past[T] {
	p := then(onePast(older), func(old Old) (T, error) { return up(old), nil })
	p.add(reflect.TypeFor[Old](), up == nil, func(data []byte) (t T, err error) {
		var old Old
		if err := json.Unmarshal(data, &old); err != nil {
			return t, err
		}
		return up(old), nil
	})
	return p
}

// Fields are the fields of an event as they are stored, by their names in JSON.
type Fields map[string]json.RawMessage

// WasFields is Was for those who keep no types of the past: up changes the
// fields of stored data, which is an object, into those of a T. The older shapes
// are Fields, too:
//
//	talix.Event[Deposited]("ACCOUNTS:DEPOSITED",
//		talix.WasFields[Deposited](func(f talix.Fields) error {
//			f["currency"] = json.RawMessage(`"EUR"`)
//			return nil
//		}))
func WasFields[T any](up func(f Fields) error, older ...Past[Fields]) Past[T] {
	whole := func(f Fields) (t T, err error) {
		if err := up(f); err != nil {
			return t, err
		}
		if same, ok := any(f).(T); ok {
			return same, nil
		}
		data, err := json.Marshal(f)
		if err == nil {
			err = json.Unmarshal(data, &t)
		}
		return t, err
	}
	p := then(onePast(older), whole)
	p.add(nil, up == nil, func(data []byte) (t T, err error) {
		var f Fields
		if err := json.Unmarshal(data, &f); err != nil {
			return t, err
		}
		if f == nil {
			return t, errors.New("the data is null and has no fields")
		}
		return whole(f)
	})
	return p
}

// then leads older shapes on to T.
func then[Old, T any](older Past[Old], up func(Old) (T, error)) Past[T] {
	p := Past[T]{faults: older.faults}
	for _, s := range older.shapes {
		p.shapes = append(p.shapes, pastShape[T]{s.typ, func(data []byte) (t T, err error) {
			old, err := s.read(data)
			if err != nil {
				return t, err
			}
			return up(old)
		}})
	}
	return p
}

// add adds the last shape before T.
func (p *Past[T]) add(typ reflect.Type, missing bool, read func([]byte) (T, error)) {
	if missing {
		p.faults = append(p.faults, fmt.Errorf("an upcaster to %s is nil: give Was a function", reflect.TypeFor[T]()))
	}
	if typ == reflect.TypeFor[Fields]() {
		typ = nil
	}
	p.shapes = append(p.shapes, pastShape[T]{typ, read})
}

// onePast is what an optional parameter holds.
func onePast[T any](past []Past[T]) Past[T] {
	var p Past[T]
	if len(past) > 0 {
		p = past[0]
	}
	if len(past) > 1 {
		p.faults = append(p.faults, fmt.Errorf("%s was shaped in two ways before: there is one Was, with the older shapes inside of it, as in Was(…, Was(…))", reflect.TypeFor[T]()))
	}
	return p
}

// erased are the shapes of events that stay one event.
func erased[E any](p Past[E]) []registry.Shape {
	shapes := make([]registry.Shape, len(p.shapes))
	for i, s := range p.shapes {
		shapes[i] = registry.Shape{Go: s.typ, Upcast: func(data []byte) ([]any, error) {
			e, err := s.read(data)
			if err != nil {
				return nil, err
			}
			return []any{e}, nil
		}}
	}
	return shapes
}
