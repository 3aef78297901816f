package cluster

import (
	"sync"
	"time"
)

// term is until when the node may serve what it owns. It ends by the node's own
// clock before the lease ends by the store's: it is reckoned from the moment
// before the beat was sent, and a tenth is left for clocks that do not run at
// the same rate.
type term struct {
	lease   time.Duration
	endless bool

	mu    sync.RWMutex
	until time.Time
	// number grows each time that the term has ended before it was renewed:
	// others may have claimed anything meanwhile.
	number int
}

// holds tells whether the term has not ended. Both clocks are asked: that which
// only runs may stand still while a machine is asleep, the other one may be set.
func (t *term) holds() bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.endless && t.number > 0 || t.runs()
}

func (t *term) runs() bool {
	now := time.Now()
	return now.Before(t.until) && now.Round(0).Before(t.until.Round(0))
}

// renew takes in that a beat which was sent at a moment was answered just now.
// False: the term had ended, and is not renewed.
func (t *term) renew(sent time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.runs() {
		return false
	}
	t.until = sent.Add(t.lease - t.lease/10)
	return true
}

// begin begins another term.
func (t *term) begin(sent time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.until = sent.Add(t.lease - t.lease/10)
	t.number++
}

// current is the number of the term, if it holds.
func (t *term) current() (number int, ok bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.number, t.runs()
}
