package project

import "github.com/talix-dev/talix/store"

// batch is what one transaction takes.
type batch struct {
	jobs []job
	to   store.Position // where the mark goes
}

// job is one event that the view takes.
type job struct {
	event *store.Event
	data  any // shared with others, if they take it too
	take  *take
}

// decode fills the batch with the events after a position that the view takes,
// up to one that can't be decoded, which it returns.
func (b *batch) decode(v *view, shared *shared, after store.Position, events []*store.Event) *Poison {
	b.jobs, b.to = b.jobs[:0], after
	for _, e := range events {
		t := v.takes[e.Type]
		if t != nil && t.entity == e.Stream.Type {
			data, err := t.read(shared, e)
			if err != nil {
				return &Poison{View: v.schema.Name, Event: e, Err: err, job: len(b.jobs)}
			}
			b.jobs = append(b.jobs, job{e, data, t})
		}
		b.to = e.Position
	}
	return nil
}

// before shortens the batch to what comes before an event.
func (b *batch) before(p *Poison) {
	clear(b.jobs[p.job:])
	b.jobs = b.jobs[:p.job]
	b.to = p.Event.Position - 1
}

// free lets go of the events.
func (b *batch) free() { clear(b.jobs) }
