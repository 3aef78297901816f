package main

import (
	"context"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/telemetry/otel"
	"github.com/talix-dev/talix/telemetry/prometheus"
)

func telemetryRows() []row {
	const rate = "/s"
	return []row{
		{"traced", "as hot, each command traced, sampled and counted (OpenTelemetry)", "ours without telemetry", rate, ratio,
			atLeast(0.90), bound{}, prepareTraced(trace.AlwaysSample())},
		{"traced-tenth", "the same, one trace in ten sampled", "ours without telemetry", rate, ratio,
			atLeast(0.90), bound{}, prepareTraced(trace.TraceIDRatioBased(0.1))},
		{"traced-few", "the same, one trace in two hundred: about what telemetry/otlp leaves of such a load", "ours without telemetry", rate, ratio,
			atLeast(0.90), bound{}, prepareTraced(trace.TraceIDRatioBased(0.005))},
		{"counted", "as hot, counted for Prometheus", "ours without telemetry", rate, ratio,
			atLeast(0.90), bound{}, prepareCounted},
	}
}

// dropped is an exporter that costs nothing but what leads to it.
type dropped struct{}

func (dropped) ExportSpans(context.Context, []trace.ReadOnlySpan) error { return nil }

func (dropped) Shutdown(context.Context) error { return nil }

func prepareTraced(s trace.Sampler) func(context.Context, *lab) (contest, error) {
	return func(ctx context.Context, l *lab) (contest, error) {
		traces := trace.NewTracerProvider(trace.WithBatcher(dropped{}), trace.WithSampler(trace.ParentBased(s)))
		metrics := metric.NewMeterProvider(metric.WithReader(metric.NewManualReader()))
		l.later(func() error { return traces.Shutdown(context.WithoutCancel(ctx)) })
		p, err := otel.New(otel.Config{TracerProvider: traces, MeterProvider: metrics})
		if err != nil {
			return contest{}, err
		}
		return against(ctx, l, p)
	}
}

func prepareCounted(ctx context.Context, l *lab) (contest, error) {
	p, err := prometheus.New(prometheus.Config{})
	if err != nil {
		return contest{}, err
	}
	return against(ctx, l, p)
}

// against measures a runtime with a plugin beside one without.
func against(ctx context.Context, l *lab, p talix.Plugin) (contest, error) {
	var sides [2]side
	for i, parts := range [][]talix.Part{{plain(), talix.Use(p)}, {plain()}} {
		e, err := l.engine(ctx, parts...)
		if err != nil {
			return contest{}, err
		}
		ids, err := e.warm(ctx, l.scaled(hotEntities))
		if err != nil {
			return contest{}, err
		}
		sides[i] = e.hot(ids, manyCallers)
	}
	return contest{sides[0], sides[1]}, nil
}
