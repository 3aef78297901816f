package otel_test

import (
	"context"
	"fmt"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store/memory"
	"github.com/talix-dev/talix/telemetry/otel"
)

func Example() {
	spans := tracetest.NewInMemoryExporter()
	plugin, err := otel.New(otel.Config{TracerProvider: sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))})
	if err != nil {
		panic(err)
	}
	hello := talix.NewQuery("hello", func(_ talix.QueryContext, name string) (string, error) { return "hello " + name, nil })
	s := memory.New(memory.Config{})
	defer s.Close()
	rt, err := runtime.New(context.Background(), runtime.Config{Store: s, Parts: []talix.Part{
		talix.Use(plugin), talix.Service{Name: "greeter", Components: talix.Components{hello}},
	}})
	if err != nil {
		panic(err)
	}
	defer rt.Stop()
	if _, err := talix.Ask(rt.Context(context.Background()), hello, "you"); err != nil {
		panic(err)
	}
	for _, span := range spans.GetSpans() {
		fmt.Println(span.Name)
	}
	// Output: query hello
}
