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

// commanded makes a plugin and lets it follow a command, as a runtime does.
func commanded(tb testing.TB, sampler sdktrace.Sampler) (command func()) {
	tb.Helper()
	traces := sdktrace.NewTracerProvider(sdktrace.WithBatcher(dropped{}), sdktrace.WithSampler(sampler))
	tb.Cleanup(func() { _ = traces.Shutdown(context.Background()) })
	p, err := otel.New(otel.Config{TracerProvider: traces, MeterProvider: metric.NewMeterProvider(metric.WithReader(metric.NewManualReader()))})
	if err != nil {
		tb.Fatal(err)
	}
	op := talix.Operation{
		Kind: talix.KindCommand, Service: "bank", Name: "account.deposit", EntityID: "0199f2ff-0000-7000-8000-000000000001",
		CorrelationID: store.ID{1}, CommandID: store.ID{2},
	}
	report := talix.Report{Operation: op, Duration: time.Millisecond, Events: 1}
	metas := []talix.Meta{{EventID: store.ID{3}, EventType: "ACCOUNTS:DEPOSITED", Version: 7}}
	put := func(string, string) {}
	return func() {
		ctx := p.Begin(context.Background(), op)
		p.Carry(ctx, put)
		if p.Follows(ctx) {
			p.Appended(ctx, op, metas)
		}
		p.Report(ctx, report)
	}
}

// What the plugin takes of a command's time, sampled and not.
func BenchmarkCommand(b *testing.B) {
	for name, sampler := range map[string]sdktrace.Sampler{"sampled": sdktrace.AlwaysSample(), "unsampled": sdktrace.NeverSample()} {
		b.Run(name, func(b *testing.B) {
			command := commanded(b, sampler)
			b.ReportAllocs()
			for b.Loop() {
				command()
			}
		})
	}
}

// What the SDK takes of it: a span that has and does nothing.
func BenchmarkEmptySpan(b *testing.B) {
	for name, sampler := range map[string]sdktrace.Sampler{"sampled": sdktrace.AlwaysSample(), "unsampled": sdktrace.NeverSample()} {
		b.Run(name, func(b *testing.B) {
			traces := sdktrace.NewTracerProvider(sdktrace.WithBatcher(dropped{}), sdktrace.WithSampler(sampler))
			b.Cleanup(func() { _ = traces.Shutdown(context.Background()) })
			tracer := traces.Tracer("bench")
			b.ReportAllocs()
			for b.Loop() {
				_, span := tracer.Start(context.Background(), "command account.deposit")
				span.End()
			}
		})
	}
}

// Of a command that is not sampled there is what the SDK makes to tell so, and
// what goes along; of a sampled one six things more.
func TestAllocations(t *testing.T) {
	// Not parallel: it counts the allocations of the whole process.
	for _, c := range []struct {
		name    string
		sampler sdktrace.Sampler
		most    float64
	}{{"unsampled", sdktrace.NeverSample(), 4}, {"sampled", sdktrace.AlwaysSample(), 12}} {
		if n := testing.AllocsPerRun(2000, commanded(t, c.sampler)); n > c.most {
			t.Errorf("%s: %v allocations a command, want at most %v", c.name, n, c.most)
		}
	}
}

// Below an unsampled span of this process nothing is made at all.
func TestAllocationsBelow(t *testing.T) {
	// Not parallel: it counts the allocations of the whole process.
	p, err := otel.New(otel.Config{
		TracerProvider: sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.NeverSample())),
		MeterProvider:  metric.NewMeterProvider(metric.WithReader(metric.NewManualReader())),
	})
	if err != nil {
		t.Fatal(err)
	}
	action := talix.Operation{Kind: talix.KindAction, Service: "bank", Name: "deposit"}
	above := p.Begin(t.Context(), action)
	command := talix.Operation{Kind: talix.KindCommand, Service: "bank", Name: "account.deposit"}
	n := testing.AllocsPerRun(2000, func() {
		ctx := p.Begin(above, command)
		p.Report(ctx, talix.Report{Operation: command, Duration: time.Millisecond, Events: 1})
	})
	if n > 0 {
		t.Errorf("%v allocations a command", n)
	}
}
