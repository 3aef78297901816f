package snapshot

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// Plan says when snapshots of an entity type are made. A nil Plan makes none.
type Plan struct {
	def         *registry.Entity
	fingerprint string
	every       store.Version // zero or less: no snapshots
	exact       bool          // the definition names the number
	slow        time.Duration
	why         error // why there are none
	loaded      error // why they are made of loaded states only
	told        atomic.Bool
}

// newPlan looks at an entity type.
func newPlan(e *registry.Entity, cfg *Config) *Plan {
	p := &Plan{def: e, fingerprint: Fingerprint(e), every: store.Version(cfg.Every), slow: cfg.Slow}
	if e.SnapshotEvery != 0 {
		p.every, p.exact = store.Version(e.SnapshotEvery), true
	}
	if p.every < 0 {
		p.why = fmt.Errorf("they are switched off")
		return p
	}
	if p.why = Whole(e.State); p.why != nil {
		p.every = 0
		return p
	}
	for _, ev := range e.Events {
		if fault := Exact(ev.Go); fault != nil {
			p.loaded = fmt.Errorf("event %s: %w", ev.Type, fault)
			break
		}
	}
	return p
}

// Every is how many events lie between two snapshots; zero: there are none.
func (p *Plan) Every() int {
	if p == nil {
		return 0
	}
	return max(0, int(p.every))
}

// None says why there are no snapshots, or nil.
func (p *Plan) None() error { return p.why }

// OnlyLoaded says why snapshots are made only of states that were loaded, or
// nil: what an event is before it was stored may not be what it is after.
func (p *Plan) OnlyLoaded() error { return p.loaded }

// Share is how many bytes of snapshots may be written for each event, where
// the definition names no number: larger states have them further apart.
const share = 256

// Due tells whether the state of a live entity is due for a snapshot, when the
// last one is of the version given. Size is about that of the state in bytes.
func (p *Plan) Due(last, now store.Version, size int) bool {
	return p != nil && p.loaded == nil && p.far(last, now, size)
}

func (p *Plan) far(last, now store.Version, size int) bool {
	if p.every <= 0 {
		return false
	}
	every := p.every
	if !p.exact {
		every = max(every, store.Version(size/share))
	}
	return now-last >= every
}

// fewest is how many events a slow load must have read, so that a snapshot
// would have helped.
const fewest = 8

// DueLoaded is Due for a state that was just loaded on top of the last
// snapshot, and how long that took.
func (p *Plan) DueLoaded(last, now store.Version, size int, took time.Duration) bool {
	return p != nil && p.every > 0 && (p.far(last, now, size) || p.Slow(took) && now-last >= fewest)
}

// Slow tells whether a load that takes so long needs a snapshot.
func (p *Plan) Slow(took time.Duration) bool { return p != nil && p.every > 0 && took >= p.slow }
