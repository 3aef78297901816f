package postgres

import (
	"context"
	"sync"
)

// pool lends links to as many callers at a time as it has places.
type pool struct {
	dialer *dialer
	places chan struct{}

	mu   sync.Mutex
	idle []*link // the last one used is the first to be used again
}

func newPool(d *dialer, size int) *pool {
	return &pool{dialer: d, places: make(chan struct{}, size)}
}

// get waits for a place; put gives it back.
func (p *pool) get(ctx context.Context) (*link, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case p.places <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.idle); n > 0 {
		l := p.idle[n-1]
		p.idle = p.idle[:n-1]
		return l, nil
	}
	return &link{dialer: p.dialer}, nil
}

func (p *pool) put(l *link) {
	p.mu.Lock()
	p.idle = append(p.idle, l)
	p.mu.Unlock()
	<-p.places
}

// close ends the connections; all must have been put back.
func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.idle {
		l.drop()
	}
	p.idle = nil
}
