package registry

import (
	"context"
	"reflect"
	"time"

	"github.com/talix-dev/talix/broker"
	"github.com/talix-dev/talix/store"
)

// QueueTrigger runs an action on each message of a topic.
type QueueTrigger struct {
	Topic    string
	Broker   string // its name in the runtime; empty: the default one
	InFlight int    // zero stands for the runtime's default
	// Dead moves what failed for good to the broker's dead-letter queue,
	// instead of parking it.
	Dead   bool
	Decode func(broker.Message) (any, error)
}

// Topic is where an entity's events are published.
type Topic struct {
	Broker string
	Name   string
	// Message makes the message of an event, given the state that the event
	// led to if NeedsState; false: none is published.
	Message    func(event any, e *store.Event, state any) (broker.Message, bool, error)
	NeedsState bool
}

// Timer is what commands and actions set, and what an action is triggered by.
type Timer struct {
	Name   string
	In     reflect.Type
	Encode func(in any) ([]byte, error)
	Decode func([]byte) (any, error)
}

// Fired is the input of an action that a timer triggered.
type Fired struct {
	Stream store.Stream // whose timer it was; zero if an action set it
	Key    string
	Due    time.Time
	In     any
}

// ScheduleTrigger runs an action again and again.
type ScheduleTrigger struct {
	Cron    string
	Zone    string // IANA name; empty: UTC
	CatchUp CatchUp
}

// CatchUp says what becomes of the times at which nothing ran.
type CatchUp uint8

// The policies.
const (
	CatchUpOnce CatchUp = iota
	CatchUpAll
	CatchUpSkip
)

// Workflow is an action that is started under an id.
type Workflow struct {
	Name    string
	In, Out reflect.Type
	Decode  func([]byte) (any, error)
	// Keep is how long what it led to can be asked for after its end; zero
	// stands for the runtime's default.
	Keep time.Duration
}

// Interrupt is why a run of an action ended before its handler did. A Host
// panics with it, so that no handler goes on by mistake.
type Interrupt struct {
	Kind   InterruptKind
	Until  time.Time // of Suspended: when to go on, or the time-out of Signal
	Signal string    // of Suspended: what it waits for; empty: the time alone
	Cause  error     // of the others
}

// InterruptKind is the kind of an Interrupt.
type InterruptKind uint8

// The kinds.
const (
	// Suspended: the run waits, and is run again then.
	Suspended InterruptKind = iota
	// Changed: the action asks for other steps than it did before.
	Changed
	// Broken: the journal could not be read or written; trying again helps.
	Broken
	// Cancelled: the run was asked to end.
	Cancelled
	// Misused: the action asks for what its trigger cannot give.
	Misused
)

func (i *Interrupt) Error() string {
	if i.Kind == Suspended {
		return "the run waits"
	}
	return i.Cause.Error()
}

func (i *Interrupt) Unwrap() error { return i.Cause }

// Control is what can be done with a run from outside.
type Control interface {
	Start(ctx context.Context, w *Workflow, id string, in []byte) error
	Signal(ctx context.Context, run, signal string, data []byte) error
	Status(ctx context.Context, run string) (RunStatus, error)
	Command(ctx context.Context, run string, c RunCommand) error
}

// RunCommand is what a run is told.
type RunCommand string

// The commands.
const (
	RunCancel  RunCommand = "cancel"
	RunSuspend RunCommand = "suspend"
	RunResume  RunCommand = "resume"
)

// RunStatus tells of a run.
type RunStatus struct {
	Status  string
	Error   *Fault
	Output  []byte
	Created time.Time
	Changed time.Time
	Awaits  string
}
