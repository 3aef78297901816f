package registry

import (
	"reflect"
	"strings"
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
	In     reflect.Type // of the data
	Decode func(broker.Message) (any, error)
}

// BadMessage is the attribute of a message that says why it cannot be read.
const BadMessage = "talix-bad-message"

// Topic is where an entity's events are published.
type Topic struct {
	Broker     string
	Name       string
	Structured bool
	NeedsState bool
	// Once: there is one message for a stored event, also if that is several
	// events by now, or none.
	Once bool
	// Map makes what is published of an event, to be written as JSON, given
	// the state that the event led to if NeedsState; false: nothing.
	Map func(event any, e *store.Event, state any) (data any, ok bool, err error)
}

// Timer is what commands and actions set, and what an action is triggered by.
type Timer struct {
	Name   string
	In     reflect.Type
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

// The kinds, the worst last.
const (
	// Suspended: the run waits, and is run again then.
	Suspended InterruptKind = iota
	// Cancelled: the run was asked to end, or is being undone.
	Cancelled
	// Broken: the journal could not be read or written; trying again helps.
	Broken
	// Changed: the action asks for other steps than it did before.
	Changed
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

// Worst is what a run has to end with whose branches ended so: the first panic
// that is no Interrupt, or else the Interrupt of the worst kind; of several that
// wait, one that waits for all of them.
func Worst(broken []any) any {
	var worst *Interrupt
	for _, p := range broken {
		i, ok := p.(*Interrupt)
		switch {
		case p == nil:
		case !ok:
			return p
		case worst == nil || i.Kind > worst.Kind:
			worst = i
		case i.Kind == Suspended && worst.Kind == Suspended:
			worst = worst.sooner(i)
		}
	}
	if worst == nil {
		return nil
	}
	return worst
}

func (i *Interrupt) sooner(o *Interrupt) *Interrupt {
	c := *i
	if c.Until.IsZero() || !o.Until.IsZero() && o.Until.Before(c.Until) {
		c.Until = o.Until
	}
	if c.Signal == "" {
		c.Signal = o.Signal
	}
	return &c
}

// RunCommand is what a run is told.
type RunCommand string

// The commands.
const (
	RunCancel  RunCommand = "cancel"
	RunSuspend RunCommand = "suspend"
	RunResume  RunCommand = "resume"
)

// RunState tells of a run.
type RunState struct {
	Status  string // as users see it
	Error   *Fault
	Output  []byte
	Created time.Time
	Changed time.Time
	Awaits  string
}

// RunID names a run of an action: kind, action, and what tells its runs apart.
// Slashes within the parts are escaped, so that it can be taken apart again.
func RunID(kind, action string, rest ...string) string {
	id := kind + "/" + Escape(action)
	for _, part := range rest {
		id += "/" + Escape(part)
	}
	return id
}

var escaper = strings.NewReplacer("%", "%25", "/", "%2F")

// Escape makes a text a part of a run's id.
func Escape(part string) string { return escaper.Replace(part) }

// Accepted answers a request whose work is done later.
type Accepted struct {
	Code     int    `status:""`
	Location string `header:"Location"`
	RunID    string `json:"runId"`
	Status   string `json:"status"`
	Href     string `json:"href"`
}
