package postgres

import (
	"context"
	"sync"
	"time"
)

// pool lends links to as many callers at a time as it has places.
type pool struct {
	dialer *dialer
	places chan struct{}
	// patience is how long a caller of get waits for a place before it gets a
	// link beyond them: a query inside another one's loop must not wait for ever.
	// Zero: for ever.
	patience time.Duration

	mu   sync.Mutex
	idle []*link // the last one used is the first to be used again
}

func newPool(d *dialer, size int) *pool {
	return &pool{dialer: d, places: make(chan struct{}, size)}
}

// get waits for a place; put gives it back.
func (p *pool) get(ctx context.Context) (*link, error) { return p.within(ctx, p.patience) }

// within is get with another patience.
func (p *pool) within(ctx context.Context, patience time.Duration) (*link, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if extra, err := p.wait(ctx, patience); extra || err != nil {
		return &link{dialer: p.dialer, extra: true}, err
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

// wait is true if there was no place for too long.
func (p *pool) wait(ctx context.Context, patience time.Duration) (extra bool, err error) {
	var enough <-chan time.Time
	if patience > 0 {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		enough = timer.C
	}
	select {
	case p.places <- struct{}{}:
		return false, nil
	case <-enough:
		return true, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

func (p *pool) put(l *link) {
	if l.extra {
		l.drop()
		return
	}
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
