package runtime

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/internal/id"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/work"
)

// runsPath is where the outcome of requests is asked for that were answered
// before the work.
const runsPath = "/talix/runs/"

// accept keeps a request, to be worked on later. Under an idempotency key, the
// same request again is the same run.
func (b backend) accept(ctx context.Context, a *registry.Action, s *scope, in any) (any, error) {
	op := s.action(a)
	if err := b.intercept(ctx, op, b.plugins.interceptors, func(context.Context) error { return nil }); err != nil {
		return nil, err
	}
	data, err := registry.EncodeFields(in)
	if err != nil {
		return nil, registry.Faultf(registry.Internal, "the input of %s cannot be kept as JSON", a.Name).Because(err)
	}
	if data, err = b.box().KeepFields(ctx, a.HTTP.In, data); err != nil {
		return nil, s.outcome(err)
	}
	name := b.ids.New()
	if !s.cause.base.IsZero() {
		name = id.DeriveName(s.cause.base, "request")
	}
	runID := registry.RunID(string(work.Request), name.String())
	if err := b.flow.Start(ctx, a, runID, data, s.origin(ctx, runID)); err != nil {
		return nil, s.outcome(err)
	}
	href := runsPath + name.String()
	return registry.Accepted{Code: 202, Location: href, RunID: runID, Status: "running", Href: href}, nil
}

type runInput struct {
	ID string `path:"id" format:"uuid" doc:"What the 202 answer named."`
}

// runOutput is how far the work of a request is.
type runOutput struct {
	RunID   string          `json:"runId"`
	Status  string          `json:"status" doc:"running, waiting, parked, done or failed"`
	Started time.Time       `json:"started"`
	Changed time.Time       `json:"changed"`
	Output  json.RawMessage `json:"output,omitempty" doc:"What the work led to, once it is done."`
	Error   *runError       `json:"error,omitempty" doc:"Why it failed, or what went wrong last."`
}

type runError struct {
	Code   string     `json:"code"`
	Title  string     `json:"title"`
	Fields []runField `json:"fields,omitempty"`
}

type runField struct {
	Location string `json:"location"`
	Message  string `json:"message"`
}

// runs is the service of the runtime's own that tells of requests that were
// answered before the work.
func (r *Runtime) runs() talix.Part {
	return talix.Service{Name: "talix", Components: talix.Components{
		talix.OnHTTP("GET "+runsPath+"{id}", func(ctx talix.ActionContext, in runInput) (runOutput, error) {
			runID := registry.RunID(string(work.Request), strings.ToLower(in.ID))
			item, err := r.flow.Status(ctx, runID, false)
			if err != nil {
				return runOutput{}, talix.UserError(r.fail(err, "action", "run", ctx.CorrelationID()))
			}
			if item.Output, err = r.box().Kept(ctx, item.Output); err != nil {
				return runOutput{}, talix.UserError(r.fail(err, "action", "run", ctx.CorrelationID()))
			}
			return runOutputOf(item), nil
		}, talix.Summary("How far the work of a request is")),
	}}
}

func runOutputOf(item work.Item) runOutput {
	s := stateOf(item)
	out := runOutput{RunID: item.Run, Status: s.Status, Started: s.Created, Changed: s.Changed, Output: s.Output}
	if f := s.Error; f != nil {
		out.Error = &runError{Code: string(f.Code), Title: f.Message}
		if f.Code == registry.Internal {
			out.Error.Title = "an unexpected failure, which the log tells of under the correlation id " + item.Correlation.String()
		}
		for _, field := range f.Fields {
			out.Error.Fields = append(out.Error.Fields, runField(field))
		}
	}
	return out
}
