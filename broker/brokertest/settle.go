package brokertest

import (
	"slices"

	"github.com/talix-dev/talix/broker"
)

func settleCases() []testCase {
	return []testCase{
		{"AckIsFinal", needs{}, ackIsFinal},
		{"AckInAnyOrder", needs{}, ackInAnyOrder},
		{"SettledOnceAndForAll", needs{}, settledOnce},
		{"UnsettledComesAgainAfterClose", needs{}, unsettledComesAgain},
		{"UnsettledComesToAnotherBroker", needs{several: true}, unsettledComesToAnother},
		{"UnsettledComesBeforeLaterOnes", needs{}, unsettledComesFirst},
		{"UnsettledBetweenAcknowledged", needs{}, unsettledBetween},
		{"BackComesAgain", needs{}, backComesAgain},
		{"BackAtTheEndKeepsTheOrder", needs{}, backAtTheEnd},
	}
}

func ackIsFinal(f *fixture) {
	f.publish(messages("k", 1, 5)...)
	r := f.receive(f.broker, "g")
	r.handle(5)
	r.stop()
	f.reopen(f.broker)
	f.wantNothingElse(f.receive(f.broker, "g"), "k")
}

func ackInAnyOrder(f *fixture) {
	f.publish(messages("k", 1, 9)...)
	r := f.receive(f.broker, "g")
	ds := r.take(9)
	for _, i := range []int{4, 8, 0, 2, 1, 7, 3, 6, 5} {
		f.ack(ds[i])
	}
	r.stop()
	f.reopen(f.broker)
	f.wantNothingElse(f.receive(f.broker, "g"), "k")
}

// settledOnce: what comes after the first call does nothing.
func settledOnce(f *fixture) {
	f.publish(messages("k", 1, 2)...)
	r := f.receive(f.broker, "g")
	acked := r.next()
	f.ack(acked, acked)
	f.back(acked)
	f.dead(acked, "too late")
	dead := r.next()
	f.dead(dead, "poison")
	f.back(dead)
	f.ack(dead)
	f.wantNothingElse(r, "k")
	letters := f.deadLetters(f.broker, "g")
	f.wantIDs(letters.handle(1), message("k", 2))
}

func unsettledComesAgain(f *fixture) {
	f.publish(messages("k", 1, 5)...)
	first := f.receive(f.broker, "g").take(5)
	f.wantIDs(first, messages("k", 1, 5)...)
	f.reopen(f.broker)
	f.wantIDs(f.receive(f.broker, "g").handle(5), messages("k", 1, 5)...)
}

func unsettledComesToAnother(f *fixture) {
	other := f.open()
	f.publish(messages("k", 1, 5)...)
	f.receive(f.broker, "g").take(5)
	r := f.receive(other, "g")
	f.close(f.broker)
	f.wantIDs(r.handle(5), messages("k", 1, 5)...)
}

// unsettledComesFirst: before messages that were published later, and that the
// first receiver never had in flight.
func unsettledComesFirst(f *fixture) {
	f.publish(messages("k", 1, 10)...)
	r := f.receiveFrom(f.broker, broker.Subscription{Topic: f.topic, Group: "g", InFlight: 3})
	f.wantIDs(r.take(3), messages("k", 1, 3)...)
	f.publish(messages("k", 11, 12)...)
	f.reopen(f.broker)
	f.publish(messages("k", 13, 14)...)
	f.wantIDs(f.receive(f.broker, "g").handle(14), messages("k", 1, 14)...)
}

// unsettledBetween: the acknowledged ones may come again, those between them
// must, all in order.
func unsettledBetween(f *fixture) {
	f.publish(messages("k", 1, 8)...)
	ds := f.receive(f.broker, "g").take(8)
	for _, i := range []int{0, 2, 3, 6} {
		f.ack(ds[i])
	}
	f.reopen(f.broker)
	f.publish(message("k", 9))
	r := f.receive(f.broker, "g")
	var got []string
	for len(got) == 0 || got[len(got)-1] != "k/9" {
		got = append(got, r.handle(1)[0].ID)
	}
	must := []string{"k/2", "k/5", "k/6", "k/8", "k/9"}
	may := []string{"k/3", "k/4", "k/7"}
	left := slices.DeleteFunc(slices.Clone(got), func(id string) bool { return slices.Contains(may, id) })
	if !slices.Equal(left, must) || !slices.IsSorted(got) {
		f.Errorf("after four of eight were acknowledged came %q; want %q in order, and perhaps %q in their places", got, must, may)
	}
}

func backComesAgain(f *fixture) {
	f.publish(messages("k", 1, 2)...)
	r := f.receive(f.broker, "g")
	ds := r.take(2)
	f.ack(ds[1])
	d := ds[0]
	for range 3 {
		before := d
		f.back(d)
		d = r.next()
		if err := same(d.Message, before.Message); err != nil {
			f.Fatalf("given back, the message came again otherwise: %v", err)
		}
		if d.Attempt != 0 && d.Attempt <= before.Attempt {
			f.Errorf("delivery %d was followed by delivery %d", before.Attempt, d.Attempt)
		}
	}
	f.ack(d)
	f.wantNothingElse(r, "k")
}

// backAtTheEnd: given back in any order after the ctx of Receive ended, what is
// left comes in order.
func backAtTheEnd(f *fixture) {
	f.publish(messages("k", 1, 8)...)
	r := f.receiveFrom(f.broker, broker.Subscription{Topic: f.topic, Group: "g", InFlight: 6})
	ds := r.take(6)
	r.cancel()
	for _, i := range []int{3, 0, 5, 4, 2, 1} {
		f.back(ds[i])
	}
	r.wantEnd()
	f.wantIDs(f.receive(f.broker, "g").handle(8), messages("k", 1, 8)...)
}
