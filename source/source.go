// Package source is the port for triggers in outside systems: something that
// happens there becomes a message here, which runs an action.
package source

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"
)

// Source receives messages from an outside system.
type Source interface {
	// Receive hands messages to deliver until ctx ends, and then returns nil
	// once no deliver is under way. It may call deliver from many goroutines.
	// A message is acknowledged to the outside system only after deliver
	// returned nil; after an error it is delivered again later, under the same
	// id. An error from Receive itself means that it could not go on; the
	// runtime calls it again after a pause.
	Receive(ctx context.Context, deliver func(context.Context, Message) error) error
}

// ErrInvalid: a message cannot be decoded, so delivering it again is pointless.
// Decode wraps it, and deliver returns what Decode returned.
var ErrInvalid = errors.New("the message cannot be decoded")

// Reference is a Source that stands for another one, which the program provides
// where it is put together: so definitions name no secrets or addresses. The
// runtime calls Resolve once, before it receives, and then uses what it
// returned. An error is a fault of wiring.
type Reference interface {
	Source
	// Resolve finds the source. get is the service (dependency) of a type, as
	// talix.Get finds it.
	Resolve(get func(reflect.Type) (any, error)) (Source, error)
}

// Get is the service (dependency) of the type T, for those who implement
// Resolve.
func Get[T any](get func(reflect.Type) (any, error)) (T, error) {
	v, err := get(reflect.TypeFor[T]())
	if err != nil {
		var zero T
		return zero, err
	}
	t, ok := v.(T)
	if !ok {
		return t, fmt.Errorf("a %T is provided as %s", v, reflect.TypeFor[T]())
	}
	return t, nil
}

// Message is what an outside system tells.
type Message struct {
	// ID is the same whenever the same message is delivered again. The ids of
	// the commands that the action runs derive from it, so that a repeated
	// message has its effect once.
	ID         string
	Time       time.Time
	Attributes map[string]string
	Data       []byte
}

// Trigger is a source together with the type of what it tells. Packages for
// outside systems return it from functions like salesforce.On[Lead].
type Trigger[T any] struct {
	// Name identifies the trigger in errors and in the console.
	Name   string
	Source Source
	// Decode makes the action's input of a message. Defaults to reading Data
	// as JSON.
	Decode func(Message) (T, error)
}
