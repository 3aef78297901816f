package otlp_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/talix-dev/talix/telemetry/otlp"
)

// sampled tells how many of n new traces are sampled.
func sampled(tracer trace.Tracer, n int) (taken int64) {
	var all sync.WaitGroup
	var count atomic.Int64
	for range n {
		all.Go(func() {
			if _, span := tracer.Start(context.Background(), "root"); span.IsRecording() {
				count.Add(1)
			}
		})
	}
	all.Wait()
	return count.Load()
}

// A quiet program is traced whole, a busy one in part; what was not taken for a
// long time is not made up for.
func TestLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tracer := sdktrace.NewTracerProvider(sdktrace.WithSampler(otlp.Limit(10))).Tracer("test")
		for _, c := range []struct {
			pause       time.Duration
			asked, want int
		}{{0, 7, 7}, {0, 20, 3}, {100 * time.Millisecond, 20, 1}, {time.Second, 20, 10}, {time.Hour, 20, 10}, {99 * time.Millisecond, 1, 0}} {
			time.Sleep(c.pause)
			if got := sampled(tracer, c.asked); got != int64(c.want) {
				t.Errorf("%v later %d of %d traces were sampled, want %d", c.pause, got, c.asked, c.want)
			}
		}
	})
}

// What belongs to a trace is sampled as the trace is, beyond any limit.
func TestLimitOfParents(t *testing.T) {
	t.Parallel()
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSampler(otlp.Limit(0))).Tracer("test")
	state, err := trace.ParseTraceState("a=1")
	if err != nil {
		t.Fatal(err)
	}
	for _, flags := range []trace.TraceFlags{0, trace.FlagsSampled} {
		parent := trace.NewSpanContext(trace.SpanContextConfig{
			TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: flags, TraceState: state, Remote: true,
		})
		_, span := tracer.Start(trace.ContextWithSpanContext(t.Context(), parent), "child")
		of := span.SpanContext()
		if of.IsSampled() != flags.IsSampled() || of.TraceState().String() != "a=1" {
			t.Errorf("below flags %v is %v with the state %q", flags, of.TraceFlags(), of.TraceState())
		}
	}
	if n := sampled(tracer, 5); n != 0 {
		t.Errorf("%d traces were sampled by a limit of none", n)
	}
}

// The environment's sampler is stronger than a limit, and all can be asked for.
func TestTraces(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		traces, all int
		sampler     string
	}{{3, 3, ""}, {-1, 500, ""}, {3, 500, "always_on"}} {
		env := map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:1", "OTEL_TRACES_SAMPLER": c.sampler}
		e, err := otlp.Open(t.Context(), otlp.Config{Traces: c.traces, Getenv: func(name string) string { return env[name] }})
		if err != nil {
			t.Fatal(err)
		}
		got := sampled(e.Traces.Tracer("test"), 500)
		ended, end := context.WithCancel(t.Context())
		end()
		_ = e.Close(ended) // nobody listens
		if got < int64(c.all) || c.all < 500 && got == 500 {
			t.Errorf("with %+v %d of 500 traces were sampled", c, got)
		}
	}
}
