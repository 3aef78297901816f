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
	// the broker's order. deliver does not wait for the work: it takes the
	// message over, and whoever took it settles it, from any goroutine and in
	// any order. Once ctx has ended Receive delivers no more, waits until all
	// that was delivered is settled, and returns nil.
	//
	// The messages of one Key are with one receiver of the group at a time: as
	// long as one of them is not settled, no later one is delivered to another
	// receiver. A message that was not settled when the process, or the
	// Broker, ended is delivered again, with the same ID, and before those of
	// the same Key that were published after it. One that was acknowledged may
	// be delivered again if an earlier one was not settled by then.
	//
	// An error means that going on is hopeless, such as a topic that does not
	// exist and may not be made, or wrong credentials; it says what to do.
	Receive(ctx context.Context, s Subscription, deliver func(*Delivery)) error

	// Publish returns nil when the broker keeps all messages durably. It fails
	// before it sends any if Check finds fault with one. After another
	// error some may be there; publishing them again, in the same order, is
	// safe, since receivers know them by their ID. Messages of one Key in one
	// call are kept in their order, as are those of calls one after another.
	Publish(ctx context.Context, topic string, messages ...Message) error

	// Close ends what is under way, which fails with ErrClosed, gives back what
	// was delivered and is not settled, and releases every resource; later
	// calls fail with ErrClosed, those of Settlers too. Closing again does
	// nothing.
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
	// the oldest message that the broker has. How they share is the broker's
	// affair: some may stand by until another one ends.
	Group string
	// InFlight bounds the messages that were delivered and are not settled.
	// Defaults to 256.
	InFlight int
}

// Message is what travels. Its strings are valid UTF-8.
type Message struct {
	// ID is the same whenever the message is delivered or published again. Of
	// a message that was published by others without one, the driver makes it
	// of what identifies the message in the broker. It has at most 255 bytes.
	ID string
	// Key: messages of one key are kept in order. Empty: in no order. It has at
	// most 1,024 bytes.
	Key string
	// Time is when it was published; zero if not known. Publish keeps what it
	// is given to the millisecond, and puts the present for zero if it can.
	Time time.Time
	// Attributes are the headers, by name. Names are not empty and have at most
	// 128 bytes, no control characters among them; capitals count. Names that
	// begin with "talix-", in any case, belong to this package and to drivers.
	Attributes map[string]string
	Data       []byte
}

// Delivery is a message that was received and has to be settled: by exactly
// one of Ack, Dead and Back; once one of them returned nil, later calls do
// nothing and return nil. Until then the driver keeps it from being delivered
// to others, however long the work takes.
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
	// Back gives the message back to be delivered again, soon. Later messages
	// of its Key that are under way already may come before it; what is given
	// back after the end of the ctx of Receive comes again in order.
	Back(ctx context.Context) error
}
