package otel_test

import (
	"context"
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/telemetry/otel"
)

type dropped struct{}

func (dropped) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error { return nil }

func (dropped) Shutdown(context.Context) error { return nil }

// What the plugin takes of a command's time, sampled and not.
func BenchmarkCommand(b *testing.B) {
	for name, sampler := range map[string]sdktrace.Sampler{"sampled": sdktrace.AlwaysSample(), "unsampled": sdktrace.NeverSample()} {
		b.Run(name, func(b *testing.B) {
			traces := sdktrace.NewTracerProvider(sdktrace.WithBatcher(dropped{}), sdktrace.WithSampler(sampler))
			defer traces.Shutdown(context.Background())
			p, err := otel.New(otel.Config{TracerProvider: traces, MeterProvider: metric.NewMeterProvider(metric.WithReader(metric.NewManualReader()))})
			if err != nil {
				b.Fatal(err)
			}
			op := talix.Operation{
				Kind: talix.KindCommand, Service: "bank", Name: "account.deposit", EntityID: "0199f2ff-0000-7000-8000-000000000001",
				CorrelationID: store.ID{1}, CommandID: store.ID{2},
			}
			report := talix.Report{Operation: op, Duration: time.Millisecond, Events: 1}
			metas := []talix.Meta{{EventID: store.ID{3}, EventType: "ACCOUNTS:DEPOSITED", Version: 7}}
			b.ReportAllocs()
			for b.Loop() {
				ctx := p.Begin(context.Background(), op)
				p.Carry(ctx, func(string, string) {})
				p.Appended(ctx, op, metas)
				p.Report(ctx, report)
			}
		})
	}
}
