package talix

import (
	"context"
	"reflect"
	"time"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// Plugin extends a runtime. It also implements one or more of Reporter (or
// Observer), Interceptor, Validator, Guard, Follower and Retrier; one that
// implements none is a fault at start.
type Plugin interface {
	Name() string
}

// Use adds a plugin to the runtime. Interceptors wrap each other in the order
// of their Use, the first one outermost.
func Use(p Plugin) Part {
	place := registry.Caller(1)
	return part(func(r *registry.Registry) {
		switch p.(type) {
		case Reporter, Interceptor, Validator, Guard, Follower, Retrier:
			r.Plugins = append(r.Plugins, p)
		case nil:
			r.Fault(place, "a plugin is nil")
		default:
			r.Fault(place, "plugin %q does nothing: implement Reporter, Interceptor, Validator, Guard, Follower or Retrier", p.Name())
		}
	})
}

// Reporter is told of every command, action, query and step after it was done.
// It is called from many goroutines and must not block. An Observer is told of
// more.
type Reporter interface {
	Plugin
	Report(ctx context.Context, r Report)
}

// Kind says what an Operation or a Report is about.
type Kind string

// The kinds.
const (
	KindCommand Kind = "command"
	KindAction  Kind = "action"
	KindQuery   Kind = "query"
	// KindStep is a step that was run: one whose result was kept is not run
	// again, and not reported.
	KindStep Kind = "step"
)

// Report tells of one operation that ended.
type Report struct {
	Operation
	Started  time.Time
	Duration time.Duration
	Events   int   // how many events a command emitted, or a view took
	Err      error // nil if it succeeded; of type *Error
	Status   int   // of a request: what was answered; zero if nothing was
	// Waits: the action has not ended, but waits for a time or a signal, or was
	// cancelled. Only an Observer is told of that.
	Waits bool
}

// Operation is one run of a command, an action, a query or a step, or of what
// else a Kind names.
type Operation struct {
	Kind          Kind
	Service       string
	Name          string // of a request: its pattern, as in "POST /documents/{id}"
	EntityID      string // of a command
	CorrelationID store.ID
	CausationID   store.ID // the event or request behind it; zero if none
	CommandID     store.ID // of a command: its events carry it
	// Input is that of a command, as its caller gave it; it is not to be
	// changed, nor kept where others may change it.
	Input any
	// Caller is the action that ran the command, query or step; empty if none
	// did.
	Caller string
	// Header reads a header of the request that triggered an action or query;
	// nil if none did.
	Header func(name string) string

	// Trigger is what an action runs for, such as TriggerEvent.
	Trigger string
	// Attempt counts the runs of an action for the same trigger, from 1, where
	// the work is tried again after a failure; else zero. After a crash it may
	// begin anew.
	Attempt int
	// Replay: the action's trigger is a past event that was poured.
	Replay bool
	// Topic is where a message comes from, or where one is published.
	Topic string
	// Carried reads what an Observer let go along with what led to an action, a
	// publishing or a forwarded command; nil if there is nothing. A message may
	// have it from elsewhere, as its attribute of that name.
	Carried func(name string) string
}

// Interceptor wraps actions and queries: authentication, tracing, limits. It
// calls next, with a context that may carry more than the one it got, or
// returns an error instead. It does not wrap commands, which are pure.
type Interceptor interface {
	Plugin
	Intercept(ctx context.Context, op Operation, next func(context.Context) error) error
}

// Validator replaces the check of inputs. It is asked once for each input type
// at start.
type Validator interface {
	Plugin
	// Compile makes the check for inputs of type t. The check gets an input in
	// the form that decoding its JSON into an any gives, from many goroutines;
	// it returns what is wrong with it. A nil check stands for nothing to
	// check.
	Compile(t reflect.Type) (check func(doc any) []FieldError, err error)
}
