package project

import (
	"context"

	"github.com/talix-dev/talix/store"
)

// What was erased stands in tables that were made before, and so in those of
// every view that takes events with such data: a view is made anew, and the
// tables that it had are dropped. A build remembers the number of the last
// erasure before it took its first event.

// Forget drops decoded events, which may have what was erased. Events that are in
// the log by now are not shared any more.
func (p *Projector) Forget() {
	for _, v := range p.views {
		for i, s := range v.shared {
			s.forget(p.cfg.Tail.Head(store.Partition(i)))
		}
	}
}

func (s *shared) forget(upTo store.Position) {
	s.floor.Store(int64(upTo))
	for i := range s.slots {
		s.slots[i].Store(nil)
	}
}

// began notes, of a build that has not taken an event, which erasures it need
// not fear.
func (b *build) began(ctx context.Context, marks []store.Position) error {
	cfg := b.view.cfg
	if cfg.Erasure == nil {
		return nil
	}
	for _, mark := range marks {
		if mark > 0 {
			return nil
		}
	}
	last := cfg.Erasure()
	if last == b.state.Erasure {
		return nil
	}
	return b.note(ctx, func(st *state) { st.Erasure = last })
}

// Stale are the views whose tables were begun before an erasure, among those
// that of accepts by name. What is not known yet is stale.
func (p *Projector) Stale(erasure int64, of func(view string) bool) (names []string) {
	for _, v := range p.views {
		if of(v.def.Name) && v.stale(erasure) {
			names = append(names, v.def.Name)
		}
	}
	return names
}

func (v *view) stale(erasure int64) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.stood == nil || v.stood.live == nil || v.stood.live.state.Erasure < erasure
}
