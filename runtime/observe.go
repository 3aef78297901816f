package runtime

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/internal/entity"
	"github.com/talix-dev/talix/internal/httpedge"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// What observers are told beside what reporters are. Without any, each of these
// is one look at the length of a list.

// begin tells observers that an operation begins, and returns the context in
// which it runs.
func (ps *plugins) begin(ctx context.Context, op talix.Operation) context.Context {
	for _, o := range ps.observers {
		ctx = o.Begin(ctx, op) //nolint:fatcontext // each may add what is its own
	}
	return ctx
}

// carry is what goes along with what the operation of ctx does, as metadata;
// nil: nothing.
func (ps *plugins) carry(ctx context.Context) []byte {
	if !ps.observing() {
		return nil
	}
	c := ps.carriers.Get().(*carrier)
	for _, o := range ps.observers {
		o.Carry(ctx, c.put)
	}
	metadata := c.metadata
	c.metadata = nil
	ps.carriers.Put(c)
	return metadata
}

// carrier takes what is to go along. Carriers are used again, as a function that
// is made for each operation costs two allocations.
type carrier struct {
	metadata []byte
	put      func(name, value string)
}

func newCarrier() any {
	c := &carrier{}
	c.put = func(name, value string) { c.metadata = registry.Carry(c.metadata, name, value) }
	return c
}

// observing tells whether anyone asks for more than reporters are told.
func (ps *plugins) observing() bool { return len(ps.observers) > 0 }

// carried reads what went along in metadata; nil: nothing did, or no one asks.
func (r *Runtime) carried(metadata []byte) func(string) string {
	if !r.plugins.observing() {
		return nil
	}
	return registry.Carried(metadata)
}

// carriedBy reads what went along with a message, as one of its attributes or
// of those of the CloudEvent that it is.
func (r *Runtime) carriedBy(attributes map[string]string) func(string) string {
	if !r.plugins.observing() || len(attributes) == 0 {
		return nil
	}
	return func(name string) string {
		for _, as := range []string{name, "ce-" + name, http.CanonicalHeaderKey(name)} {
			if v := attributes[as]; v != "" {
				return v
			}
		}
		return ""
	}
}

// observed tells observers alone that an operation ended.
func (r *Runtime) observed(ctx context.Context, report talix.Report, err error) {
	report.Duration = r.cfg.Now().Sub(report.Started)
	if err != nil {
		report.Err = talix.UserError(err)
	}
	for _, o := range r.plugins.observers {
		o.Report(ctx, report)
	}
}

// waiting tells observers that a run goes on later.
func (r *Runtime) waiting(ctx context.Context, op talix.Operation, started time.Time) {
	if r.plugins.observing() {
		r.observed(ctx, talix.Report{Operation: op, Started: started, Waits: true}, nil)
	}
}

// triggerOf is what an action runs for.
func triggerOf(a *registry.Action) string {
	switch {
	case a.HTTP != nil:
		return talix.TriggerRequest
	case a.Event != nil:
		return talix.TriggerEvent
	case a.Timer != nil:
		return talix.TriggerTimer
	case a.Schedule != nil:
		return talix.TriggerSchedule
	case a.Workflow != nil:
		return talix.TriggerWorkflow
	}
	return talix.TriggerMessage
}

// action is what plugins are told of an action's run.
func (s *scope) action(a *registry.Action) talix.Operation {
	op := s.operation(talix.KindAction, s.r.registry.Owner(a), a.Name)
	op.Trigger, op.Attempt, op.Replay, op.Carried = triggerOf(a), s.cause.attempt, s.cause.replay, s.cause.carried
	if a.Queue != nil {
		op.Topic = a.Queue.Topic
	}
	return op
}

// beginCommand tells observers that a command begins, and lets what they put
// beside it go along.
func (s *scope) beginCommand(ctx context.Context, call *entity.Call) (context.Context, talix.Operation) {
	op := s.commandOperation(call)
	if ps := &s.r.plugins; ps.observing() {
		ctx = ps.begin(ctx, op)
		call.Metadata = ps.carry(ctx)
	}
	return ctx, op
}

