// Package source is the port for triggers in outside systems: something that
// happens there becomes a message here, which runs an action.
package source

import (
	"context"
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
