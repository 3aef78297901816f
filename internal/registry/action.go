package registry

import (
	"context"
	"reflect"
	"time"

	"github.com/talix-dev/talix/source"
	"github.com/talix-dev/talix/store"
)

// Action is an action with its one trigger: one of the pointers is set.
type Action struct {
	Name     string
	Place    Place
	Faults   []error
	HTTP     *HTTP
	Event    *EventTrigger
	Source   *SourceTrigger
	Queue    *QueueTrigger
	Timer    *Timer
	Schedule *ScheduleTrigger
	Workflow *Workflow
	// Topic: an event-triggered action of the runtime's own, which publishes.
	Topic *Topic
	// Handle runs the user's handler. in is of the trigger's type: HTTP.In, or
	// the event's Go type with e set, or what SourceTrigger.Decode returned.
	Handle func(ctx context.Context, h Host, in any, e *store.Event) (any, error)
	Retry  Retry
}

// HTTP is the HTTP side of an action or a query.
type HTTP struct {
	Method, Path string
	In, Out      reflect.Type
	// NewIn makes a pointer to a zero input, to be filled.
	NewIn func() any
	// Async: the request is answered before the work, which is kept.
	Async bool
	// MaxBody is the largest body in bytes; zero stands for the runtime's
	// default.
	MaxBody int64
	// Summary and Description stand in the OpenAPI document.
	Summary, Description string
}

// EventTrigger runs an action on events: of the Go type, or all of an entity.
type EventTrigger struct {
	Go     reflect.Type
	Entity *Entity // all events of it; Go is nil
	Start  Start
}

// Start says which events a new consumer begins with.
type Start struct {
	Kind StartKind
	Time time.Time
}

// StartKind is a kind of Start.
type StartKind uint8

// The kinds: all events, those from now on, those from a time on.
const (
	FromBeginning StartKind = iota
	FromNow
	FromTime
)

// SourceTrigger runs an action on each message of an outside system.
type SourceTrigger struct {
	Name   string
	Source source.Source
	In     reflect.Type
	Decode func(source.Message) (any, error)
}

// Retry is how what failed is tried again. Zero fields stand for the runtime's
// defaults.
type Retry struct {
	First, Max time.Duration
	Attempts   int           // how often it is tried in all; below zero: without end
	Limit      time.Duration // how long after the first failure it is still tried
}

// Reply is what a command answered.
type Reply struct {
	Data  []byte // JSON; must not be changed
	Value any    // what the handler returned; nil for the reply of an earlier call
}

// CommandRun is a command with its entity and its input.
type CommandRun struct {
	Command *Command
	ID      string
	In      any
}

// Host is what an action may do. One Host serves one run of an action; its
// methods may be called from many goroutines at once.
type Host interface {
	QueryHost
	Run(ctx context.Context, c *Command, id string, in any) (Reply, error)
	// RunGroup runs commands of different entities, all or none of them; the
	// replies stand as the runs do.
	RunGroup(ctx context.Context, runs []CommandRun) ([]Reply, error)
	Get(t reflect.Type) (any, error)
	NewID() string
	Now() time.Time
	Origin() Origin
	// Kept is what an action may do with work that is kept.
	Kept() Kept
}

// Origin names a run and what led to it.
type Origin struct {
	Correlation store.ID // shared by everything that one outside cause led to
	Delivery    store.ID // the same whenever the same trigger is delivered again
	RunID       string   // empty if the run is not kept
	Replay      bool     // the trigger is a past event that was poured
}

// Kept is what an action may do with work that is kept. What needs the journal
// panics with an *Interrupt where the run must not go on.
type Kept interface {
	// Do runs a step, or finds its result: JSON of the type.
	Do(ctx context.Context, name string, t reflect.Type, fn func(context.Context) ([]byte, error)) ([]byte, error)
	// Fork makes the hosts of n branches that run at the same time.
	Fork(ctx context.Context, n int) []Host
	Sleep(ctx context.Context, d time.Duration)
	Await(ctx context.Context, signal string, timeout time.Duration) ([]byte, bool)
	Compensate(name string, undo func(context.Context, Host) error)

	Schedule(ctx context.Context, t *Timer, key string, when time.Time, in []byte)
	Unschedule(ctx context.Context, t *Timer, key string)

	// Start starts a workflow; in is its input, data the same as JSON.
	Start(ctx context.Context, w *Action, id string, in any, data []byte) error
	// Signal sends JSON of the type.
	Signal(ctx context.Context, runID, signal string, t reflect.Type, data []byte) error
	RunState(ctx context.Context, runID string, wait bool) (RunState, error)
	Control(ctx context.Context, runID string, c RunCommand) error
}
