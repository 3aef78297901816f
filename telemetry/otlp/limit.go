package otlp

import (
	"fmt"
	"sync/atomic"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Limit makes a sampler that takes up to so many new traces a second, on
// average, and up to those of one second at once. So a quiet program is traced
// whole, and a busy one pays for a few traces alone, whatever its load. What
// belongs to a trace, here or of another program, is sampled as the trace is.
// Zero takes none. It does not look at the time of day.
func Limit(perSecond int) sdk.Sampler {
	if perSecond <= 0 {
		return sdk.ParentBased(sdk.NeverSample())
	}
	return sdk.ParentBased(&limit{perSecond: perSecond, every: time.Second / time.Duration(perSecond), started: time.Now().Add(-time.Second)})
}

// limit is a sampler of new traces.
type limit struct {
	perSecond int
	every     time.Duration
	started   time.Time    // a second before, as that one's traces may be taken at once
	spent     atomic.Int64 // until when after started all traces were taken
}

// ShouldSample implements trace.Sampler.
func (l *limit) ShouldSample(p sdk.SamplingParameters) sdk.SamplingResult {
	decision := sdk.Drop
	if l.take() {
		decision = sdk.RecordAndSample
	}
	return sdk.SamplingResult{Decision: decision, Tracestate: trace.SpanContextFromContext(p.ParentContext).TraceState()}
}

// take takes one of the traces that there are, if there is one.
func (l *limit) take() bool {
	now := int64(time.Since(l.started)) // by the clock that does not jump
	for {
		spent := l.spent.Load()
		next := max(spent, now-int64(time.Second)) + int64(l.every)
		if next > now {
			return false
		}
		if l.spent.CompareAndSwap(spent, next) {
			return true
		}
	}
}

// Description implements trace.Sampler.
func (l *limit) Description() string { return fmt.Sprintf("Limit{%d/s}", l.perSecond) }
