package brokertest

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/talix-dev/talix/broker"
)

func restartCases() []testCase {
	server := needs{server: true}
	return []testCase{
		{"RestartKeepsWhatWasPublished", server, restartKeeps},
		{"RestartWhileInFlight", server, restartInFlight},
		{"PublishWaitsForTheServer", server, publishWaits},
		{"RestartsUnderLoad", server, restartsUnderLoad},
	}
}

// bounce kills the server and starts it again.
func (f *fixture) bounce() {
	f.Helper()
	f.factory.Kill(f.TB)
	f.factory.Start(f.TB)
}

func restartKeeps(f *fixture) {
	f.publish(messages("k", 1, 20)...)
	r := f.receive(f.broker, "g")
	f.wantIDs(r.handle(10), messages("k", 1, 10)...)
	ds := r.take(10)
	f.bounce()
	f.publish(messages("k", 21, 22)...)
	f.wantIDs(f.receive(f.broker, "new").handle(22), messages("k", 1, 22)...)
	for _, d := range ds {
		_ = d.Ack(f.ctx) // some drivers have lost it and deliver it again
	}
	f.drain(r, "k", 21, 22)
}

// drain handles messages of a key until the last one has come. Those from next
// on come, by first appearance, in order; those below it were taken before and
// may come again.
func (f *fixture) drain(r *receiver, key string, next, last int) {
	f.Helper()
	for next <= last {
		d := r.next()
		_ = d.Ack(f.ctx) // after a restart it may fail, and the message come again
		n, err := strconv.Atoi(strings.TrimPrefix(d.ID, key+"/"))
		if err != nil || n > next {
			f.Fatalf("message %s came before %s", d.ID, message(key, next).ID)
		}
		if n == next {
			next++
		}
	}
}

// restartInFlight: what was in flight is settled, or comes again; nothing is
// stuck.
func restartInFlight(f *fixture) {
	f.publish(messages("k", 1, 10)...)
	r := f.receiveFrom(f.broker, broker.Subscription{Topic: f.topic, Group: "g", InFlight: 5})
	ds := r.take(5)
	f.factory.Kill(f.TB)
	var all sync.WaitGroup
	for _, d := range ds {
		all.Go(func() { _ = d.Ack(f.ctx) })
	}
	f.factory.Start(f.TB)
	all.Wait()
	f.drain(r, "k", 6, 10)
}

func publishWaits(f *fixture) {
	f.publish(message("k", 1))
	f.factory.Kill(f.TB)
	done := make(chan error, 1)
	f.work.Go(func() { done <- f.broker.Publish(f.ctx, f.topic, message("k", 2)) })
	r := f.receive(f.broker, "g")
	quiet(f, done, "Publish without a server returned")
	f.factory.Start(f.TB)
	if err := <-done; err != nil {
		f.Fatalf("Publish after the server came back: %v", err)
	}
	f.wantIDs(firstOfEach(r, 2), messages("k", 1, 2)...)
}

// firstOfEach handles messages until n different ones have come.
func firstOfEach(r *receiver, n int) []*broker.Delivery {
	r.Helper()
	var ds []*broker.Delivery
	seen := map[string]bool{}
	for len(ds) < n {
		d := r.next()
		_ = d.Ack(r.ctx)
		if !seen[d.ID] {
			ds = append(ds, d)
		}
		seen[d.ID] = true
	}
	return ds
}

// restartsUnderLoad kills the server several times (once with -short) while messages are
// published and received: nothing that Publish promised is lost, nothing is
// stuck, and each key's messages come, by first appearance, in order.
func restartsUnderLoad(f *fixture) {
	const keys = 6
	kills := 4
	if testing.Short() {
		kills = 1
	}
	l := &load{fixture: f, next: make([]int, keys), done: make([]atomic.Int64, keys)}
	r := f.receive(f.broker, "g")
	var publishers sync.WaitGroup
	for k := range keys {
		publishers.Go(func() { l.publish(k) })
	}
	f.work.Go(func() { l.receive(r) })
	for range kills {
		l.await(int64(5 + rand.IntN(40)))
		f.bounce()
	}
	l.await(5)
	l.ending.Store(true)
	publishers.Wait()
	l.finish()
}

// load publishes and receives until it is told to end.
type load struct {
	*fixture
	ending atomic.Bool

	mu   sync.Mutex
	next []int          // of each key, the highest number that has come
	done []atomic.Int64 // of each key, the highest number that Publish promised
}

func (l *load) publish(k int) {
	for n := 0; !l.ending.Load(); {
		count := 1 + n%3 // in one call
		if err := l.broker.Publish(l.ctx, l.topic, messages(fmt.Sprint("k", k), n+1, n+count)...); err != nil {
			l.Errorf("publish: %v", err)
			return
		}
		n += count
		l.done[k].Store(int64(n))
	}
}

func (l *load) receive(r *receiver) {
	for {
		select {
		case d := <-r.got:
			l.see(d.ID)
			l.work.Go(func() { _ = d.Ack(l.ctx) })
		case <-r.ended:
			return
		}
	}
}

// see notes that a message has come.
func (l *load) see(id string) {
	var k, n int
	if _, err := fmt.Sscanf(strings.Replace(id, "/", " ", 1), "k%d %d", &k, &n); err != nil {
		l.Errorf("message %q: %v", id, err)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if n > l.next[k]+1 {
		l.Errorf("message %s came after number %d of its key", id, l.next[k])
	}
	l.next[k] = max(l.next[k], n)
}

// received is how many different messages have come.
func (l *load) received() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, next := range l.next {
		n += next
	}
	return int64(n)
}

// await waits until n more messages have come.
func (l *load) await(n int64) {
	l.Helper()
	before := l.received()
	l.poll(func() bool { return l.received() >= before+n }, "messages stopped coming")
}

// finish waits until all that was promised has come.
func (l *load) finish() {
	l.Helper()
	l.poll(func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		for k := range l.next {
			if int64(l.next[k]) < l.done[k].Load() {
				return false
			}
		}
		return true
	}, "some messages that Publish promised did not come")
}
