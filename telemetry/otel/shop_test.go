package otel_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/broker"
	brokermemory "github.com/talix-dev/talix/broker/memory"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store/memory"
	"github.com/talix-dev/talix/telemetry/otel"
)

type Order struct{ Items int }

type Placed struct {
	Items int `json:"items"`
}

func (e Placed) Apply(o *Order, _ talix.Meta) { o.Items += e.Items }

type Stock struct{ Reserved int }

type Reserved struct {
	Items int `json:"items"`
}

func (e Reserved) Apply(s *Stock, _ talix.Meta) { s.Reserved += e.Items }

type items struct {
	Items int `json:"items" minimum:"1"`
}

type order struct {
	items
	ID string `path:"id"`
}

// shop places orders; each leads to a reservation, at the second attempt, and
// that to a message, which is taken in again.
func shop() talix.Service {
	orders := talix.NewEntity("order", talix.Event[Placed]("SHOP:PLACED"))
	stocks := talix.NewEntity("stock", talix.Event[Reserved]("SHOP:RESERVED"))
	place := talix.NewCommand(orders, "place", func(c talix.CommandContext[Order], in items) (struct{}, error) {
		if c.Exists() {
			return struct{}{}, talix.Reject("it was placed")
		}
		c.Emit(Placed(in))
		return struct{}{}, nil
	})
	reserve := talix.NewCommand(stocks, "reserve", func(c talix.CommandContext[Stock], in items) (struct{}, error) {
		c.Emit(Reserved(in))
		return struct{}{}, nil
	})
	tries := 0
	return talix.Service{Name: "shop", Components: talix.Components{
		orders, stocks, place, reserve,
		talix.OnHTTP("POST /orders/{id}", func(ctx talix.ActionContext, in order) (struct{}, error) {
			if _, err := talix.Step(ctx, "price", func(context.Context) (int, error) { return 7, nil }); err != nil {
				return struct{}{}, err
			}
			return talix.Run(ctx, place, in.ID, in.items)
		}),
		talix.OnEvent("reserve-on-order", func(ctx talix.ActionContext, e talix.Recorded[Placed]) error {
			if tries++; tries == 1 {
				return errors.New("the warehouse does not answer")
			}
			_, err := talix.Run(ctx, reserve, "all", items(e.Data))
			return err
		}),
		talix.PublishEvent("tell-warehouse", "reservations", func(e talix.Recorded[Reserved]) (Reserved, bool) { return e.Data, true }),
		talix.OnMessage("hear", "reservations", func(talix.ActionContext, talix.Message[Reserved]) error { return nil }),
	}}
}

// traced runs a shop with the plugin, and keeps the spans that are exported.
func traced(t *testing.T, c otel.Config, sampler sdktrace.Sampler) (http.Handler, *tracetest.InMemoryExporter) {
	t.Helper()
	spans := tracetest.NewInMemoryExporter()
	c.TracerProvider = sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans), sdktrace.WithSampler(sampler))
	plugin, err := otel.New(c)
	if err != nil {
		t.Fatal(err)
	}
	s := memory.New(memory.Config{})
	t.Cleanup(func() { s.Close() })
	rt, err := runtime.New(t.Context(), runtime.Config{
		Store: s, Brokers: map[string]broker.Broker{"": brokermemory.New(brokermemory.Config{})},
		Parts: []talix.Part{talix.Use(plugin), shop()}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	rt.Start()
	t.Cleanup(rt.Stop)
	return rt.Handler(), spans
}

func post(h http.Handler, path, body, traceparent string) int {
	r := httptest.NewRequest(http.MethodPost, path, io.NopCloser(strings.NewReader(body)))
	r.Header.Set("Content-Type", "application/json")
	if traceparent != "" {
		r.Header.Set("Traceparent", traceparent)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}
