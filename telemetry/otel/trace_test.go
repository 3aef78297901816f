package otel_test

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/telemetry/otel"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const (
	traceID     = "4bf92f3577b34da6a3ce929d0e0e4736"
	traceparent = "00-" + traceID + "-00f067aa0ba902b7-01"
	unsampled   = "00-" + traceID + "-00f067aa0ba902b7-00"
)

// One request leads to one trace, over events and messages, a failure and its
// retry; each span behind an event or message has a link to what led to it.
func TestTrace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, spans := traced(t, otel.Config{}, sdktrace.AlwaysSample())
		post(h, "/orders/1", `{"items":2}`, traceparent)
		time.Sleep(time.Hour)
		synctest.Wait()
		golden(t, "trace.txt", draw(spans.GetSpans()))
		for _, s := range spans.GetSpans() {
			if s.SpanContext.TraceID().String() != traceID {
				t.Errorf("%s is of another trace", s.Name)
			}
		}
	})
}

// What the caller did wrong is no error of the program, but has its type.
func TestFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, spans := traced(t, otel.Config{}, sdktrace.AlwaysSample())
		post(h, "/orders/1", `{"items":2}`, "")
		time.Sleep(time.Hour)
		synctest.Wait()
		spans.Reset()
		post(h, "/orders/1", `{"items":2}`, traceparent)
		post(h, "/orders/1", `{"items":0}`, "00-"+strings.Repeat("a", 32)+"-00f067aa0ba902b7-01")
		golden(t, "failures.txt", draw(spans.GetSpans()))
	})
}

// Detached, what an event or a message leads to is a trace of its own.
func TestDetached(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, spans := traced(t, otel.Config{Detached: true}, sdktrace.AlwaysSample())
		post(h, "/orders/1", `{"items":2}`, traceparent)
		time.Sleep(time.Hour)
		synctest.Wait()
		golden(t, "detached.txt", draw(spans.GetSpans()))
	})
}

// What the caller does not sample leads to nothing that is, however far it goes.
func TestUnsampled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, spans := traced(t, otel.Config{}, sdktrace.ParentBased(sdktrace.AlwaysSample()))
		post(h, "/orders/1", `{"items":2}`, unsampled)
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := len(spans.GetSpans()); n > 0 {
			t.Errorf("%d spans were sampled", n)
		}
	})
}

// The sampler is asked below a span of another program, and not below one of this
// process that it did not take.
func TestSamplerIsAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, spans := traced(t, otel.Config{}, sdktrace.AlwaysSample())
		post(h, "/orders/1", `{"items":2}`, unsampled)
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(spans.GetSpans()) == 0 {
			t.Error("what another program does not sample is never sampled")
		}
		h, spans = traced(t, otel.Config{}, requestsAreDropped{})
		post(h, "/orders/1", `{"items":2}`, "")
		time.Sleep(time.Hour)
		synctest.Wait()
		for _, s := range spans.GetSpans() {
			if s.Parent.IsValid() && !s.Parent.IsRemote() && !s.Parent.IsSampled() {
				t.Errorf("%s was sampled, and what it is below was not", s.Name)
			}
		}
	})
}

// requestsAreDropped samples all but requests.
type requestsAreDropped struct{}

func (requestsAreDropped) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	if p.Kind == trace.SpanKindServer {
		return sdktrace.NeverSample().ShouldSample(p)
	}
	return sdktrace.AlwaysSample().ShouldSample(p)
}

func (requestsAreDropped) Description() string { return "all but requests" }

// A command that runs on another node is of the same trace there.
func TestForward(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewInMemoryExporter()
	var plugins [2]*otel.Plugin
	for i := range plugins {
		var err error
		if plugins[i], err = otel.New(otel.Config{TracerProvider: sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)), Detached: i == 1}); err != nil {
			t.Fatal(err)
		}
	}
	op := talix.Operation{Kind: talix.KindCommand, Service: "shop", Name: "order.place", EntityID: "1"}
	here := plugins[0].Begin(t.Context(), op)
	carried := map[string]string{}
	plugins[0].Carry(here, func(name, value string) { carried[name] = value })
	there := op
	there.Kind, there.Carried = talix.KindForward, func(name string) string { return carried[name] }
	ctx := plugins[1].Begin(context.Background(), there)
	plugins[1].Report(ctx, talix.Report{Operation: there, Events: 1})
	plugins[0].Report(here, talix.Report{Operation: op, Events: 1})
	golden(t, "forward.txt", draw(spans.GetSpans()))
}

// draw draws spans as trees, without ids and times.
func draw(spans tracetest.SpanStubs) string {
	names := map[trace.SpanID]string{}
	for _, s := range spans {
		names[s.SpanContext.SpanID()] = s.Name
	}
	var b strings.Builder
	for _, s := range sorted(spans) {
		if _, known := names[s.Parent.SpanID()]; !known {
			branch(&b, spans, names, s, "")
		}
	}
	return b.String()
}

func sorted(spans tracetest.SpanStubs) tracetest.SpanStubs {
	spans = slices.Clone(spans)
	slices.SortStableFunc(spans, func(a, b tracetest.SpanStub) int {
		return cmp.Or(a.StartTime.Compare(b.StartTime), strings.Compare(line(a, nil), line(b, nil)))
	})
	return spans
}

func branch(b *strings.Builder, spans tracetest.SpanStubs, names map[trace.SpanID]string, s tracetest.SpanStub, indent string) {
	if s.Parent.IsRemote() && indent == "" {
		indent = "… "
	}
	fmt.Fprintf(b, "%s%s\n", indent, line(s, names))
	for _, child := range sorted(spans) {
		if child.Parent.SpanID() == s.SpanContext.SpanID() {
			branch(b, spans, names, child, indent+"  ")
		}
	}
}

func line(s tracetest.SpanStub, names map[trace.SpanID]string) string {
	words := []string{s.SpanKind.String(), s.Name}
	for _, a := range s.Attributes {
		if key := string(a.Key); !strings.HasSuffix(key, "_id") && key != "talix.service" {
			words = append(words, key+"="+a.Value.String())
		}
	}
	for _, e := range s.Events {
		words = append(words, "!"+e.Name)
	}
	for _, l := range s.Links {
		words = append(words, "→"+names[l.SpanContext.SpanID()])
	}
	if s.Status.Code != codes.Unset {
		words = append(words, fmt.Sprintf("%s: %s", s.Status.Code, s.Status.Description))
	}
	return strings.Join(words, "  ")
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s has\n%swant\n%s", name, got, want)
	}
}

// What goes along is what the propagator makes, also with a state and with flags
// that are not for everyone.
func TestCarry(t *testing.T) {
	t.Parallel()
	state, err := trace.ParseTraceState("a=1,b=2")
	if err != nil {
		t.Fatal(err)
	}
	p, err := otel.New(otel.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []trace.SpanContextConfig{
		{},
		{TraceID: trace.TraceID{1, 15: 0xff}, SpanID: trace.SpanID{7: 9}},
		{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled},
		{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: 0xff},
		{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled, TraceState: state},
	} {
		ctx := trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(c))
		want, got := propagation.MapCarrier{}, propagation.MapCarrier{}
		propagation.TraceContext{}.Inject(ctx, want)
		p.Carry(ctx, got.Set)
		if !maps.Equal(got, want) {
			t.Errorf("%v went along, and not %v", got, want)
		}
	}
}
