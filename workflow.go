package talix

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// Workflow is an action that is started under an id and may take as long as it
// needs: minutes, or months.
type Workflow[In, Out any] struct {
	def registry.Action
}

// NewWorkflow defines a workflow. Its handler goes through the work from the
// beginning each time it is run, and goes on where it was: results of commands
// (Run) and of steps (Step) are kept, as are waits (Sleep, Await).
//
// An error with CodeRejected, CodeTaken, CodeInvalid, CodeNotFound or CodeGone, or a Final one, fails
// the workflow; what was registered with Compensate is then undone. Any other
// error, and a panic, lets it be tried again after a pause, and in the end be
// parked, for a person to retry or cancel it.
//
// The name must not change. In and Out are kept as JSON.
func NewWorkflow[In, Out any](name string, handler func(ActionContext, In) (Out, error), opts ...ActionOption) *Workflow[In, Out] {
	w := &Workflow[In, Out]{registry.Action{
		Name:  name,
		Place: registry.Caller(1),
		Workflow: &registry.Workflow{
			Name:   name,
			In:     reflect.TypeFor[In](),
			Out:    reflect.TypeFor[Out](),
			Decode: decoder[In](),
		},
		Handle: func(ctx context.Context, h registry.Host, in any, _ *store.Event) (any, error) {
			out, err := handler(ActionContext{ctx, h}, in.(In))
			return out, toEngine(err)
		},
	}}
	configure(&w.def, opts)
	return w
}

func decoder[T any]() func([]byte) (any, error) {
	return func(data []byte) (any, error) {
		var v T
		err := json.Unmarshal(data, &v)
		return v, err
	}
}

// Register hands the definition to a runtime; it is not for users.
func (w *Workflow[In, Out]) Register(r *registry.Registry) { r.AddAction(&w.def) }

// RunID names the run under an id, for Send.
func (w *Workflow[In, Out]) RunID(id string) string {
	return registry.RunID("workflow", w.def.Name, id)
}

// Start starts a workflow under an id, and returns when that is durable. If one
// was started under the id before, it is joined: nothing new is started,
// whatever the input.
func Start[In, Out any](ctx ActionContext, w *Workflow[In, Out], id string, in In) error {
	data, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("write input of workflow %q: %w", w.def.Name, err)
	}
	return fault(ctx.host.Kept().Start(ctx.Context, &w.def, id, in, data))
}

// WorkflowStatus says how far a workflow is.
type WorkflowStatus string

// The statuses.
const (
	WorkflowRunning      WorkflowStatus = "running"
	WorkflowWaiting      WorkflowStatus = "waiting"      // in Sleep or Await
	WorkflowParked       WorkflowStatus = "parked"       // until someone retries or cancels it
	WorkflowSuspended    WorkflowStatus = "suspended"    // by Suspend
	WorkflowCompensating WorkflowStatus = "compensating" // failed or cancelled, and being undone
	WorkflowDone         WorkflowStatus = "done"
	WorkflowFailed       WorkflowStatus = "failed"
	WorkflowCancelled    WorkflowStatus = "cancelled"
)

// Finished tells whether nothing will happen any more.
func (s WorkflowStatus) Finished() bool {
	return s == WorkflowDone || s == WorkflowFailed || s == WorkflowCancelled
}

// WorkflowState is what is known of a workflow.
type WorkflowState[Out any] struct {
	Status  WorkflowStatus
	Started time.Time
	Changed time.Time
	Awaits  string // the signal that it waits for
	Output  Out    // once it is done
	Err     *Error // why it failed, or what went wrong last
}

// State tells how far a workflow is; ErrNotFound if none was started under the
// id, or its end was too long ago (see KeepFor).
func State[In, Out any](ctx ActionContext, w *Workflow[In, Out], id string) (WorkflowState[Out], error) {
	s, err := ctx.host.Kept().RunState(ctx.Context, w.RunID(id), false)
	if err != nil {
		return WorkflowState[Out]{}, fromEngine(err)
	}
	return stateOf[Out](s)
}

// Wait waits until a workflow is finished, and returns its output or why it
// failed: for one that was cancelled, an error with CodeRejected. It waits as
// long as ctx allows.
func Wait[In, Out any](ctx ActionContext, w *Workflow[In, Out], id string) (Out, error) {
	s, err := ctx.host.Kept().RunState(ctx.Context, w.RunID(id), true)
	if err != nil {
		return *new(Out), fromEngine(err)
	}
	state, err := stateOf[Out](s)
	switch {
	case err != nil:
		return state.Output, err
	case state.Status == WorkflowDone:
		return state.Output, nil
	case state.Err != nil:
		return state.Output, state.Err
	default:
		return state.Output, Reject("workflow %s %q was cancelled", w.def.Name, id)
	}
}

func stateOf[Out any](s registry.RunState) (WorkflowState[Out], error) {
	out := WorkflowState[Out]{Status: WorkflowStatus(s.Status), Started: s.Created, Changed: s.Changed, Awaits: s.Awaits}
	if s.Error != nil {
		out.Err = errorOf(s.Error)
	}
	if s.Output != nil {
		if err := json.Unmarshal(s.Output, &out.Output); err != nil {
			return out, fmt.Errorf("read output of workflow: %w", err)
		}
	}
	return out, nil
}

// Cancel asks a workflow to end: what it did is undone (see Compensate). It
// returns when that is durable; a workflow that is at its end already stays
// as it is.
func Cancel[In, Out any](ctx ActionContext, w *Workflow[In, Out], id string) error {
	return fault(ctx.host.Kept().Control(ctx.Context, w.RunID(id), registry.RunCancel))
}

// Suspend lets a workflow pause before its next step, until Resume.
func Suspend[In, Out any](ctx ActionContext, w *Workflow[In, Out], id string) error {
	return fault(ctx.host.Kept().Control(ctx.Context, w.RunID(id), registry.RunSuspend))
}

// Resume lets a workflow go on that was suspended.
func Resume[In, Out any](ctx ActionContext, w *Workflow[In, Out], id string) error {
	return fault(ctx.host.Kept().Control(ctx.Context, w.RunID(id), registry.RunResume))
}

func fault(err error) error {
	if err != nil {
		return fromEngine(err)
	}
	return nil
}

// KeepFor sets how long a workflow's outcome can be asked for after its end,
// and its id joined. Defaults to 30 days.
func KeepFor(d time.Duration) ActionOption {
	return func(a *registry.Action) {
		if a.Workflow == nil || d <= 0 {
			a.Faults = append(a.Faults, fmt.Errorf("KeepFor is for workflows and must be above zero"))
			return
		}
		a.Workflow.Keep = d
	}
}
