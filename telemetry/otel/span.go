package otel

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/talix-dev/talix"
)

// The attributes of spans, beside those of OpenTelemetry's conventions.
const (
	service     = attribute.Key("talix.service")
	kind        = attribute.Key("talix.kind")
	name        = attribute.Key("talix.name")
	entityID    = attribute.Key("talix.entity.id")
	correlation = attribute.Key("talix.correlation_id")
	causation   = attribute.Key("talix.causation_id")
	trigger     = attribute.Key("talix.trigger")
	attempt     = attribute.Key("talix.attempt")
	replay      = attribute.Key("talix.replay")
	events      = attribute.Key("talix.events")
	waits       = attribute.Key("talix.waits")
	reason      = attribute.Key("talix.retry.reason")

	errorType = attribute.Key("error.type")
	method    = attribute.Key("http.request.method")
	route     = attribute.Key("http.route")
	status    = attribute.Key("http.response.status_code")
	topic     = attribute.Key("messaging.destination.name")
)

// Begin implements talix.Observer.
func (p *Plugin) Begin(ctx context.Context, op talix.Operation) context.Context {
	if op.Kind == talix.KindView || unrecorded(ctx) { // many things led to a view
		return ctx
	}
	ctx, options := p.cause(ctx, &op, p.kinds[kindOf(&op)])
	ctx, _ = p.tracer.Start(ctx, p.spanOf(&op), options...)
	return ctx
}

// unrecorded tells whether ctx has a span of this process that is not recorded.
// What is below it is not, either, and costs least without a span.
func unrecorded(ctx context.Context) bool {
	span := trace.SpanFromContext(ctx)
	if span.IsRecording() {
		return false
	}
	of := span.SpanContext()
	return of.IsValid() && !of.IsRemote()
}

// cause finds the span that led to an operation: in ctx, or in what came along.
func (p *Plugin) cause(ctx context.Context, op *talix.Operation, options []trace.SpanStartOption) (context.Context, []trace.SpanStartOption) {
	if trace.SpanContextFromContext(ctx).IsValid() {
		return ctx, options
	}
	switch {
	case op.Kind == talix.KindRequest:
		return p.propagator.Extract(ctx, reader(op.Header)), options
	case op.Carried == nil:
		return ctx, options
	}
	led := p.propagator.Extract(ctx, reader(op.Carried))
	link := trace.LinkFromContext(led)
	if !link.SpanContext.IsValid() {
		return led, options
	}
	options = append(slices.Clip(options), trace.WithLinks(link))
	if op.Replay || p.detached && op.Kind != talix.KindForward {
		options = append(options, trace.WithNewRoot())
	}
	return led, options
}

// kindOf is where a span stands between programs.
func kindOf(op *talix.Operation) trace.SpanKind {
	switch {
	case op.Kind == talix.KindRequest, op.Kind == talix.KindForward:
		return trace.SpanKindServer
	case op.Kind == talix.KindPublish:
		return trace.SpanKindProducer
	case op.Kind == talix.KindAction && op.Trigger != talix.TriggerRequest:
		return trace.SpanKindConsumer
	}
	return trace.SpanKindInternal
}

// kindsOf are the options of spans of each kind.
func kindsOf() (all [trace.SpanKindConsumer + 1][]trace.SpanStartOption) {
	for k := range all {
		all[k] = []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKind(k))}
	}
	return all
}

// spanOf is the name of an operation's span. Those of steps are not kept, as
// there may be any number of them.
func (p *Plugin) spanOf(op *talix.Operation) string {
	if op.Kind == talix.KindStep {
		return nameOf(op.Kind, op.Name)
	}
	return p.meters.find(key{kind: op.Kind, service: op.Service, name: op.Name}).span
}

func nameOf(kind talix.Kind, name string) string {
	if kind == talix.KindRequest {
		return name
	}
	return string(kind) + " " + name
}

func attributesOf(op *talix.Operation) []attribute.KeyValue {
	all := make([]attribute.KeyValue, 0, 6) // as many as most have
	all = append(all, service.String(op.Service), correlation.String(op.CorrelationID.String()))
	if !op.CausationID.IsZero() {
		all = append(all, causation.String(op.CausationID.String()))
	}
	all = text(text(text(all, entityID, op.EntityID), trigger, op.Trigger), topic, op.Topic)
	if op.Attempt > 0 {
		all = append(all, attempt.Int(op.Attempt))
	}
	if op.Replay {
		all = append(all, replay.Bool(true))
	}
	if verb, path, ok := strings.Cut(op.Name, " "); ok && op.Kind == talix.KindRequest {
		all = append(all, method.String(verb), route.String(path))
	}
	return all
}

// text adds an attribute unless it is empty.
func text(all []attribute.KeyValue, key attribute.Key, value string) []attribute.KeyValue {
	if value == "" {
		return all
	}
	return append(all, key.String(value))
}

// Report implements talix.Reporter: it ends the span and counts.
func (p *Plugin) Report(ctx context.Context, r talix.Report) {
	if r.Kind == talix.KindView {
		p.meters.add(ctx, &r)
		return
	}
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		p.meters.add(context.Background(), &r) // which has no span to look for
		return
	}
	p.meters.add(ctx, &r)
	describe(span, &r)
	span.End()
}

// describe adds to a span what its operation was and how it ended, all at once,
// which costs least. What a caller did wrong is no error of the program: such
// spans have the error's type, and no status.
func describe(span trace.Span, r *talix.Report) {
	all := attributesOf(&r.Operation)
	if r.Events > 0 {
		all = append(all, events.Int(r.Events))
	}
	if r.Status > 0 {
		all = append(all, status.Int(r.Status))
	}
	if r.Waits {
		all = append(all, waits.Bool(true))
	}
	if r.Err == nil {
		span.SetAttributes(all...)
		return
	}
	code := codeOf(r.Err)
	span.SetAttributes(append(all, errorType.String(string(code)))...)
	if fault(code) || r.Status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, r.Err.Error())
	}
}

// Follows tells that events and retries of commands are asked for whose span is
// recorded.
func (*Plugin) Follows(ctx context.Context) bool { return trace.SpanFromContext(ctx).IsRecording() }

// Appended implements talix.Follower: the span of a command names its events.
func (*Plugin) Appended(ctx context.Context, _ talix.Operation, metas []talix.Meta) {
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	for i := range metas { // without options, which cost as much as the rest
		span.AddEvent(metas[i].EventType)
	}
}

// Retrying implements talix.Retrier: the span of a command tells why it was
// tried again.
func (*Plugin) Retrying(ctx context.Context, _ talix.Operation, r talix.Retry) {
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		span.AddEvent("retry", trace.WithAttributes(attempt.Int(r.Attempt), reason.String(string(r.Reason))))
	}
}
