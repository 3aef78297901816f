// Package otlp exports traces and metrics by the OpenTelemetry protocol, over
// HTTP, as the environment says.
//
//	exporter, err := otlp.Open(ctx, otlp.Config{Service: "shop"})
//	defer exporter.Close(context.Background())
//	plugin, err := otel.New(otel.Config{TracerProvider: exporter.Traces, MeterProvider: exporter.Metrics})
package otlp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
)

// Config says what is exported, and from where. Zero fields take the defaults
// named.
type Config struct {
	// Service and Version name the program. OTEL_SERVICE_NAME and
	// OTEL_RESOURCE_ATTRIBUTES are stronger. Service defaults to what the SDK
	// makes of the program's name.
	Service, Version string
	// Traces is how many new traces a second are sampled, by Limit, unless
	// OTEL_TRACES_SAMPLER names another sampler. Defaults to 100; a negative
	// number takes all.
	Traces int
	// Getenv reads the environment to find out whether anything is exported.
	// Defaults to os.Getenv. All else the exporters read by themselves.
	Getenv func(name string) string
}

// perSecond is the default of Config.Traces.
const perSecond = 100

// Exporter exports what its providers are given, in the background. Where it
// cannot keep up, or no one listens, spans are dropped and the program goes on.
type Exporter struct {
	Traces  *trace.TracerProvider
	Metrics *metric.MeterProvider
}

// Open makes providers that export to OTEL_EXPORTER_OTLP_ENDPOINT, or to
// OTEL_EXPORTER_OTLP_TRACES_ENDPOINT and OTEL_EXPORTER_OTLP_METRICS_ENDPOINT.
// For what none of them is set, and where OTEL_SDK_DISABLED is true, nothing is
// recorded or exported. Of traces, as many are sampled as Config.Traces says.
// Headers, time-outs, compression, intervals and samplers
// are set as the OpenTelemetry specification says, by OTEL_EXPORTER_OTLP_HEADERS,
// OTEL_TRACES_SAMPLER and so on.
func Open(ctx context.Context, c Config) (*Exporter, error) {
	if c.Getenv == nil {
		c.Getenv = os.Getenv
	}
	about, err := describe(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("describe the program: %w: mend OTEL_RESOURCE_ATTRIBUTES", err)
	}
	traces, errTraces := c.traces(ctx)
	metrics, errMetrics := c.metrics(ctx)
	if err := errors.Join(errTraces, errMetrics); err != nil {
		return nil, fmt.Errorf("make exporters: %w", err)
	}
	return &Exporter{
		Traces:  trace.NewTracerProvider(append(traces, trace.WithResource(about))...),
		Metrics: metric.NewMeterProvider(append(metrics, metric.WithResource(about))...),
	}, nil
}

// wanted tells whether anything of a kind is to be exported.
func (c *Config) wanted(kind string) bool {
	endpoint := cmp.Or(c.Getenv("OTEL_EXPORTER_OTLP_"+kind+"_ENDPOINT"), c.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT"))
	return endpoint != "" && c.Getenv("OTEL_SDK_DISABLED") != "true"
}

func (c *Config) traces(ctx context.Context) ([]trace.TracerProviderOption, error) {
	if !c.wanted("TRACES") {
		return []trace.TracerProviderOption{trace.WithSampler(trace.NeverSample())}, nil
	}
	e, err := otlptracehttp.New(ctx)
	options := []trace.TracerProviderOption{trace.WithBatcher(e)}
	if c.Traces >= 0 && c.Getenv("OTEL_TRACES_SAMPLER") == "" {
		options = append(options, trace.WithSampler(Limit(cmp.Or(c.Traces, perSecond))))
	}
	return options, err
}

func (c *Config) metrics(ctx context.Context) ([]metric.Option, error) {
	if !c.wanted("METRICS") {
		return nil, nil
	}
	e, err := otlpmetrichttp.New(ctx)
	return []metric.Option{metric.WithReader(metric.NewPeriodicReader(e))}, err
}

func describe(ctx context.Context, c Config) (*resource.Resource, error) {
	var own []attribute.KeyValue
	if c.Service != "" {
		own = append(own, attribute.String("service.name", c.Service))
	}
	if c.Version != "" {
		own = append(own, attribute.String("service.version", c.Version))
	}
	about, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithAttributes(own...), resource.WithFromEnv())
	if err != nil {
		return nil, err
	}
	if c.Service != "" {
		return about, nil
	}
	return resource.Merge(resource.Default(), about)
}

// Close exports what is left, until ctx ends.
func (e *Exporter) Close(ctx context.Context) error {
	return errors.Join(e.Traces.Shutdown(ctx), e.Metrics.Shutdown(ctx))
}
