package talixtest

import (
	"slices"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/runtime"
)

// Inside runs fn with a context that can do what an action can: start
// workflows, send signals, watch queries. It is to use that context and no
// other one, and to leave alone what it made when it returns.
func (r *Runtime) Inside(fn func(ctx talix.ActionContext)) {
	r.t.Helper()
	r.call(func() { fn(r.rt.Context(r.ctx)) })
}

// Host is the runtime itself, to be used within Inside only: for its Work, its
// Views and so on.
func (r *Runtime) Host() *runtime.Runtime { return r.rt }

// Run runs a command on an entity.
func Run[In, Out any](r *Runtime, c *talix.Command[In, Out], id string, in In) (out Out, err error) {
	r.t.Helper()
	r.Inside(func(ctx talix.ActionContext) { out, err = talix.Run(ctx, c, id, in) })
	return out, err
}

// Ask asks a query.
func Ask[In, Out any](r *Runtime, q *talix.Query[In, Out], in In) (out Out, err error) {
	r.t.Helper()
	r.Inside(func(ctx talix.ActionContext) { out, err = talix.Ask(ctx, q, in) })
	return out, err
}

// Reports tell of everything that ran, in the order in which it ended: actions,
// the commands and queries that they asked for, and their steps. Emit is not
// among them.
func (r *Runtime) Reports() []talix.Report {
	r.t.Helper()
	r.Idle()
	return r.watcher.all()
}

// Inputs are the inputs with which a command was run on an entity, in order,
// also where it was rejected.
func Inputs[In, Out any](r *Runtime, c *talix.Command[In, Out], id string) (all []In) {
	r.t.Helper()
	name := commandOf(c).FullName()
	for _, report := range r.Reports() {
		if report.Kind == talix.KindCommand && report.Name == name && report.EntityID == id {
			all = append(all, report.Input.(In))
		}
	}
	return slices.Clip(all)
}

// Equal fails the test unless two values are the same, and tells how they
// differ as JSON, line by line. Nil and empty are the same.
func Equal[V any](t T, want, got V) {
	t.Helper()
	if !equal(want, got) {
		t.Errorf("it is not what was expected\n%s", differ(want, got))
	}
}
