package otel_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/telemetry/otel"
)

func TestMetrics(t *testing.T) {
	t.Parallel()
	reader := metric.NewManualReader()
	p, err := otel.New(otel.Config{MeterProvider: metric.NewMeterProvider(metric.WithReader(reader))})
	if err != nil {
		t.Fatal(err)
	}
	tell := func(kind talix.Kind, name string, r talix.Report) {
		r.Kind, r.Service, r.Name, r.Duration = kind, "shop", name, time.Second
		p.Report(p.Begin(t.Context(), r.Operation), r)
	}
	for range 3 {
		tell(talix.KindCommand, "order.place", talix.Report{Events: 2})
	}
	tell(talix.KindCommand, "order.place", talix.Report{Err: talix.Reject("no")})
	tell(talix.KindAction, "reserve", talix.Report{Err: errors.New("a bug")})
	tell(talix.KindAction, "reserve", talix.Report{Waits: true})
	tell(talix.KindView, "orders", talix.Report{Events: 5})
	tell(talix.KindForward, "order.place", talix.Report{Events: 2}) // its asker counts the events
	tell(talix.KindStep, "price of 17", talix.Report{})
	tell(talix.KindRequest, "POST /orders/{id}", talix.Report{Status: 200})
	var all metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"http.server.request.duration http.request.method=POST http.response.status_code=200 http.route=/orders/{id} talix.service=shop: 1 in 1s",
		"talix.events talix.kind=command talix.name=order.place talix.service=shop: 6",
		"talix.events talix.kind=view talix.name=orders talix.service=shop: 5",
		"talix.operation.duration error.type=internal talix.kind=action talix.name=reserve talix.service=shop: 1 in 1s",
		"talix.operation.duration error.type=rejected talix.kind=command talix.name=order.place talix.service=shop: 1 in 1s",
		"talix.operation.duration talix.kind=command talix.name=order.place talix.service=shop: 3 in 3s",
		"talix.operation.duration talix.kind=forward talix.name=order.place talix.service=shop: 1 in 1s",
		"talix.operation.duration talix.kind=view talix.name=orders talix.service=shop: 1 in 1s",
	}
	if got := points(all); !slices.Equal(got, want) {
		t.Errorf("the metrics are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func points(all metricdata.ResourceMetrics) (lines []string) {
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					lines = append(lines, fmt.Sprintf("%s %s: %d", m.Name, words(p.Attributes.ToSlice()), p.Value))
				}
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					lines = append(lines, fmt.Sprintf("%s %s: %d in %vs", m.Name, words(p.Attributes.ToSlice()), p.Count, p.Sum))
				}
			}
		}
	}
	slices.Sort(lines)
	return lines
}

func words(all []attribute.KeyValue) string {
	var words []string
	for _, a := range all {
		words = append(words, string(a.Key)+"="+a.Value.String())
	}
	return strings.Join(words, " ")
}
