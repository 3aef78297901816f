package load

import (
	"sync"
	"time"
)

// Pauses are the longest times between two answers that the same prober got.
// Its methods may be called from many goroutines.
type Pauses struct {
	mu      sync.Mutex
	last    []time.Time // by prober
	longest time.Duration
}

func newPauses(probers int) *Pauses {
	p := &Pauses{last: make([]time.Time, probers)}
	for i := range p.last {
		p.last[i] = time.Now()
	}
	return p
}

func (p *Pauses) answered(prober int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.longest = max(p.longest, now.Sub(p.last[prober]))
	p.last[prober] = now
}

// Take is the longest pause since Take was last called, those that still last
// included.
func (p *Pauses) Take() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	longest := p.longest
	for _, last := range p.last {
		longest = max(longest, time.Since(last))
	}
	p.longest = 0
	return longest
}

// Since tells whether every prober was answered after a moment.
func (p *Pauses) Since(moment time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, last := range p.last {
		if last.Before(moment) {
			return false
		}
	}
	return true
}
