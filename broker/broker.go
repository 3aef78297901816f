// Package broker is the port for queues and topics: systems that hand messages
// from one program to another and keep them until they were taken care of.
package broker

import (
	"context"
	"errors"
	"time"
)

// Broker receives and publishes messages. All methods may be called from many
// goroutines at once. A broker that cannot be reached is waited for, inside
// Receive and Publish, until their ctx ends: a restart of the server is not an
// error.
type Broker interface {
	// Receive hands the messages of a topic to deliver, one after another in
	// the broker's order, until ctx ends; it then returns nil once all that was
	// delivered is settled or given back. deliver does not wait for the work:
	// it takes the message over, and whoever took it settles it, from any
	// goroutine and in any order.
	//
	// A message that was not settled when the process ended is delivered
	// again, with the same ID, and before those of the same Key that were
	// published after it.
	//
	// An error means that going on is hopeless, such as a topic that does not
	// exist and may not be made, or wrong credentials; it says what to do.
	Receive(ctx context.Context, s Subscription, deliver func(*Delivery)) error

	// Publish returns nil when the broker keeps all messages durably. After an
	// error some may be there; publishing them again, in the same order, is
	// safe, since receivers know them by their ID. Messages of one call are
	// kept in their order, as are those of calls one after another.
	Publish(ctx context.Context, topic string, messages ...Message) error

	// Close ends what is under way and releases every resource; later calls
	// fail with ErrClosed.
	Close() error
}

// Errors that callers tell apart. Drivers wrap them with what they know.
var (
	// ErrClosed: the broker was closed.
	ErrClosed = errors.New("the broker is closed")
	// ErrTooLarge: the broker will never take a message of this size.
	ErrTooLarge = errors.New("the message is too large for the broker")
)

// Subscription is what Receive receives.
type Subscription struct {
	// Topic is the queue, topic, subject or stream; what it is in a broker's
	// own terms, its driver's package says.
	Topic string
	// Group names the receiver: the receivers of one group share the messages,
	// each group gets them all. A group that was never seen before begins with
	// the oldest message that the broker has.
	Group string
	// InFlight bounds the messages that were delivered and are not settled.
	// Defaults to 256.
	InFlight int
}

// Message is what travels.
type Message struct {
	// ID is the same whenever the message is delivered or published again. Of
	// a message that was published by others without one, the driver makes it
	// of what identifies the message in the broker.
	ID string
	// Key: messages of one key are kept in order. Empty: in no order.
	Key  string
	Time time.Time // when it was published; zero if not known
	// Attributes are the headers, by name.
	Attributes map[string]string
	Data       []byte
}

// Delivery is a message that was received and has to be settled: by exactly
// one of Ack, Dead and Back; later calls do nothing. Until then the driver
// keeps it from being delivered to others, however long the work takes.
type Delivery struct {
	Message
	// Attempt counts how often the message was delivered, from 1, where the
	// broker knows; else zero.
	Attempt int
	Settler
}

// Settler is what a driver implements to settle a message.
type Settler interface {
	// Ack tells the broker that the message was taken care of. An error means
	// that it may be delivered again.
	Ack(ctx context.Context) error
	// Dead moves the message to the topic's dead-letter queue with the reason,
	// and acknowledges it once it is durable there.
	Dead(ctx context.Context, reason string) error
	// Back gives the message back to be delivered again, soon.
	Back(ctx context.Context) error
}
