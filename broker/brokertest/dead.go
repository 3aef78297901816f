package brokertest

import (
	"maps"
	"time"

	"github.com/talix-dev/talix/broker"
)

func deadCases() []testCase {
	return []testCase{
		{"DeadLandsInTheDeadLetterTopic", needs{}, deadLands},
		{"DeadLeavesOthersAlone", needs{}, deadLeavesOthers},
		{"DeadOfTwoGroups", needs{}, deadOfTwoGroups},
		{"DeadIsFinal", needs{}, deadIsFinal},
	}
}

func (f *fixture) deadLetters(b broker.Broker, group string) *receiver {
	return f.receiveFrom(b, broker.Subscription{Topic: broker.DeadLetter(f.topic), Group: group})
}

func deadLands(f *fixture) {
	m := message("schlüssel", 1)
	m.Time = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	m.Attributes = map[string]string{"a": "v", "größe": "L"}
	f.publish(m)
	const reason = "decode: unexpected \"x\"\n at line 1 – naïve"
	r := f.receive(f.broker, "g")
	f.dead(r.next(), reason)
	d := f.deadLetters(f.broker, "undertaker").handle(1)[0]
	want := maps.Clone(m.Attributes)
	maps.Copy(want, map[string]string{broker.DeadReason: reason, broker.DeadTopic: f.topic, broker.DeadGroup: "g"})
	m.Attributes = want
	if err := same(d.Message, m); err != nil {
		f.Errorf("the dead letter differs: %v", err)
	}
}

func deadLeavesOthers(f *fixture) {
	f.publish(messages("k", 1, 4)...)
	r := f.receive(f.broker, "g")
	ds := r.take(4)
	f.dead(ds[1], "poison")
	f.ack(ds[0], ds[2], ds[3])
	f.wantNothingElse(r, "k")
	f.wantIDs(f.receive(f.broker, "other").handle(4), messages("k", 1, 4)...)
}

// deadOfTwoGroups: one letter for each.
func deadOfTwoGroups(f *fixture) {
	f.publish(message("k", 1))
	for _, group := range []string{"g1", "g2"} {
		r := f.receive(f.broker, group)
		f.dead(r.next(), "of "+group)
		r.stop()
	}
	got := map[string]string{}
	for _, d := range f.deadLetters(f.broker, "undertaker").handle(2) {
		got[d.Attributes[broker.DeadGroup]] = d.Attributes[broker.DeadReason]
	}
	if want := (map[string]string{"g1": "of g1", "g2": "of g2"}); !maps.Equal(got, want) {
		f.Errorf("the dead letters are %v, want %v", got, want)
	}
}

func deadIsFinal(f *fixture) {
	f.publish(messages("k", 1, 2)...)
	r := f.receive(f.broker, "g")
	for _, d := range r.take(2) {
		f.dead(d, "poison")
	}
	r.stop()
	f.reopen(f.broker)
	f.wantNothingElse(f.receive(f.broker, "g"), "k")
	f.wantIDs(f.deadLetters(f.broker, "undertaker").handle(2), messages("k", 1, 2)...)
}
