package brokertest

import (
	"context"
	"errors"

	"github.com/talix-dev/talix/broker"
)

func endCases() []testCase {
	return []testCase{
		{"ReceiveEndsWithItsCtx", needs{}, receiveEnds},
		{"ReceiveWithCtxThatEnded", needs{}, receiveEnded},
		{"ReceiveWaitsForWhatIsUnsettled", needs{}, receiveWaits},
		{"ReceiveAgain", needs{}, receiveAgain},
	}
}

func receiveEnds(f *fixture) {
	r := f.receive(f.broker, "g")
	f.publish(message("k", 1))
	r.handle(1)
	r.stop()
}

func receiveEnded(f *fixture) {
	f.publish(message("k", 1))
	ctx, cancel := context.WithCancel(f.ctx)
	cancel()
	s := broker.Subscription{Topic: f.topic, Group: "g"}
	if err := f.broker.Receive(ctx, s, func(*broker.Delivery) { f.Error("a message was delivered") }); err != nil {
		f.Errorf("Receive with a ctx that has ended returned %v, want nil", err)
	}
}

// receiveWaits: Receive returns only when the last one is settled; settling
// works though its ctx has ended.
func receiveWaits(f *fixture) {
	f.publish(messages("k", 1, 3)...)
	r := f.receive(f.broker, "g")
	ds := r.take(3)
	r.cancel()
	f.publish(messages("k", 4, 6)...)
	for _, settle := range []func(){
		func() { f.ack(ds[0]) },
		func() { f.dead(ds[1], "poison") },
	} {
		settle()
		quiet(f, r.ended, "Receive returned while a message was not settled")
	}
	f.ack(ds[2])
	r.wantEnd()
	quiet(f, r.got, "a message was delivered after the ctx had ended")
	f.wantIDs(f.receive(f.broker, "g").handle(3), messages("k", 4, 6)...)
}

func receiveAgain(f *fixture) {
	for n := 1; n <= 5; n++ {
		r := f.receive(f.broker, "g")
		f.publish(message("k", n))
		f.wantIDs(r.handle(1), message("k", n))
		r.stop()
	}
}

func closeCases() []testCase {
	return []testCase{
		{"CloseEndsReceive", needs{}, closeEndsReceive},
		{"ClosedBrokerRefuses", needs{}, closedRefuses},
		{"CloseWhilePublishing", needs{}, closeWhilePublishing},
	}
}

func closeEndsReceive(f *fixture) {
	f.publish(messages("k", 1, 2)...)
	r := f.receive(f.broker, "g")
	ds := r.take(2)
	f.close(f.broker)
	r.wantEnd()
	if !errors.Is(r.err, broker.ErrClosed) {
		f.Errorf("Receive of a broker that was closed returned %v, want ErrClosed", r.err)
	}
	for name, settle := range settlers(ds[0]) {
		if err := settle(); !errors.Is(err, broker.ErrClosed) {
			f.Errorf("%s after Close returned %v, want ErrClosed", name, err)
		}
	}
}

func settlers(d *broker.Delivery) map[string]func() error {
	return map[string]func() error{
		"Ack":  func() error { return d.Ack(context.Background()) },
		"Back": func() error { return d.Back(context.Background()) },
		"Dead": func() error { return d.Dead(context.Background(), "late") },
	}
}

func closedRefuses(f *fixture) {
	b := f.broker
	f.close(b)
	if err := b.Publish(f.ctx, f.topic, message("k", 1)); !errors.Is(err, broker.ErrClosed) {
		f.Errorf("Publish of a closed broker returned %v, want ErrClosed", err)
	}
	s := broker.Subscription{Topic: f.topic, Group: "g"}
	if err := b.Receive(f.ctx, s, func(*broker.Delivery) {}); !errors.Is(err, broker.ErrClosed) {
		f.Errorf("Receive of a closed broker returned %v, want ErrClosed", err)
	}
	if err := b.Close(); err != nil {
		f.Errorf("Close of a closed broker returned %v, want nil", err)
	}
}

// closeWhilePublishing: what Publish has promised is there.
func closeWhilePublishing(f *fixture) {
	b, published := f.broker, make(chan int, 1)
	started := make(chan struct{})
	f.work.Go(func() {
		n := 0
		for {
			if err := b.Publish(f.ctx, f.topic, message("k", n+1)); err != nil {
				if !errors.Is(err, broker.ErrClosed) {
					f.Errorf("Publish that was closed returned %v, want ErrClosed", err)
				}
				published <- n
				return
			}
			if n++; n == 10 {
				close(started)
			}
		}
	})
	<-started
	f.reopen(b)
	n := <-published
	f.wantIDs(f.receive(f.broker, "g").handle(n), messages("k", 1, n)...)
}
