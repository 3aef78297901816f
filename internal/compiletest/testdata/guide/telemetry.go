package guide

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/examples/shop/order"
	"github.com/talix-dev/talix/standalone"
	"github.com/talix-dev/talix/telemetry/log"
	"github.com/talix-dev/talix/telemetry/otel"
	"github.com/talix-dev/talix/telemetry/otlp"
	"github.com/talix-dev/talix/telemetry/prometheus"
)

func main() {
	ctx := context.Background()
	exporter, err := otlp.Open(ctx, otlp.Config{Service: "shop"})
	if err != nil {
		panic(err)
	}
	traces, err := otel.New(otel.Config{TracerProvider: exporter.Traces, MeterProvider: exporter.Metrics})
	if err != nil {
		panic(err)
	}
	metrics, err := prometheus.New(prometheus.Config{})
	if err != nil {
		panic(err)
	}
	app := standalone.New()
	app.Log = slog.New(log.NewHandler(otel.NewHandler(slog.NewJSONHandler(os.Stderr, nil))))
	slog.SetDefault(app.Log)
	err = app.Run(ctx, talix.Use(traces), talix.Use(metrics), talix.Use(log.New(log.Config{})), order.Service)
	err = errors.Join(err, exporter.Close(ctx))
	if err != nil {
		panic(err)
	}
}
