package otel

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/talix-dev/talix"
)

// meters are the instruments.
type meters struct {
	duration metric.Float64Histogram
	requests metric.Float64Histogram
	series   sync.Map // of key: *series
}

// series is what is kept of a key. Events are counted here, and observed when
// someone collects them: that costs least.
type series struct {
	set    metric.MeasurementOption // which is dear to make
	events atomic.Int64
}

// key is what is told apart. Its values are names of definitions and codes.
type key struct {
	kind          talix.Kind
	service, name string
	outcome       talix.Code
	status        int
}

func newMeters(m metric.Meter) (*meters, error) {
	bounds := metric.WithExplicitBucketBoundaries(.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10)
	duration, err := m.Float64Histogram("talix.operation.duration", metric.WithUnit("s"), bounds,
		metric.WithDescription("How long operations took, but for requests and steps."))
	requests, errRequests := m.Float64Histogram("http.server.request.duration", metric.WithUnit("s"), bounds,
		metric.WithDescription("Duration of HTTP server requests."))
	all := &meters{duration: duration, requests: requests}
	_, errEvents := m.Int64ObservableCounter("talix.events", metric.WithUnit("{event}"),
		metric.WithDescription("Events that commands appended, and that views took."), metric.WithInt64Callback(all.observe))
	return all, errors.Join(err, errRequests, errEvents)
}

// add counts an operation.
func (m *meters) add(ctx context.Context, r *talix.Report) {
	if r.Kind == talix.KindStep || r.Waits { // steps may have any number of names
		return
	}
	s := m.of(r)
	if r.Kind == talix.KindRequest {
		m.requests.Record(ctx, r.Duration.Seconds(), s.set)
		return
	}
	m.duration.Record(ctx, r.Duration.Seconds(), s.set)
	if r.Events > 0 && r.Err == nil && (r.Kind == talix.KindCommand || r.Kind == talix.KindView) {
		s.events.Add(int64(r.Events))
	}
}

// observe tells how many events there were.
func (m *meters) observe(_ context.Context, o metric.Int64Observer) error {
	m.series.Range(func(_, known any) bool {
		if s := known.(*series); s.events.Load() > 0 {
			o.Observe(s.events.Load(), s.set)
		}
		return true
	})
	return nil
}

func (m *meters) of(r *talix.Report) *series {
	k := key{kind: r.Kind, service: r.Service, name: r.Name, status: r.Status}
	if r.Err != nil {
		k.outcome = codeOf(r.Err)
	}
	if known, ok := m.series.Load(k); ok {
		return known.(*series)
	}
	made, _ := m.series.LoadOrStore(k, &series{set: metric.WithAttributeSet(k.attributes())})
	return made.(*series)
}

func (k key) attributes() attribute.Set {
	all := []attribute.KeyValue{service.String(k.service)}
	if verb, path, _ := strings.Cut(k.name, " "); k.kind == talix.KindRequest {
		all = append(all, method.String(verb), route.String(path), status.Int(k.status))
	} else {
		all = append(all, kind.String(string(k.kind)), name.String(k.name))
	}
	return attribute.NewSet(text(all, errorType, string(k.outcome))...)
}