// request tells observers of a request; nil where there are none.
func (r *Runtime) request() func(context.Context, *httpedge.Request, httpedge.Asked) (context.Context, func(int, error)) {
	if !r.plugins.observing() {
		return nil
	}
	return func(ctx context.Context, req *httpedge.Request, asked httpedge.Asked) (context.Context, func(int, error)) {
		if req.Correlation.IsZero() {
			req.Correlation = r.ids.New()
		}
		op := talix.Operation{
			Kind: talix.KindRequest, Service: asked.Service, Name: asked.Pattern,
			CorrelationID: req.Correlation, Header: req.Header,
		}
		started := r.cfg.Now()
		ctx = r.plugins.begin(ctx, op)
		return ctx, func(status int, err error) {
			r.observed(ctx, talix.Report{Operation: op, Started: started, Status: status}, err)
		}
	}
}

// took tells observers of a batch of events that a view took, or failed at.
func (r *Runtime) took(view string, events int, started time.Time, err error) {
	if !r.plugins.observing() {
		return
	}
	op := talix.Operation{Kind: talix.KindView, Name: view, Service: r.viewOwner(view)}
	r.observed(r.plugins.begin(context.Background(), op), talix.Report{Operation: op, Started: started, Events: events}, err)
}

func (r *Runtime) viewOwner(name string) string {
	for _, v := range r.registry.Views {
		if v.Name == name {
			return r.registry.Owner(v)
		}
	}
	return ""
}

// beginForward tells observers that a command of another node begins. The
// function that it returns tells them how it ended.
func (r *Runtime) beginForward(ctx context.Context, call *entity.Call) (context.Context, func(entity.Reply, error)) {
	if !r.plugins.observing() {
		return ctx, func(entity.Reply, error) {}
	}
	op := talix.Operation{
		Kind: talix.KindForward, Service: r.registry.Owner(call.Command), Name: call.Command.FullName(), EntityID: call.ID,
		CorrelationID: call.Correlation, CausationID: call.Causation, CommandID: call.Key, Carried: registry.Carried(call.Metadata),
	}
	started := r.cfg.Now()
	ctx = r.plugins.begin(ctx, op)
	if carried := r.plugins.carry(ctx); carried != nil {
		call.Metadata = carried
	}
	return ctx, func(reply entity.Reply, err error) {
		if errors.Is(err, entity.ErrElsewhere) {
			err = registry.Faultf(registry.Unavailable, "another node has the entity by now").Because(err)
		}
		r.observed(ctx, talix.Report{Operation: op, Started: started, Events: reply.Events}, err)
	}
}

// beginPublish tells observers that an event is being published.
func (r *Runtime) beginPublish(ctx context.Context, a *registry.Action, e *store.Event) (context.Context, func(error)) {
	if !r.plugins.observing() {
		return ctx, func(error) {}
	}
	op := talix.Operation{
		Kind: talix.KindPublish, Service: r.registry.Owner(a), Name: a.Name, Topic: a.Topic.Name, EntityID: e.Stream.ID,
		CorrelationID: e.Correlation, CausationID: e.ID, Carried: registry.Carried(e.Metadata),
	}
	started := r.cfg.Now()
	ctx = r.plugins.begin(ctx, op)
	return ctx, func(err error) {
		r.observed(ctx, talix.Report{Operation: op, Started: started, Events: 1}, err)
	}
}

// extend lets what observers put beside a publishing go along with the message,
// as extensions of the CloudEvent; along holds them as plain attributes too.
func (ps *plugins) extend(ctx context.Context, extensions map[string]string) (along map[string]string) {
	for _, o := range ps.observers {
		o.Carry(ctx, func(name, value string) {
			if name == "" || value == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
				return
			}
			if along == nil {
				along = map[string]string{}
			}
			extensions[name], along[name] = value, value
		})
	}
	return along
}
