package entity

import (
	"slices"
	"time"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// Timers makes the changes that set the timers of commands.
type Timers interface {
	// Set and Clear make the changes of records that set or remove a timer of
	// the call's entity; the same records for the same timer.
	Set(call *Call, t *registry.Timer, key string, when time.Time, in []byte) []store.Change
	Clear(call *Call, t *registry.Timer, key string) []store.Change
	// ClearAll makes the changes that remove all timers of an entity.
	ClearAll(s store.Stream) []store.Change
	// Wake tells that changes are durable.
	Wake(p store.Partition, changes []store.Change)
}

// Schedule sets a timer together with the turn's events.
func (t *turn) Schedule(timer *registry.Timer, key string, when time.Time, in []byte) {
	t.arm(t.engine.timers().Set(t.call, timer, key, when.UTC().Truncate(time.Microsecond), in))
}

// Unschedule removes a timer together with the turn's events.
func (t *turn) Unschedule(timer *registry.Timer, key string) {
	t.arm(t.engine.timers().Clear(t.call, timer, key))
}

// arm adds changes; the last ones of a timer stand.
func (t *turn) arm(changes []store.Change) {
	for _, c := range changes {
		t.timers = slices.DeleteFunc(t.timers, func(o store.Change) bool { return o.Space == c.Space && o.Key == c.Key })
		t.timers = append(t.timers, c)
	}
}

func (g *Engine) timers() Timers {
	if g.cfg.Timers == nil {
		panic("the store of this runtime keeps no timers: use one that is a store.Keeper")
	}
	return g.cfg.Timers
}

// armed tells of a turn's timers, which are durable.
func (t *turn) armed() {
	if len(t.timers) > 0 {
		t.engine.cfg.Timers.Wake(t.live.partition, t.timers)
	}
}
