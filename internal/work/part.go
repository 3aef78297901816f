package work

import (
	"context"
	"sync"
	"time"

	"github.com/talix-dev/talix/store"
)

// part finds what is due in one partition.
type part struct {
	*Runner
	number store.Partition
	wake   chan struct{} // holds one if there is news

	mu      sync.Mutex
	news    news
	flight  map[string]*task    // what runs or is about to, by id
	ended   map[string]store.ID // what has left flight since the page was asked for, with the revision that ran
	left    map[string]store.ID // what had a nil verdict, with its revision then
	crashed map[string]crash    // what is run again after a pause
	begin   func(*task)         // runs a task that has a slot; nil unless it is served

	work sync.WaitGroup
	scan scan // of the loop alone
}

// news is what the loop was told since it looked last.
type news struct {
	due  time.Time           // the earliest at which something was written; zero: nothing was
	room map[string]struct{} // actions that have room again
}

// crash is an item whose run panicked.
type crash struct {
	rev   store.ID
	due   time.Time
	until time.Time // when it is run again
	times int
	// waiting: until is not over.
	waiting bool
}

func newPart(r *Runner, p store.Partition) *part {
	return &part{
		Runner: r, number: p, wake: make(chan struct{}, 1),
		flight: map[string]*task{}, ended: map[string]store.ID{}, left: map[string]store.ID{}, crashed: map[string]crash{},
		scan: scan{held: map[string]store.Record{}, open: map[string]store.Record{}},
	}
}

// run runs what is due until ctx ends, and returns when nothing is under way.
func (p *part) run(ctx context.Context) {
	p.setBegin(func(t *task) { p.work.Go(func() { p.perform(ctx, t) }) })
	p.loop(ctx)
	p.setBegin(nil)
	p.work.Wait()
}

func (p *part) setBegin(begin func(*task)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.begin = begin
}

// start runs a task that has a slot; false if the partition is not served any
// more.
func (p *part) start(t *task) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.begin == nil {
		return false
	}
	p.begin(t)
	return true
}

// tell tells that something was written that is due at that time.
func (p *part) tell(due time.Time) {
	p.mu.Lock()
	p.news.due = earliest(p.news.due, due)
	p.mu.Unlock()
	p.poke()
}

// reopen tells that an action has room again.
func (p *part) reopen(action string) {
	p.mu.Lock()
	if p.news.room == nil {
		p.news.room = map[string]struct{}{}
	}
	p.news.room[action] = struct{}{}
	p.mu.Unlock()
	p.poke()
}

func (p *part) poke() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// earliest is the earlier of two times, of which zero is none.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// loop looks for what is due until ctx ends.
func (p *part) loop(ctx context.Context) {
	failures := 0
	p.scan.looked, p.scan.again = time.Now(), true
	for ctx.Err() == nil {
		if err := p.round(ctx); err != nil {
			p.reading.failed(ctx, "look for due work", err)
			pause(ctx, failures)
			failures++
			continue
		}
		failures = 0
		p.sleep(ctx)
	}
}

// sleep waits until there is news or something may be due. The clock is asked
// often, since it may be set.
func (p *part) sleep(ctx context.Context) {
	d := time.Duration(-1)
	if next := p.soonest(); !next.IsZero() {
		d = min(p.cfg.Poll, max(0, next.Sub(p.cfg.Now())))
	}
	if p.cfg.Look > 0 {
		if look := max(0, time.Until(p.scan.looked.Add(p.cfg.Look))); d < 0 || look < d {
			d = look
		}
	}
	var timer <-chan time.Time
	if d >= 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-p.wake:
	case <-timer:
	case <-ctx.Done():
	}
}

// soonest is when something is due next, or to be run again.
func (p *part) soonest() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	next := p.scan.next
	for _, c := range p.crashed {
		if c.waiting {
			next = earliest(next, c.until)
		}
	}
	return next
}

// collect takes the news, and when what is to be run again after a crash was
// due.
func (p *part) collect(now time.Time) (news, []time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.news
	p.news = news{}
	var again []time.Time
	for id, c := range p.crashed {
		if c.waiting && !c.until.After(now) {
			c.waiting = false
			p.crashed[id] = c
			again = append(again, c.due)
		}
	}
	return n, again
}

// admit makes the task of a record that was read, unless it is not to be run
// now.
func (p *part) admit(rec *store.Record, action string) (*task, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.flight[rec.Key]; t != nil {
		if t.rev != rec.Rev {
			t.again = earliest(t.again, rec.Due)
		}
		return nil, false
	}
	if rev, ended := p.ended[rec.Key]; ended {
		if rev != rec.Rev { // it was written since, or the page is older than that
			p.news.due = earliest(p.news.due, rec.Due)
			p.poke()
		}
		return nil, false
	}
	c := p.crashed[rec.Key]
	if p.left[rec.Key] == rec.Rev || c.rev == rec.Rev && c.waiting {
		return nil, false
	}
	if c.rev != rec.Rev {
		c.times = 0
	}
	t := &task{part: p, id: rec.Key, rev: rec.Rev, due: rec.Due, action: action, crashes: c.times}
	p.flight[rec.Key] = t
	return t, true
}

// dismiss takes back a task for which there is no room.
func (p *part) dismiss(t *task) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.flight, t.id)
}

// adopt notes which revision of an item is run.
func (p *part) adopt(t *task, item *Item) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t.rev, t.due = item.Rev, item.Due
}

// turnPage tells that what ends from now on may still be found on the page that
// is asked for.
func (p *part) turnPage() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.ended)
}

// leave takes a task out of flight, as it was ended.
func (p *part) leave(t *task, how ending) {
	p.mu.Lock()
	delete(p.flight, t.id)
	delete(p.left, t.id)
	delete(p.crashed, t.id)
	p.ended[t.id] = t.rev
	switch how {
	case aside:
		p.left[t.id] = t.rev
	case broken:
		p.crashed[t.id] = t.crash(p.cfg.Now())
	}
	p.news.due = earliest(p.news.due, t.again)
	p.mu.Unlock()
	if how == broken || !t.again.IsZero() {
		p.poke()
	}
}

// skip lets a record alone that can't be read, and tells of it once.
func (p *part) skip(rec *store.Record, err error) {
	p.mu.Lock()
	known := p.left[rec.Key] == rec.Rev
	p.left[rec.Key] = rec.Rev
	p.mu.Unlock()
	if !known {
		p.cfg.Log.Error("work cannot be read and is left alone until someone deletes it", "work", rec.Key, "partition", int(p.number), "error", err)
	}
}

// forgive forgets what is known of an item that was written.
func (p *part) forgive(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.flight[id] == nil {
		delete(p.left, id)
		delete(p.crashed, id)
	}
}
