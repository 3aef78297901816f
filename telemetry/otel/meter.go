package otel

import (
	"context"
	"errors"
	"maps"
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
	known    atomic.Pointer[map[key]*series] // replaced by a longer one
	grow     sync.Mutex
}

// series is what is kept of a key, as it is dear to make. Events are counted
// here, and observed when someone collects them: that costs least.
type series struct {
	span    string // the name of its spans
	set     metric.MeasurementOption
	options []metric.RecordOption // set alone
	events  atomic.Int64
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
	all.known.Store(&map[key]*series{})
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
		m.requests.Record(ctx, r.Duration.Seconds(), s.options...)
		return
	}
	m.duration.Record(ctx, r.Duration.Seconds(), s.options...)
	if r.Events > 0 && r.Err == nil && (r.Kind == talix.KindCommand || r.Kind == talix.KindView) {
		s.events.Add(int64(r.Events))
	}
}

// observe tells how many events there were.
func (m *meters) observe(_ context.Context, o metric.Int64Observer) error {
	for _, s := range *m.known.Load() {
		if n := s.events.Load(); n > 0 {
			o.Observe(n, s.set)
		}
	}
	return nil
}

func (m *meters) of(r *talix.Report) *series {
	k := key{kind: r.Kind, service: r.Service, name: r.Name, status: r.Status}
	if r.Err != nil {
		k.outcome = codeOf(r.Err)
	}
	return m.find(k)
}

// find finds what is kept of a key. There are few of them, and soon no new ones.
func (m *meters) find(k key) *series {
	if s := (*m.known.Load())[k]; s != nil {
		return s
	}
	m.grow.Lock()
	defer m.grow.Unlock()
	all := maps.Clone(*m.known.Load())
	if s := all[k]; s != nil {
		return s
	}
	set := metric.WithAttributeSet(k.attributes())
	all[k] = &series{span: nameOf(k.kind, k.name), set: set, options: []metric.RecordOption{set}}
	m.known.Store(&all)
	return all[k]
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
