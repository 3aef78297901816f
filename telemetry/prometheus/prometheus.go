// Package prometheus counts what a runtime does, for Prometheus to scrape.
//
//	plugin, err := prometheus.New(prometheus.Config{})
//	standalone.Main(talix.Use(plugin), shop.Service) // serves /metrics on the admin listener
package prometheus

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/runtime"
)

// Config says what is counted how. Zero fields take the defaults named.
type Config struct {
	// Registry gets the metrics. Defaults to one of the plugin's own, which has
	// those of the process and of the Go runtime too.
	Registry *prometheus.Registry
	// Buckets are the upper bounds, in seconds, by which durations are told
	// apart. Default to 0.25 ms, four times as long, and so on, up to 16 s.
	Buckets []float64
}

// Plugin is a talix.Observer: use it with talix.Use. It is for one runtime.
// Labels are the names of definitions and codes of errors, so that there is a
// bounded number of them; steps, whose names are free, are not counted.
type Plugin struct {
	registry *prometheus.Registry
	duration *prometheus.HistogramVec
	requests *prometheus.HistogramVec
	failures *prometheus.CounterVec
	events   *prometheus.CounterVec
	retries  *prometheus.CounterVec
	known    sync.Map // of key: meters
}

var (
	_ talix.Observer = (*Plugin)(nil)
	_ talix.Retrier  = (*Plugin)(nil)
	_ runtime.Page   = (*Plugin)(nil)
)

// New makes a Plugin. An error means that the Registry has metrics of the same
// names already.
func New(c Config) (*Plugin, error) {
	p := &Plugin{registry: c.Registry}
	if c.Buckets == nil {
		c.Buckets = prometheus.ExponentialBuckets(0.00025, 4, 9)
	}
	p.instruments(c.Buckets)
	all := []prometheus.Collector{p.duration, p.requests, p.failures, p.events, p.retries}
	if p.registry == nil {
		p.registry = prometheus.NewRegistry()
		all = append(all, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	}
	var errs []error
	for _, m := range all {
		errs = append(errs, p.registry.Register(m))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	return p, nil
}

func (p *Plugin) instruments(buckets []float64) {
	histogram := func(name, help string, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	p.duration = histogram("talix_operation_duration_seconds", "How long operations took, but for requests and steps.", "kind", "service", "name")
	p.requests = histogram("talix_http_request_duration_seconds", "How long requests to actions and queries took.", "method", "route", "status")
	p.failures = counter("talix_operation_failures_total", "Operations that failed or were refused, by the code of the error.", "kind", "service", "name", "code")
	p.events = counter("talix_events_total", "Events that commands appended, and that views took.", "kind", "service", "name")
	p.retries = counter("talix_command_retries_total", "Attempts at commands that were followed by another one.", "service", "name", "reason")
}

// Name implements talix.Plugin.
func (*Plugin) Name() string { return "prometheus" }

// Begin implements talix.Observer.
func (*Plugin) Begin(ctx context.Context, _ talix.Operation) context.Context { return ctx }

// Carry implements talix.Observer.
func (*Plugin) Carry(context.Context, func(name, value string)) {}

// key is an operation whose metrics are found once.
type key struct {
	kind          talix.Kind
	service, name string
}

type meters struct {
	duration prometheus.Observer
	events   prometheus.Counter
}

// Report implements talix.Reporter.
func (p *Plugin) Report(_ context.Context, r talix.Report) {
	if r.Kind == talix.KindStep || r.Waits {
		return
	}
	if r.Kind == talix.KindRequest {
		method, route, _ := strings.Cut(r.Name, " ")
		p.requests.WithLabelValues(method, route, strconv.Itoa(r.Status)).Observe(r.Duration.Seconds())
		return
	}
	m := p.meters(key{r.Kind, r.Service, r.Name})
	m.duration.Observe(r.Duration.Seconds())
	switch {
	case r.Err != nil:
		p.failures.WithLabelValues(string(r.Kind), r.Service, r.Name, string(codeOf(r.Err))).Inc()
	case m.events != nil:
		m.events.Add(float64(r.Events))
	}
}

// meters finds the metrics of an operation. Events are counted where they came
// to be, and not again where a command is forwarded or an event published.
func (p *Plugin) meters(k key) meters {
	if known, ok := p.known.Load(k); ok {
		return known.(meters)
	}
	m := meters{duration: p.duration.WithLabelValues(string(k.kind), k.service, k.name)}
	if k.kind == talix.KindCommand || k.kind == talix.KindView {
		m.events = p.events.WithLabelValues(string(k.kind), k.service, k.name)
	}
	p.known.Store(k, m)
	return m
}

func codeOf(err error) talix.Code {
	if e, ok := errors.AsType[*talix.Error](err); ok {
		return e.Code
	}
	return talix.CodeInternal
}

// Retrying implements talix.Retrier.
func (p *Plugin) Retrying(_ context.Context, op talix.Operation, r talix.Retry) {
	p.retries.WithLabelValues(op.Service, op.Name, string(r.Reason)).Inc()
}

// Handler answers a scrape, in the text format or that of OpenMetrics.
func (p *Plugin) Handler() http.Handler {
	return promhttp.HandlerFor(p.registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
}

// Page implements runtime.Page: /metrics, with how far the runtime's views and
// actions are.
func (p *Plugin) Page(rt *runtime.Runtime) (pattern string, h http.Handler, err error) {
	if err := p.registry.Register(newGauges(rt)); err != nil {
		return "", nil, fmt.Errorf("register metrics of the runtime: %w: make a plugin for each runtime", err)
	}
	return "GET /metrics", p.Handler(), nil
}
