package project

import (
	"sync"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// batch is what one transaction takes.
type batch struct {
	jobs []job
	to   store.Position // where the mark goes
}

// job is one event that the view takes.
type job struct {
	event *store.Event
	facts registry.Facts // whose data is shared with others, if they take it too
	err   error
	take  *take // of the facts, as far as that is known before they are read
}

// fill takes the events that the view takes.
func (b *batch) fill(v *view, after store.Position, events []*store.Event) {
	b.jobs, b.to = b.jobs[:0], after
	for _, e := range events {
		if t := v.takeOf(e); t != nil {
			b.jobs = append(b.jobs, job{event: e, take: t})
		}
		b.to = e.Position
	}
}

// decode reads the events' data.
func (b *batch) decode(s *shared) {
	for i := range b.jobs {
		j := &b.jobs[i]
		if j.take.bare {
			continue
		}
		if j.take.shared && s != nil {
			j.facts, j.err = s.decode(j.take, j.event)
		} else {
			j.facts, j.err = decode(j.take, j.event)
		}
	}
}

// decodeWith does it in several goroutines.
func (b *batch) decodeWith(workers int) {
	var wg sync.WaitGroup
	n := (len(b.jobs) + workers - 1) / workers
	for from := 0; from < len(b.jobs); from += n {
		part := batch{jobs: b.jobs[from:min(from+n, len(b.jobs))]}
		wg.Go(func() { part.decode(nil) })
	}
	wg.Wait()
}

// before shortens the batch to what comes before a job.
func (b *batch) before(i int) {
	b.to = b.jobs[i].event.Position - 1
	clear(b.jobs[i:])
	b.jobs = b.jobs[:i]
}

// free lets go of the events.
func (b *batch) free() {
	clear(b.jobs)
	b.jobs = b.jobs[:0]
}
