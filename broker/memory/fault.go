package memory

import (
	"errors"

	"github.com/talix-dev/talix/broker"
)

// ErrInjected is an error for injected faults.
var ErrInjected = errors.New("injected fault")

// Op is what a Call does.
type Op string

// The operations.
const (
	Publish Op = "publish"
	Ack     Op = "ack"
	Dead    Op = "dead"
	Back    Op = "back"
)

// Call is one call that a fault may hit.
type Call struct {
	Op       Op
	Topic    string
	Group    string           // of the receiver; empty for Publish
	Messages []broker.Message // what is published, or the one that is settled
}

// Fault is how a call goes wrong. The zero value lets it go well.
type Fault struct {
	// Before fails the call, and nothing is done.
	Before error
	// After fails the call, though everything is done: the answer was lost.
	After error
}

func (b *Broker) fault(c Call) Fault {
	if b.config.Fault == nil {
		return Fault{}
	}
	return b.config.Fault(c)
}
