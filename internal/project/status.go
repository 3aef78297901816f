package project

import (
	"fmt"
	"time"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// Status is how far one view is with one partition.
type Status struct {
	View      string
	Partition store.Partition
	// Mark is the position up to which the view has taken events.
	Mark store.Position
	// Head is the position of the last event that is known to be durable.
	Head store.Position
	// Fault is why the view does not go on at present, or nil; it is tried
	// again by itself. It was first seen at Since.
	Fault error
	Since time.Time
	// Stopped tells that Fault is about an event, which is most likely to fail
	// again. It is then a *Poison.
	Stopped bool
	// Parked is how many entities are parked.
	Parked int
	// Making is how far the tables are that are to take the place of those that
	// queries read, or that are filled for the first time; nil if none are.
	Making *Making
}

// Making is how far new tables are with a partition.
type Making struct {
	// First tells that there are no older tables, so that queries wait.
	First bool
	// Start is where the view began, At how far it is.
	Start, At store.Position
	// Rate is how many positions it has passed in a second, since this program
	// began with it; zero if there is nothing to tell yet.
	Rate float64
	// Fault is as in Status.
	Fault   error
	Stopped bool
	// Waits are the names of the processes that read the tables which these are
	// to replace, and have to end before.
	Waits []string
}

func (s *standing) waitsFor(v *view) []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return s.waits
}

// Lag is the number of positions that the view is behind.
func (s Status) Lag() int64 { return max(0, int64(s.Head-s.Mark)) }

// Status tells how far every view is with every partition.
func (p *Projector) Status() []Status {
	var all []Status
	for _, v := range p.views {
		s := v.where()
		for i := range v.shown {
			all = append(all, v.status(s, store.Partition(i)))
		}
	}
	return all
}

func (v *view) status(s *standing, p store.Partition) Status {
	st := v.shown[p].status()
	st.View, st.Partition, st.Head = v.def.Name, p, v.cfg.Tail.Head(p)
	if s == nil {
		return st
	}
	b := s.next
	if b == nil && s.live != nil && !s.live.whole() {
		b = s.live
	}
	if b != nil {
		r := b.parts[p]
		inner := r.progress.status()
		st.Making = &Making{
			First: b.live, Start: r.start, At: store.Position(r.progress.folded.Load()), Rate: r.rate(),
			Fault: inner.Fault, Stopped: inner.Stopped, Waits: s.waitsFor(v),
		}
	}
	return st
}

// rate is how many positions a runner has passed in a second.
func (r *runner) rate() float64 {
	took := r.view.cfg.Now().Sub(r.began).Seconds()
	if took <= 0 {
		return 0
	}
	return float64(store.Position(r.progress.folded.Load())-r.from) / took
}

// Pending is nil if all named tables are made by the present definitions of
// their views, and complete. Otherwise it is a *registry.Fault with the code
// unavailable, that names a view whose tables are not, and how far it is; old
// tells that each of these has complete tables of a former definition, which
// answer meanwhile. Names of no table are passed over.
func (p *Projector) Pending(tables []string) (old bool, pending error) {
	old = true
	for _, name := range tables {
		v := p.find(name)
		if v == nil {
			continue
		}
		former, fault := v.pending()
		if fault != nil {
			pending, old = fault, old && former
		}
	}
	return old && pending != nil, pending
}

func (v *view) pending() (former bool, fault error) {
	s := v.where()
	switch {
	case s == nil:
		return false, registry.Faultf(registry.Unavailable, "it is not known yet where the view %q stands", v.def.Name)
	case s.live == nil && s.next == nil:
		return true, registry.Faultf(registry.Unavailable, "other nodes have a later definition of the view %q", v.def.Name)
	case s.live == nil:
		return true, registry.Faultf(registry.Unavailable, "the view %q is being made anew, as its definition has changed (%s)", v.def.Name, v.progress(s.next))
	case !s.live.whole():
		return false, registry.Faultf(registry.Unavailable, "the view %q is being made for the first time (%s)", v.def.Name, v.progress(s.live))
	}
	return false, nil
}

func (v *view) progress(b *build) string {
	var done, total int64
	for p, r := range b.parts {
		done += r.progress.folded.Load() - int64(r.start)
		total += int64(v.cfg.Tail.Head(store.Partition(p)) - r.start)
	}
	return fmt.Sprintf("%d of %d events are taken", done, max(done, total))
}
