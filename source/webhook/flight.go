package webhook

import (
	"context"

	"github.com/talix-dev/talix/source"
)

// flight is a delivery that is being handled.
type flight struct {
	landed  chan struct{}
	problem *problem // read it after landed was closed
}

// once handles a delivery, or waits for the result of the one with the same id
// that is being handled.
func (e *Endpoint) once(ctx context.Context, m source.Message) *problem {
	e.mu.Lock()
	f, flying := e.flights[m.ID]
	if !flying {
		f = &flight{landed: make(chan struct{}), problem: unavailable()}
		e.flights[m.ID] = f
	}
	e.mu.Unlock()
	if flying {
		return f.wait(ctx)
	}
	defer e.land(m.ID, f)
	f.problem = e.spread(ctx, m)
	return f.problem
}

func (f *flight) wait(ctx context.Context) *problem {
	select {
	case <-f.landed:
		return f.problem
	case <-ctx.Done():
		return unavailable()
	}
}

func (e *Endpoint) land(id string, f *flight) {
	e.mu.Lock()
	delete(e.flights, id)
	e.mu.Unlock()
	close(f.landed)
}
