// Package meter keeps what a console shows of the present: how often and how
// fast a runtime does what, and what it did last. Its memory is bounded, and a
// report costs no allocation.
package meter

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/talix-dev/talix"
)

// Config says what a Meter keeps. Zero fields take the defaults named.
type Config struct {
	// Records is how many operations are remembered one by one, and Failures
	// how many of those that failed. Default to 4,096 and 256.
	Records, Failures int
	// PerSecond is about how many operations are remembered in a second; where
	// more happens, only those of some correlation ids are, whole. Defaults to
	// 512.
	PerSecond int
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

// maxSeries bounds the operations and callers that are told apart.
const maxSeries = 2048

// Meter is a talix.Reporter: use it with talix.Use. It is for one runtime.
type Meter struct {
	now     func() time.Time
	made    time.Time
	recent  *ring
	failed  *ring
	sampler sampler
	series  atomic.Pointer[map[Key]*series]
	mu      sync.Mutex // of changes of series
}

var _ talix.Reporter = (*Meter)(nil)

// New makes a Meter.
func New(c Config) *Meter {
	m := &Meter{now: c.Now, recent: newRing(cmp.Or(c.Records, 4096)), failed: newRing(cmp.Or(c.Failures, 256))}
	if m.now == nil {
		m.now = time.Now
	}
	m.made = m.now()
	m.sampler.most = int64(cmp.Or(c.PerSecond, 512))
	m.series.Store(&map[Key]*series{})
	return m
}

// Name implements talix.Plugin.
func (*Meter) Name() string { return "console" }

// Key names what is counted: an operation, by whoever called it; the sum over
// all callers has the Caller AnyCaller, and the one over all operations of a
// kind no Name besides.
type Key struct {
	Kind          talix.Kind
	Service, Name string
	Caller        string // empty: none
}

// AnyCaller is the Caller of sums.
const AnyCaller = "*"

// Report implements talix.Reporter.
func (m *Meter) Report(_ context.Context, r talix.Report) {
	now := m.now()
	if r.Kind != talix.KindStep { // whose names are the users' own, and may be many
		m.of(Key{Kind: r.Kind, Caller: AnyCaller}).add(now, &r)
		m.of(Key{r.Kind, r.Service, r.Name, AnyCaller}).add(now, &r)
		if r.Caller != "" {
			m.of(Key{r.Kind, r.Service, r.Name, r.Caller}).add(now, &r)
		}
	}
	if r.Err != nil {
		m.failed.add(&r)
	}
	if r.Err != nil || m.sampler.takes(now, r.CorrelationID) {
		m.recent.add(&r)
	}
}

// of finds a series, or makes it. Where there are too many, others are counted
// together.
func (m *Meter) of(k Key) *series {
	if s := (*m.series.Load())[k]; s != nil {
		return s
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	all := *m.series.Load()
	if len(all) >= maxSeries {
		k = Key{Kind: k.Kind, Name: "others", Caller: AnyCaller}
	}
	if s := all[k]; s != nil {
		return s
	}
	more := maps.Clone(all)
	more[k] = &series{}
	m.series.Store(&more)
	return more[k]
}

// Stats are the figures of all that was reported, in the order of their keys.
func (m *Meter) Stats() []Stat {
	now := m.now()
	all := *m.series.Load()
	stats := make([]Stat, 0, len(all))
	for k, s := range all {
		stats = append(stats, s.stat(k, now, m.made))
	}
	slices.SortFunc(stats, func(a, b Stat) int { return a.Key.compare(b.Key) })
	return stats
}

func (k Key) compare(o Key) int {
	return cmp.Or(cmp.Compare(k.Kind, o.Kind), cmp.Compare(k.Service, o.Service), cmp.Compare(k.Name, o.Name), cmp.Compare(k.Caller, o.Caller))
}

// Made is since when it counts.
func (m *Meter) Made() time.Time { return m.made }
