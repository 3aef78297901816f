// Package otel tells OpenTelemetry what a runtime does: traces that lead from a
// request to all that came of it, over events, messages, timers and other nodes,
// and metrics.
//
//	plugin, err := otel.New(otel.Config{TracerProvider: traces, MeterProvider: metrics})
//	standalone.Main(talix.Use(plugin), shop.Service)
//
// Package telemetry/otlp makes providers that export by the OpenTelemetry
// protocol; any others do.
package otel

import (
	"errors"
	"fmt"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/talix-dev/talix"
)

// scope names the instrumentation in what is exported.
const scope = "github.com/talix-dev/talix/telemetry/otel"

// Config says where traces and metrics go. Its zero value takes the providers
// that the program has made global.
type Config struct {
	// TracerProvider makes the spans. Defaults to the global one. Its sampler
	// is not asked below a span of this process that is not recorded: there is
	// no span then, so that what is not sampled costs least.
	TracerProvider trace.TracerProvider
	// MeterProvider makes the instruments. Defaults to the global one.
	MeterProvider metric.MeterProvider
	// Propagator reads what requests and messages bring along, and writes what
	// goes along. Defaults to W3C trace context.
	Propagator propagation.TextMapPropagator
	// Detached lets what an event, a message or kept work leads to begin a
	// trace of its own, with a link to what led to it. By default it goes on
	// with the same trace, and has the link too.
	Detached bool
}

// Plugin is a talix.Observer: use it with talix.Use. It is for any number of
// runtimes.
type Plugin struct {
	tracer     trace.Tracer
	propagator propagation.TextMapPropagator
	plain      bool // the propagator is that of W3C trace context alone
	detached   bool
	meters     *meters
	kinds      [trace.SpanKindConsumer + 1][]trace.SpanStartOption
}

var (
	_ talix.Observer = (*Plugin)(nil)
	_ talix.Follower = (*Plugin)(nil)
	_ talix.Retrier  = (*Plugin)(nil)
)

// New makes a Plugin. An error means that the MeterProvider does not make an
// instrument.
func New(c Config) (*Plugin, error) {
	if c.TracerProvider == nil {
		c.TracerProvider = otel.GetTracerProvider()
	}
	if c.MeterProvider == nil {
		c.MeterProvider = otel.GetMeterProvider()
	}
	if c.Propagator == nil {
		c.Propagator = propagation.TraceContext{}
	}
	_, plain := c.Propagator.(propagation.TraceContext)
	meters, err := newMeters(c.MeterProvider.Meter(scope))
	if err != nil {
		return nil, fmt.Errorf("make instruments: %w", err)
	}
	return &Plugin{
		tracer:     c.TracerProvider.Tracer(scope),
		propagator: c.Propagator,
		plain:      plain,
		detached:   c.Detached,
		meters:     meters,
		kinds:      kindsOf(),
	}, nil
}

// Name implements talix.Plugin.
func (*Plugin) Name() string { return "otel" }

// codeOf is the code of an error that a runtime reported.
func codeOf(err error) talix.Code {
	if e, ok := errors.AsType[*talix.Error](err); ok {
		return e.Code
	}
	return talix.CodeInternal
}

// fault tells whether an error is the program's or its surroundings', and not
// the caller's.
func fault(c talix.Code) bool {
	switch c {
	case talix.CodeInternal, talix.CodeUnavailable, talix.CodeUnknown, talix.CodeOverloaded:
		return true
	}
	return false
}
