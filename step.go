package talix

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"
	"sync"
	"time"

	"github.com/talix-dev/talix/internal/registry"
)

// Step runs fn and keeps its result, so that fn is not run again once it
// succeeded: when the action is retried, or goes on after a crash or a wait,
// the same step returns the result that was kept. What Step returns has always
// been through JSON.
//
// A failed fn is run again when the action is, unless the handler went on from
// its error to another step: then the error was the result. fn may have run, in part or whole, without
// its result being kept, if the process ended at that moment: give outside
// systems ActionContext.DeliveryID as their idempotency key.
//
// An action asks for the same steps under the same names each time it runs for
// the same trigger: what decides about them must itself come from the trigger
// or from steps. Steps at the same time are for All. An action that asks for
// others than it did before was changed while the work was under way; the work
// is parked, and no step is run.
//
// The results of steps are kept until the work is done. In a plain OnHTTP
// action, which no one runs again, Step runs fn and keeps nothing.
func Step[T any](ctx ActionContext, name string, fn func(context.Context) (T, error)) (T, error) {
	var out T
	data, err := ctx.host.Kept().Do(ctx.Context, name, reflect.TypeFor[T](), func(ctx context.Context) ([]byte, error) {
		v, err := fn(ctx)
		if err != nil {
			return nil, toEngine(err)
		}
		return json.Marshal(v)
	})
	if err != nil {
		return out, fromEngineStep(err)
	}
	if err := json.Unmarshal(data, &out); err != nil {
		return out, fmt.Errorf("read result of step %q: %w", name, err)
	}
	return out, nil
}

// fromEngineStep leaves an error of the user's own as it is.
func fromEngineStep(err error) error {
	if _, ok := errors.AsType[*registry.Fault](err); ok {
		return fromEngine(err)
	}
	return err
}

// All runs branches at the same time, each with its own steps, and waits for
// all of them. It returns their errors, joined. Their number must not change
// between runs of the same work.
func All(ctx ActionContext, branches ...func(ActionContext) error) error {
	hosts := ctx.host.Kept().Fork(ctx.Context, len(branches))
	errs := make([]error, len(branches))
	broken := make([]any, len(branches))
	var all sync.WaitGroup
	for i, branch := range branches {
		all.Go(func() {
			defer func() { broken[i] = recovered(recover()) }()
			errs[i] = branch(ActionContext{ctx.Context, hosts[i]})
		})
	}
	all.Wait()
	if p := registry.Worst(broken); p != nil {
		panic(p)
	}
	return errors.Join(errs...)
}

// recovered keeps where a branch panicked.
func recovered(p any) any {
	if _, ok := p.(*registry.Interrupt); ok || p == nil {
		return p
	}
	return fmt.Sprintf("%v\n%s", p, debug.Stack())
}

// Sleep pauses the action for d, durably: the run ends, and the action is run
// again then, its steps being kept. It is for actions that are kept in the
// store: those on events, messages and timers, schedules, workflows, and HTTP
// with Async.
func Sleep(ctx ActionContext, d time.Duration) { ctx.host.Kept().Sleep(ctx.Context, d) }

// Signal is what an action can wait for: something that is told to it from
// outside, such as a person's approval.
type Signal[T any] struct {
	name string
}

// NewSignal defines a signal. The name must not change.
func NewSignal[T any](name string) *Signal[T] { return &Signal[T]{name} }

// Await waits, durably, until the signal is sent to this run, for at most
// timeout; zero: for ever. It returns false if the time is over. A signal that
// was sent before is there at once; each one is received once, in the order in
// which they were sent. As Sleep, it is for actions that are kept in the store.
func Await[T any](ctx ActionContext, s *Signal[T], timeout time.Duration) (T, bool) {
	var out T
	data, ok := ctx.host.Kept().Await(ctx.Context, s.name, timeout)
	if !ok {
		return out, false
	}
	if err := json.Unmarshal(data, &out); err != nil {
		panic(fmt.Sprintf("read signal %q: %v", s.name, err))
	}
	return out, true
}

// Send sends a signal to a run of an action, named by its RunID. It returns
// when the signal is durable, and also when the run has not come to wait for
// it. Inside a run that is kept in the store it is sent once, though the run
// may be repeated.
func Send[T any](ctx ActionContext, runID string, s *Signal[T], value T) error {
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("write signal %q: %w", s.name, err)
	}
	if err := ctx.host.Kept().Signal(ctx.Context, runID, s.name, reflect.TypeFor[T](), data); err != nil {
		return fromEngine(err)
	}
	return nil
}

// RunID names this run of the action, for signals that are sent to it; it stays
// the same when the run is repeated. Empty in a plain OnHTTP action.
func (c ActionContext) RunID() string { return c.host.Origin().RunID }

// Compensate registers what undoes something that a workflow did: should the
// workflow fail or be cancelled, what was registered runs in reverse order,
// each until it succeeds, and each is itself a step with steps of its own. Call
// it right before what is to be undone, so that nothing is done that is not
// undone; undo then has to bear that the thing was not done yet.
func Compensate(ctx ActionContext, name string, undo func(ActionContext) error) {
	ctx.host.Kept().Compensate(name, func(c context.Context, h registry.Host) error {
		return toEngine(undo(ActionContext{c, h}))
	})
}

// Final marks an error as one that trying again does not mend: the work is
// parked at once, and a workflow fails.
func Final(err error) error {
	if err == nil {
		return nil
	}
	e, ok := errors.AsType[*Error](err)
	if !ok {
		e = &Error{Code: CodeInternal, Message: err.Error(), Cause: err}
	}
	c := *e
	c.final, c.fault = true, nil
	return &c
}
