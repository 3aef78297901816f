package otel

import (
	"context"
	"strings"

	"go.opentelemetry.io/otel/propagation"
)

// Carry implements talix.Observer.
func (p *Plugin) Carry(ctx context.Context, put func(name, value string)) {
	p.propagator.Inject(ctx, writer(put))
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
