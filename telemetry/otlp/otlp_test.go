package otlp_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/telemetry/otel"
	"github.com/talix-dev/talix/telemetry/otlp"
)

// collector is what exporters send to.
type collector struct {
	mu  sync.Mutex
	got map[string][]byte // by path
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got[r.URL.Path] = append(c.got[r.URL.Path], data...)
}

// tell reports one command to a plugin over an exporter, which is then closed.
func tell(t *testing.T, c otlp.Config) {
	t.Helper()
	e, err := otlp.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	p, err := otel.New(otel.Config{TracerProvider: e.Traces, MeterProvider: e.Metrics})
	if err != nil {
		t.Fatal(err)
	}
	op := talix.Operation{Kind: talix.KindCommand, Service: "shop", Name: "order.place"}
	p.Report(p.Begin(t.Context(), op), talix.Report{Operation: op, Events: 1})
	if err := e.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestExport(t *testing.T) { //nolint:paralleltest // the exporters read the environment
	c := &collector{got: map[string][]byte{}}
	server := httptest.NewServer(c)
	defer server.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	t.Setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
	tell(t, otlp.Config{Service: "a shop", Version: "7"})
	c.mu.Lock()
	defer c.mu.Unlock()
	for path, want := range map[string]string{"/v1/traces": "command order.place", "/v1/metrics": "talix.operation.duration"} {
		if got := c.got[path]; !bytes.Contains(got, []byte(want)) || !bytes.Contains(got, []byte("a shop")) {
			t.Errorf("%s got %q", path, got)
		}
	}
}

// Without an endpoint nothing is exported, and nothing listens for nothing.
func TestNoEndpoint(t *testing.T) {
	t.Parallel()
	tell(t, otlp.Config{Getenv: func(string) string { return "" }})
	disabled := map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "true"}
	tell(t, otlp.Config{Getenv: func(name string) string { return disabled[name] }})
}

func Example() {
	ctx := context.Background()
	exporter, err := otlp.Open(ctx, otlp.Config{Service: "shop"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer exporter.Close(ctx)
	plugin, err := otel.New(otel.Config{TracerProvider: exporter.Traces, MeterProvider: exporter.Metrics})
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = talix.Use(plugin) // among the parts of the program
	fmt.Println(plugin.Name())
	// Output: otel
}
