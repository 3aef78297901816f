package prometheus

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/talix-dev/talix/runtime"
)

// gauges tell how a runtime stands at the time of a scrape.
type gauges struct {
	rt                                           *runtime.Runtime
	ready, live, bytes                           *prometheus.Desc
	actionLag, actionBegun, actionLanes, givenUp *prometheus.Desc
	viewLag, viewParked, viewFaulty              *prometheus.Desc
}

var _ prometheus.Collector = (*gauges)(nil)

func newGauges(rt *runtime.Runtime) *gauges {
	one := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return &gauges{
		rt:          rt,
		ready:       one("talix_ready", "Whether the runtime takes work: 1 or 0."),
		live:        one("talix_live_entities", "Entities in memory."),
		bytes:       one("talix_live_bytes", "About what the entities in memory take."),
		actionLag:   one("talix_action_lag", "Positions of the log that an action on events has not done.", "action"),
		actionBegun: one("talix_action_begun", "Events that an action has begun.", "action"),
		actionLanes: one("talix_action_lanes", "Entities at whose events an action failed or waits.", "action"),
		givenUp:     one("talix_action_skipped_total", "Events that were given up since the start.", "action"),
		viewLag:     one("talix_view_lag", "Positions of the log that a view has not taken.", "view"),
		viewParked:  one("talix_view_parked", "Entities that a view has parked.", "view"),
		viewFaulty:  one("talix_view_faulty", "Whether a view does not go on at present: 1 or 0.", "view"),
	}
}

// Describe implements prometheus.Collector.
func (g *gauges) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		g.ready, g.live, g.bytes, g.actionLag, g.actionBegun, g.actionLanes, g.givenUp, g.viewLag, g.viewParked, g.viewFaulty,
	} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (g *gauges) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	stats := g.rt.Stats()
	gauge(g.ready, flag(g.rt.Ready() == nil))
	gauge(g.live, float64(stats.Live))
	gauge(g.bytes, float64(stats.Bytes))
	for _, l := range g.rt.Lags() {
		gauge(g.actionLag, float64(l.Lag), l.Action)
		gauge(g.actionBegun, float64(l.Begun), l.Action)
		gauge(g.actionLanes, float64(l.Lanes), l.Action)
		to <- prometheus.MustNewConstMetric(g.givenUp, prometheus.CounterValue, float64(l.Skipped), l.Action)
	}
	for _, v := range g.rt.Views().Status() {
		gauge(g.viewLag, float64(v.Lag), v.Name)
		gauge(g.viewParked, float64(v.Parked), v.Name)
		gauge(g.viewFaulty, flag(v.Fault != nil), v.Name)
	}
}

func flag(set bool) float64 {
	if set {
		return 1
	}
	return 0
}
