package brokertest

import (
	"fmt"
	"slices"

	"github.com/talix-dev/talix/broker"
)

func groupCases() []testCase {
	return []testCase{
		{"GroupsEachGetAll", needs{}, groupsGetAll},
		{"GroupsOfTwoBrokersEachGetAll", needs{several: true}, groupsOfTwoBrokers},
		{"GroupBeginsWithTheOldest", needs{}, groupBeginsWithOldest},
		{"GroupGoesOnWhereItWas", needs{}, groupGoesOn},
		{"GroupIsOfOneTopic", needs{}, groupOfOneTopic},
		{"ReceiversOfAGroupShare", needs{}, receiversShare},
		{"ReceiverTakesOverFromAnother", needs{}, receiverTakesOver},
	}
}

func groupsGetAll(f *fixture) { f.groups(f.broker) }

func groupsOfTwoBrokers(f *fixture) { f.groups(f.open()) }

func (f *fixture) groups(other broker.Broker) {
	r1, r2 := f.receive(f.broker, "g1"), f.receive(other, "g2")
	f.publish(messages("k", 1, 20)...)
	f.wantIDs(r1.handle(20), messages("k", 1, 20)...)
	f.wantIDs(r2.handle(20), messages("k", 1, 20)...)
}

func groupBeginsWithOldest(f *fixture) {
	f.publish(messages("k", 1, 3)...)
	f.wantIDs(f.receive(f.broker, "old").handle(3), messages("k", 1, 3)...)
	f.publish(messages("k", 4, 5)...)
	f.wantIDs(f.receive(f.broker, "new").handle(5), messages("k", 1, 5)...)
}

func groupGoesOn(f *fixture) {
	f.publish(messages("k", 1, 3)...)
	r := f.receive(f.broker, "g")
	f.wantIDs(r.handle(3), messages("k", 1, 3)...)
	r.stop()
	f.publish(messages("k", 4, 6)...)
	f.reopen(f.broker)
	f.wantIDs(f.receive(f.broker, "g").handle(3), messages("k", 4, 6)...)
}

func groupOfOneTopic(f *fixture) {
	f.publish(message("k", 1))
	other := f.topic + "-b"
	f.publishTo(f.broker, other, message("k", 2))
	r1 := f.receive(f.broker, "g")
	r2 := f.receiveFrom(f.broker, broker.Subscription{Topic: other, Group: "g"})
	f.wantIDs(r1.handle(1), message("k", 1))
	f.wantIDs(r2.handle(1), message("k", 2))
}

// receiversShare: of two receivers each message comes to one.
func receiversShare(f *fixture) {
	const keys, each = 16, 20
	r1, r2 := f.receive(f.broker, "g"), f.receive(f.another(), "g")
	var want []broker.Message
	for k := range keys {
		want = append(want, messages(fmt.Sprint("k", k), 1, each)...)
	}
	f.publish(want...)
	var got []*broker.Delivery
	for len(got) < len(want) {
		_, d := f.either(r1, r2)
		f.ack(d)
		got = append(got, d)
	}
	f.wantSet(got, want...)
	r1.stop()
	f.wantNothingElse(r2, "k0")
}

// receiverTakesOver: when one of two ends, the other gets the rest, and what
// was given back, in order.
func receiverTakesOver(f *fixture) {
	other := f.another()
	r1 := f.receive(f.broker, "g")
	f.publish(messages("k", 1, 10)...)
	first := r1.take(10)
	r2 := f.receive(other, "g")
	f.ack(first[:4]...)
	r1.cancel()
	for _, d := range slices.Backward(first[4:]) {
		f.back(d)
	}
	r1.wantEnd()
	f.publish(messages("k", 11, 12)...)
	f.wantIDs(r2.handle(8), messages("k", 5, 12)...)
}
