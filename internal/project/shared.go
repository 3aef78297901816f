package project

import (
	"sync/atomic"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// shared holds the last decoded events of one partition, so that views which
// take the same events decode them once. An event has one place, where a later
// one replaces it.
type shared struct {
	slots []atomic.Pointer[decoded]
	floor atomic.Int64 // events up to this position are not shared
}

type decoded struct {
	position store.Position
	data     any
}

// newShared has room for two batches: views are seldom further apart.
func newShared(cfg *Config) *shared {
	n := max(64, 2*cfg.Batch/cfg.Tail.Partitions())
	return &shared{slots: make([]atomic.Pointer[decoded], n)}
}

func (s *shared) slot(at store.Position) *atomic.Pointer[decoded] {
	return &s.slots[uint64(at)%uint64(len(s.slots))]
}

// decode decodes an event that several views take.
func (s *shared) decode(t *take, e *store.Event) (registry.Facts, error) {
	if int64(e.Position) <= s.floor.Load() {
		return decode(t, e)
	}
	slot := s.slot(e.Position)
	if d := slot.Load(); d != nil && d.position == e.Position {
		return registry.FactsOf(t.event, d.data, e), nil
	}
	facts, err := decode(t, e)
	if err == nil && !facts.Upcast() { // what was upcast is rare
		slot.Store(&decoded{e.Position, facts.At(0).Data})
	}
	return facts, err
}
