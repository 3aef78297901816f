package brokertest

import (
	"fmt"
	"sync"

	"github.com/talix-dev/talix/broker"
)

func keyCases() []testCase {
	return []testCase{
		{"KeyKeepsItsOrder", needs{}, keyKeepsOrder},
		{"KeyStaysWithOneReceiver", needs{}, keyStays},
		{"MessagesWithoutKey", needs{}, withoutKey},
	}
}

// keyKeepsOrder: many keys at once, settled by many goroutines.
func keyKeepsOrder(f *fixture) {
	const keys, each = 50, 12
	r := f.receive(f.broker, "g")
	want := map[string]int{}
	for k := range keys {
		want[fmt.Sprint("k", k)] = each
	}
	f.work.Go(func() {
		for n := 1; n <= each; n++ {
			var ms []broker.Message
			for key := range want {
				ms = append(ms, message(key, n))
			}
			if err := f.broker.Publish(f.ctx, f.topic, ms...); err != nil {
				f.Errorf("publish: %v", err)
			}
		}
	})
	var all sync.WaitGroup
	var got []*broker.Delivery
	for range keys * each {
		d := r.next()
		got = append(got, d)
		all.Go(func() {
			if err := d.Ack(f.ctx); err != nil {
				f.Errorf("acknowledge message %s: %v", d.ID, err)
			}
		})
	}
	all.Wait()
	f.wantInOrder(got, want)
}

// keyStays: with two receivers of a group, a message comes only when those of
// its key before it were settled, or to the one that has them; also when one of
// the two ends.
func keyStays(f *fixture) {
	const keys, each, held = 2, 40, 3
	sub := broker.Subscription{Topic: f.topic, Group: "g", InFlight: held} // so that one alone does not take all
	receivers := []*receiver{f.receiveFrom(f.broker, sub), f.receiveFrom(f.another(), sub)}
	var want []broker.Message
	for n := 1; n <= each; n++ {
		for k := range keys {
			want = append(want, message(fmt.Sprint("k", k), n))
		}
	}
	f.publish(want...)
	quiet(f, receivers[0].ended, "Receive ended") // so that both take what they may have
	var open []holding
	most := held
	for i := range want {
		at, d := f.either(receivers...)
		f.checkHolder(open, at, d)
		open = append(open, holding{at, d})
		if i == len(want)/2 {
			receivers[at].cancel()
			most = 1 // what it has left must be settled before another one goes on
		}
		open = f.settleAbove(open, most-1)
	}
}

// settleAbove settles the oldest of what is held until so many are left.
func (f *fixture) settleAbove(open []holding, left int) []holding {
	f.Helper()
	for len(open) > left {
		oldest := open[0]
		open = open[1:]
		f.ack(oldest.d)
	}
	return open
}

// holding is a message that a receiver has and that is not settled.
type holding struct {
	at int // which receiver
	d  *broker.Delivery
}

func (f *fixture) checkHolder(open []holding, at int, d *broker.Delivery) {
	f.Helper()
	for _, h := range open {
		if h.d.Key == d.Key && h.at != at {
			f.Fatalf("message %s came to receiver %d while %s is with receiver %d", d.ID, at, h.d.ID, h.at)
		}
	}
}

// withoutKey: all of them, in any order.
func withoutKey(f *fixture) {
	var want []broker.Message
	for n := range 50 {
		m := message("", n)
		want = append(want, m)
	}
	f.publish(want...)
	got := f.receive(f.broker, "g").handle(len(want))
	f.wantSet(got, want...)
	if got[0].Key != "" {
		f.Errorf("a message without a key came with key %q", got[0].Key)
	}
}
