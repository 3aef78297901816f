package brokertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/talix-dev/talix/broker"
)

func publishCases() []testCase {
	return []testCase{
		{"PublishKeepsTheOrderOfOneCall", needs{}, orderOfOneCall},
		{"PublishKeepsTheOrderOfCalls", needs{}, orderOfCalls},
		{"PublishOfNothing", needs{}, publishNothing},
		{"PublishTwiceHasOneID", needs{}, publishTwice},
		{"PublishFromManyGoroutines", needs{}, publishFromMany},
		{"PublishedIsReceivedWhileReceiving", needs{}, publishWhileReceiving},
		{"PublishReachesOtherBrokers", needs{several: true}, publishReaches},
		{"PublishAfterCtxEnded", needs{}, publishAfterCtx},
		{"PublishTooLarge", needs{limit: true}, publishTooLarge},
		{"PublishRefusesWhatBreaksTheRules", needs{}, publishRefuses},
	}
}

func orderOfOneCall(f *fixture) {
	ms := slices.Concat(messages("a", 1, 100), messages("b", 1, 3), messages("a", 101, 150))
	f.publish(ms...)
	f.wantInOrder(f.receive(f.broker, "g").handle(len(ms)), map[string]int{"a": 150, "b": 3})
}

func orderOfCalls(f *fixture) {
	other := f.another()
	for n := 1; n <= 40; n++ {
		f.publishTo([]broker.Broker{f.broker, other}[n%2], f.topic, message("a", n), message("b", n))
	}
	f.wantInOrder(f.receive(f.broker, "g").handle(80), map[string]int{"a": 40, "b": 40})
}

// wantInOrder checks that each key's messages came in order, from 1 to the
// number, with none twice.
func (f *fixture) wantInOrder(ds []*broker.Delivery, want map[string]int) {
	f.Helper()
	got := map[string]int{}
	for _, d := range ds {
		if next := message(d.Key, got[d.Key]+1).ID; d.ID != next {
			f.Fatalf("of key %s message %s came, want %s", d.Key, d.ID, next)
		}
		got[d.Key]++
	}
	for key, n := range want {
		if got[key] != n {
			f.Errorf("of key %s came %d messages, want %d", key, got[key], n)
		}
	}
}

func publishNothing(f *fixture) {
	f.publish()
	f.wantNothingElse(f.receive(f.broker, "g"), "k")
}

// publishTwice: dropped, or delivered with the same id; and what is new in the
// second call is not dropped with the rest.
func publishTwice(f *fixture) {
	f.publish(messages("k", 1, 3)...)
	f.publish(messages("k", 1, 4)...)
	r := f.receive(f.broker, "g")
	var ids []string
	for len(ids) == 0 || ids[len(ids)-1] != "k/4" {
		ids = append(ids, r.handle(1)[0].ID)
	}
	once := []string{"k/1", "k/2", "k/3", "k/4"}
	if all := slices.Concat(once[:3], once); !slices.Equal(ids, once) && !slices.Equal(ids, all) {
		f.Errorf("three messages published twice came as %q", ids)
	}
}

func publishFromMany(f *fixture) {
	const publishers, each = 32, 25
	r := f.receive(f.broker, "g")
	want := map[string]int{}
	var all sync.WaitGroup
	for p := range publishers {
		key := fmt.Sprint("k", p)
		want[key] = each
		all.Go(func() {
			for n := 1; n <= each; n++ {
				if err := f.broker.Publish(f.ctx, f.topic, message(key, n)); err != nil {
					f.Errorf("publish: %v", err)
					return
				}
			}
		})
	}
	got := r.handle(publishers * each)
	all.Wait()
	f.wantInOrder(got, want)
}

func publishWhileReceiving(f *fixture) {
	r := f.receive(f.broker, "g")
	for n := 1; n <= 20; n++ {
		f.publish(message("k", n))
		f.wantIDs(r.handle(1), message("k", n))
	}
}

func publishReaches(f *fixture) {
	other := f.open()
	r := f.receive(other, "g")
	f.publish(messages("k", 1, 5)...)
	f.wantIDs(r.handle(5), messages("k", 1, 5)...)
}

func publishAfterCtx(f *fixture) {
	ctx, cancel := context.WithCancel(f.ctx)
	cancel()
	if err := f.broker.Publish(ctx, f.topic, message("k", 1)); !errors.Is(err, context.Canceled) {
		f.Errorf("Publish with a ctx that has ended returned %v, want context.Canceled", err)
	}
}

// publishTooLarge: the broker goes on as if it had not been asked.
func publishTooLarge(f *fixture) {
	large := message("k", 1)
	large.Data = make([]byte, f.factory.Features.MaxMessage)
	if err := f.broker.Publish(f.ctx, f.topic, large); !errors.Is(err, broker.ErrTooLarge) {
		f.Fatalf("Publish of %d bytes returned %v, want ErrTooLarge", len(large.Data), err)
	}
	f.publish(message("k", 2))
	f.wantIDs(f.receive(f.broker, "g").handle(1), message("k", 2))
}

// publishRefuses: of a call with a message that Check finds fault with, nothing
// is published.
func publishRefuses(f *fixture) {
	bad := message("k", 2)
	bad.Attributes = map[string]string{"talix-x": "v"}
	if err := f.broker.Publish(f.ctx, f.topic, message("k", 1), bad); err == nil {
		f.Error("Publish of an attribute that is reserved returned nil")
	}
	f.wantNothingElse(f.receive(f.broker, "g"), "k")
}
