package otel

import (
	"context"
	"encoding/hex"
	"strings"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Carry implements talix.Observer.
func (p *Plugin) Carry(ctx context.Context, put func(name, value string)) {
	if span := trace.SpanContextFromContext(ctx); p.plain && span.IsValid() && span.TraceState().Len() == 0 {
		put("traceparent", traceparent(span)) // as the propagator does, in one allocation
		return
	}
	p.propagator.Inject(ctx, writer(put))
}

// traceparent is the header of W3C trace context.
func traceparent(span trace.SpanContext) string {
	id, of, flags := span.TraceID(), span.SpanID(), [1]byte{byte(span.TraceFlags() & (trace.FlagsSampled | trace.FlagsRandom))}
	var b [55]byte
	header := append(b[:0], "00-"...)
	header = append(hex.AppendEncode(header, id[:]), '-')
	header = append(hex.AppendEncode(header, of[:]), '-')
	return string(hex.AppendEncode(header, flags[:]))
}

// reader is a propagation.TextMapCarrier to read from.
type reader func(name string) string

// Get implements propagation.TextMapCarrier.
func (r reader) Get(key string) string {
	if r == nil {
		return ""
	}
	return r(key)
}

// Set implements propagation.TextMapCarrier.
func (reader) Set(string, string) {}

// Keys implements propagation.TextMapCarrier.
func (reader) Keys() []string { return nil }

// writer is a propagation.TextMapCarrier to write to.
type writer func(name, value string)

// Get implements propagation.TextMapCarrier.
func (writer) Get(string) string { return "" }

// Set implements propagation.TextMapCarrier.
func (w writer) Set(key, value string) { w(strings.ToLower(key), value) }

// Keys implements propagation.TextMapCarrier.
func (writer) Keys() []string { return nil }

var (
	_ propagation.TextMapCarrier = reader(nil)
	_ propagation.TextMapCarrier = writer(nil)
)
