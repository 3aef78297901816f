package work

import "sync"

// pool says which items may run now. Each action has slots of its own, so that
// one that is stuck holds up no other, and a short queue of items that wait for
// one; what does not fit is refused, and stays in the store until the action
// has room again.
type pool struct {
	parallel, most int

	mu      sync.Mutex
	lanes   map[string]*lane // by action
	running int
	queued  int
}

// lane is what the pool knows of an action.
type lane struct {
	running int
	queue   []*task
	refused map[*part]struct{} // who has more of it
}

// answer is what the pool says to a task.
type answer uint8

const (
	started answer = iota // the caller runs it, and asks for the next
	queued                // who runs another one of the action will run it
	refused               // the part is told when there is room again
)

func (p *pool) offer(t *task) answer {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.lanes[t.action]
	if l == nil {
		l = &lane{refused: map[*part]struct{}{}}
		p.lanes[t.action] = l
	}
	switch {
	case l.running == 0 || l.running < p.parallel && p.running < p.most/2:
		l.running++
		p.running++
		return started
	case l.running == p.parallel && len(l.queue) < p.length() && p.queued < p.most/2:
		l.queue = append(l.queue, t)
		p.queued++
		return queued
	}
	l.refused[t.part] = struct{}{}
	return refused
}

// size is how many tasks run or wait.
func (p *pool) size() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.running + p.queued
}

// length is that of a lane's queue.
func (p *pool) length() int { return max(256, p.parallel) }

// next gives the slot of a task that ended to the next one of its action, if
// one waits.
func (p *pool) next(t *task) *task {
	next, room := p.release(t)
	for part := range room {
		part.reopen(t.action)
	}
	return next
}

func (p *pool) release(t *task) (next *task, room map[*part]struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.lanes[t.action]
	if len(l.queue) > 0 {
		next, l.queue[0] = l.queue[0], nil
		l.queue = l.queue[1:]
		p.queued--
	} else {
		l.running--
		p.running--
	}
	if len(l.queue) <= p.length()/2 && len(l.refused) > 0 {
		room, l.refused = l.refused, map[*part]struct{}{}
	}
	if l.running == 0 && len(l.queue) == 0 && len(room) == 0 {
		delete(p.lanes, t.action)
	}
	return next, room
}
