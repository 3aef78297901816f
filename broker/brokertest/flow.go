package brokertest

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/talix-dev/talix/broker"
)

func flowCases() []testCase {
	return []testCase{
		{"InFlightIsBounded", needs{}, inFlightBounded},
		{"InFlightOfOne", needs{}, inFlightOfOne},
		{"InFlightDefaultsTo256", needs{}, inFlightDefault},
		{"OneStuckMessageLetsOthersGoOn", needs{}, stuckMessage},
		{"LongWorkStaysHere", needs{several: true, patience: true}, longWork},
	}
}

// inFlightBounded: never more than the bound, and settling any of them brings
// the next.
func inFlightBounded(f *fixture) {
	const bound, total = 4, 40
	f.publish(messages("k", 1, total)...)
	r := f.counted(bound)
	var held []*broker.Delivery
	for n := range total {
		held = append(held, r.next())
		if len(held) < bound && n < total-1 {
			continue
		}
		i := n % len(held)
		r.open.Add(-1)
		f.ack(held[i])
		held = append(held[:i], held[i+1:]...)
	}
	f.ack(held...)
	f.wantBound(r, bound)
}

// counter counts the messages of a receiver that are not settled.
type counter struct {
	*receiver
	open, most *atomic.Int64
}

func (f *fixture) counted(bound int) counter {
	open, most := new(atomic.Int64), new(atomic.Int64)
	r := f.receiveWith(f.broker, broker.Subscription{Topic: f.topic, Group: "g", InFlight: bound}, func() {
		most.Store(max(most.Load(), open.Add(1)))
	})
	return counter{r, open, most}
}

func (f *fixture) wantBound(c counter, bound int64) {
	f.Helper()
	if most := c.most.Load(); most != bound {
		f.Errorf("at most %d messages were in flight, want %d", most, bound)
	}
}

func inFlightOfOne(f *fixture) {
	f.publish(messages("k", 1, 10)...)
	r := f.counted(1)
	for n := 1; n <= 10; n++ {
		d := r.next()
		f.wantIDs([]*broker.Delivery{d}, message("k", n))
		r.open.Add(-1)
		f.ack(d)
	}
	f.wantBound(r, 1)
}

func inFlightDefault(f *fixture) {
	f.publish(messages("k", 1, 257)...)
	r := f.counted(0)
	ds := r.take(256)
	r.open.Add(-1)
	f.ack(ds[100])
	f.wantIDs(r.take(1), message("k", 257))
	f.wantBound(r, 256)
}

// stuckMessage: one that is not settled for long does not hold up the others,
// and is neither lost nor delivered twice meanwhile.
func stuckMessage(f *fixture) {
	const n = 300
	f.publish(message("stuck", 1))
	r := f.receiveFrom(f.broker, broker.Subscription{Topic: f.topic, Group: "g", InFlight: 8})
	stuck := r.next()
	for i := range n {
		f.publish(message(fmt.Sprint("k", i%3), i))
	}
	for range n {
		if d := r.handle(1)[0]; d.ID == stuck.ID {
			f.Fatal("the message that is in flight was delivered again")
		}
	}
	f.ack(stuck)
	f.wantNothingElse(r, "stuck")
}

// longWork: a message stays with the receiver that has it for as long as it
// takes, though another receiver of the group waits.
func longWork(f *fixture) {
	f.publish(messages("k", 1, 2)...)
	r1 := f.receive(f.broker, "g")
	ds := r1.take(2)
	r2 := f.receive(f.open(), "g")
	timer := time.NewTimer(3 * f.factory.Features.Patience)
	defer timer.Stop()
	select {
	case d := <-r1.got:
		f.Fatalf("message %s was delivered again to the receiver that has it", d.ID)
	case d := <-r2.got:
		f.Fatalf("message %s was delivered to another receiver while it was in work", d.ID)
	case <-timer.C:
	}
	f.ack(ds...)
	last := message("k", 3)
	f.publish(last)
	_, d := f.either(r1, r2)
	f.wantIDs([]*broker.Delivery{d}, last)
	f.ack(d)
}
