package nats

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/talix-dev/talix/broker"
)

// term is one time of having a group. Three goroutines work on it: one reads,
// one delivers, one keeps the group's record.
type term struct {
	broker *Broker
	sub    broker.Subscription
	claim  *claim // for the keeper alone

	mu      sync.Mutex    // guards what follows
	changed chan struct{} // closed and made anew at each change
	written chan struct{} // the same when kept or err changes
	cursor  cursor
	read    uint64              // the last sequence that was read
	waiting []incoming          // in order: read or given back, to be delivered
	open    map[uint64]struct{} // delivered and not settled
	settled uint64              // counts what was settled
	kept    uint64              // how much of it the record has
	until   time.Time           // others leave the group alone until then
	ending  bool                // nothing is left to do but to give the group up
	err     error               // why it is over
}

func newTerm(b *Broker, s broker.Subscription, c *claim, until time.Time) *term {
	return &term{
		broker: b, sub: s, claim: c, until: until,
		changed: make(chan struct{}), written: make(chan struct{}), open: map[uint64]struct{}{},
		cursor: c.record.clone(), read: c.record.Floor,
	}
}

// run delivers until ctx or the term ends, and waits until all is settled.
func (t *term) run(ctx, life context.Context, deliver func(*broker.Delivery)) (err error) {
	reading, stop := context.WithCancel(ctx)
	var work sync.WaitGroup
	work.Go(func() {
		if err = t.newReader().run(reading); err != nil {
			stop()
		}
	})
	var keeper sync.WaitGroup
	keeper.Go(func() { t.keep(life) })
	for m := t.next(reading); m != nil; m = t.next(reading) {
		deliver(newDelivery(t, *m))
	}
	stop()
	work.Wait()
	t.wait(life, func() bool { return len(t.open) == 0 })
	t.change(func() { t.ending = true })
	keeper.Wait()
	return err
}

func (t *term) newReader() *reader {
	return &reader{
		broker: t.broker, stream: t.claim.record.Stream, topic: t.sub.Topic,
		next: t.read + 1, ahead: min(t.sub.InFlight, 256), sink: t.admit,
	}
}

// change changes the state and wakes whoever waits for it.
func (t *term) change(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f()
	close(t.changed)
	t.changed = make(chan struct{})
}

// wait waits until something is so, and returns false if ctx or the term ended
// before. so is called with mu held and may change the state.
func (t *term) wait(ctx context.Context, so func() bool) bool {
	for {
		t.mu.Lock()
		over, is, changed := t.err != nil || ctx.Err() != nil, false, t.changed
		if !over {
			is = so()
		}
		t.mu.Unlock()
		if over || is {
			return is
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// admit takes a message from the reader. Sequences that it does not give belong
// to no message of the topic.
func (t *term) admit(ctx context.Context, m incoming) error {
	if !t.wait(ctx, func() bool { return len(t.waiting) < 2*t.sub.InFlight }) {
		return errTaken
	}
	t.change(func() {
		if m.seq <= t.read {
			return
		}
		t.cursor.add(t.read+1, m.seq-1)
		t.read = m.seq
		if !t.cursor.has(m.seq) {
			t.waiting = append(t.waiting, m)
		}
	})
	return nil
}

// next waits for the next message to deliver; nil when ctx or the term ended.
func (t *term) next(ctx context.Context) (m *incoming) {
	t.wait(ctx, func() bool {
		if len(t.waiting) == 0 || len(t.open) >= t.sub.InFlight || !time.Now().Before(t.until) {
			return false
		}
		first := t.waiting[0]
		t.waiting = slices.Delete(t.waiting, 0, 1)
		t.open[first.seq] = struct{}{}
		m = &first
		return true
	})
	return m
}

// settle notes that a message is done with, and returns its number among those.
func (t *term) settle(m incoming) (number uint64, err error) {
	t.change(func() {
		if err = t.err; err != nil {
			return
		}
		delete(t.open, m.seq)
		t.cursor.add(m.seq, m.seq)
		t.settled++
		number = t.settled
	})
	return number, err
}

// giveBack puts a message in its place again.
func (t *term) giveBack(m incoming) (err error) {
	t.change(func() {
		if err = t.err; err != nil {
			return
		}
		delete(t.open, m.seq)
		i, _ := slices.BinarySearchFunc(t.waiting, m.seq, func(w incoming, seq uint64) int { return cmp.Compare(w.seq, seq) })
		t.waiting = slices.Insert(t.waiting, i, m)
	})
	return err
}

// recorded waits until the group's record has what was settled.
func (t *term) recorded(ctx context.Context, number uint64) error {
	for {
		t.mu.Lock()
		kept, err, written := t.kept >= number, t.err, t.written
		t.mu.Unlock()
		if kept || err != nil {
			return unless(kept, err)
		}
		select {
		case <-written:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func unless(kept bool, err error) error {
	if kept {
		return nil
	}
	return err
}

// tell changes what the keeper knows, and wakes those who wait for it too.
func (t *term) tell(f func()) {
	t.change(func() {
		f()
		close(t.written)
		t.written = make(chan struct{})
	})
}
