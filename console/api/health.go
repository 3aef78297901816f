package api

import (
	"context"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/console/meter"
	"github.com/talix-dev/talix/runtime"
)

// Health is how a runtime is, at a glance.
type Health struct {
	Time     time.Time `json:"time"`
	Since    time.Time `json:"since"` // when counting began
	Ready    bool      `json:"ready"`
	Reason   string    `json:"reason,omitempty"` // why it is not ready
	Services []string  `json:"services"`
	ReadOnly bool      `json:"readOnly"`

	Live       int   `json:"live"`                 // entities in memory
	LiveBytes  int   `json:"liveBytes"`            // about what they take
	StoreBytes int64 `json:"storeBytes,omitempty"` // zero: not known
	Position   int64 `json:"position"`             // how long the log is, over all partitions
	Partitions int   `json:"partitions"`

	Commands Operation   `json:"commands"` // the sum over all
	Actions  Operation   `json:"actions"`
	Queries  Operation   `json:"queries"`
	Each     []Operation `json:"each"`

	Lags  []Lag  `json:"lags"`
	Views []View `json:"views"`
	Work  Counts `json:"work"`

	Failures []Record `json:"failures"`
}

// Operation is how often and how fast something happens.
type Operation struct {
	Kind            string  `json:"kind"`
	Service         string  `json:"service,omitempty"`
	Name            string  `json:"name,omitempty"`
	Caller          string  `json:"caller,omitempty"`
	Total           int64   `json:"total"`
	Failed          int64   `json:"failed"`
	PerSecond       float64 `json:"perSecond"`
	FailedPerSecond float64 `json:"failedPerSecond"`
	EventsPerSecond float64 `json:"eventsPerSecond,omitempty"`
	// P50 and P99 are about how many seconds half of them took, and all but one
	// in a hundred, over the last minutes.
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	// Counts and Failures are of the last minutes, cell by cell of CellSeconds.
	Counts   []uint32 `json:"counts,omitempty"`
	Failures []uint32 `json:"failures,omitempty"`
}

// CellSeconds is how long a cell of Operation.Counts is.
const CellSeconds = int(meter.CellTime / time.Second)

// Lag is how far an action on events is.
type Lag struct {
	Action  string `json:"action"`
	Lag     int64  `json:"lag"`
	Begun   int    `json:"begun"`
	Lanes   int    `json:"lanes"`
	Skipped int    `json:"skipped"`
}

// Record is one operation that ended.
type Record struct {
	Kind        string        `json:"kind"`
	Service     string        `json:"service,omitempty"`
	Name        string        `json:"name"`
	EntityID    string        `json:"entityId,omitempty"`
	Caller      string        `json:"caller,omitempty"`
	Correlation string        `json:"correlation"`
	Started     time.Time     `json:"started"`
	Duration    time.Duration `json:"durationNanos"`
	Events      int           `json:"events,omitempty"`
	Code        string        `json:"code,omitempty"`
	Error       string        `json:"error,omitempty"`
}

// shownFailures is how many failures Health has.
const shownFailures = 20

// Health tells how the runtime is.
func (a *API) Health(ctx context.Context) Health {
	h := Health{
		Time: a.cfg.Now(), Since: a.meter.Made(), Ready: true, Services: a.catalog.Services, ReadOnly: a.cfg.ReadOnly,
		Partitions: a.catalog.Partitions, StoreBytes: a.storeBytes(ctx), Work: a.counted(ctx), Views: a.viewStatus(),
	}
	if err := a.rt.Ready(); err != nil {
		h.Ready, h.Reason = false, err.Error()
	}
	stats := a.rt.Stats()
	h.Live, h.LiveBytes = stats.Live, stats.Bytes
	for _, p := range a.rt.Log().Head() {
		h.Position += p
	}
	h.operations(a.meter.Stats())
	h.Lags = a.lags()
	for _, r := range a.meter.Failures(shownFailures) {
		h.Failures = append(h.Failures, recordOf(&r))
	}
	return h
}

func (h *Health) operations(stats []meter.Stat) {
	for i := range stats {
		s := &stats[i]
		if s.Caller != meter.AnyCaller {
			continue
		}
		o := operationOf(s)
		switch {
		case s.Name != "":
			h.Each = append(h.Each, o)
		case s.Kind == talix.KindCommand:
			h.Commands = o
		case s.Kind == talix.KindAction:
			h.Actions = o
		case s.Kind == talix.KindQuery:
			h.Queries = o
		}
	}
}

func operationOf(s *meter.Stat) Operation {
	o := Operation{
		Kind: string(s.Kind), Service: s.Service, Name: s.Name, Total: s.Total, Failed: s.Failed,
		PerSecond: s.PerSecond, FailedPerSecond: s.FailedPerSecond, EventsPerSecond: s.EventsPerSecond,
		P50: s.P50.Seconds(), P99: s.P99.Seconds(), Counts: s.Counts[:], Failures: s.Failures[:],
	}
	if s.Caller != meter.AnyCaller {
		o.Caller = s.Caller
	}
	return o
}

func recordOf(r *meter.Record) Record {
	return Record{
		Kind: string(r.Kind), Service: r.Service, Name: r.Name, EntityID: r.EntityID, Caller: r.Caller, Correlation: r.Correlation.String(),
		Started: r.Started, Duration: r.Duration, Events: r.Events, Code: string(r.Code), Error: r.Err,
	}
}

// sizeEvery is how often the size of the stores is looked at.
const sizeEvery = 10 * time.Second

func (a *API) storeBytes(ctx context.Context) int64 {
	if a.cfg.StoreSize == nil {
		return 0
	}
	a.mu.Lock()
	size, old := a.size, a.cfg.Now().Sub(a.sized) >= sizeEvery
	a.mu.Unlock()
	if !old {
		return size
	}
	if now, err := a.cfg.StoreSize(ctx); err == nil {
		size = now
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.size, a.sized = size, a.cfg.Now()
	return size
}

// Counts is how much work that is kept there is, by its status.
type Counts struct {
	Ready   int `json:"ready"`
	Waiting int `json:"waiting"`
	Parked  int `json:"parked"`
	Other   int `json:"other"`
	// More tells that there is more than was counted.
	More bool `json:"more,omitempty"`
	// ViewsParked counts the entities that are parked in views.
	ViewsParked int `json:"viewsParked"`
	// Error is why it could not be counted.
	Error string `json:"error,omitempty"`
}

type workCounts struct {
	Counts
	at time.Time
}

// countEvery is how often work is counted, and countMost how much of it.
const (
	countEvery = 3 * time.Second
	countMost  = 1000
)

func (a *API) counted(ctx context.Context) Counts {
	a.mu.Lock()
	known, now := a.counts, a.cfg.Now()
	a.mu.Unlock()
	if now.Sub(known.at) < countEvery && !known.at.IsZero() {
		return known.Counts
	}
	c := a.count(ctx)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.counts = workCounts{c, now}
	return c
}

// recount forgets what was counted, since something was changed.
func (a *API) recount() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.counts = workCounts{}
}

func (a *API) count(ctx context.Context) (c Counts) {
	items, err := a.rt.Work().List(ctx, runtime.WorkFilter{Max: countMost})
	if err != nil {
		c.Error = err.Error()
	}
	for i := range items {
		switch items[i].Status {
		case "ready":
			c.Ready++
		case "waiting":
			c.Waiting++
		case "parked":
			c.Parked++
		default:
			c.Other++
		}
	}
	c.More = len(items) == countMost
	for _, v := range a.rt.Views().Status() {
		c.ViewsParked += v.Parked
	}
	return c
}
