package project

import (
	"sync"

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
	data  any // shared with others, if they take it too
	err   error
	take  *take
}

// fill takes the events that the view takes.
func (b *batch) fill(v *view, after store.Position, events []*store.Event) {
	b.jobs, b.to = b.jobs[:0], after
	for _, e := range events {
		if t := v.takes[e.Type]; t != nil && t.entity == e.Stream.Type {
			b.jobs = append(b.jobs, job{event: e, take: t})
		}
		b.to = e.Position
	}
}

// decode reads the events' data.
func (b *batch) decode(s *shared) {
	for i := range b.jobs {
		j := &b.jobs[i]
		if j.take.shared && s != nil {
			j.data, j.err = s.decode(j.take, j.event)
		} else {
			j.data, j.err = decode(j.take, j.event)
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
