package brokertest

import (
	"context"
	"errors"
	"reflect"

	"github.com/talix-dev/talix/broker"
)

// receiver receives in the background and keeps what comes for the case.
type receiver struct {
	*fixture
	got    chan *broker.Delivery
	cancel context.CancelFunc
	ended  chan struct{}
	err    error // of Receive; read it after ended was closed
}

// receive starts a receiver of the case's topic.
func (f *fixture) receive(b broker.Broker, group string) *receiver {
	return f.receiveFrom(b, broker.Subscription{Topic: f.topic, Group: group})
}

func (f *fixture) receiveFrom(b broker.Broker, s broker.Subscription) *receiver {
	return f.receiveWith(b, s, func() {})
}

// receiveWith calls seen in deliver.
func (f *fixture) receiveWith(b broker.Broker, s broker.Subscription, seen func()) *receiver {
	ctx, cancel := context.WithCancel(f.ctx)
	r := &receiver{fixture: f, cancel: cancel, got: make(chan *broker.Delivery, 1<<16), ended: make(chan struct{})}
	f.work.Go(func() {
		defer close(r.ended)
		r.err = b.Receive(ctx, s, func(d *broker.Delivery) {
			seen()
			r.got <- d
		})
		if r.err != nil && !errors.Is(r.err, broker.ErrClosed) {
			f.Errorf("receive: %v", r.err)
		}
	})
	return r
}

// next waits for a message.
func (r *receiver) next() *broker.Delivery {
	r.Helper()
	select {
	case d := <-r.got:
		return d
	case <-r.ended:
		r.Fatalf("Receive ended (%v), but a message must come", r.err)
	case <-r.ctx.Done():
		r.Fatalf("no message came in time, but one must")
	}
	return nil
}

// take waits for n messages and leaves them unsettled.
func (r *receiver) take(n int) []*broker.Delivery {
	r.Helper()
	var ds []*broker.Delivery
	for range n {
		ds = append(ds, r.next())
	}
	return ds
}

// handle waits for n messages and acknowledges each as it comes.
func (r *receiver) handle(n int) []*broker.Delivery {
	r.Helper()
	var ds []*broker.Delivery
	for range n {
		d := r.next()
		r.ack(d)
		ds = append(ds, d)
	}
	return ds
}

func (f *fixture) ack(ds ...*broker.Delivery) {
	f.Helper()
	for _, d := range ds {
		if err := d.Ack(f.ctx); err != nil {
			f.Fatalf("acknowledge message %s: %v", d.ID, err)
		}
	}
}

func (f *fixture) back(ds ...*broker.Delivery) {
	f.Helper()
	for _, d := range ds {
		if err := d.Back(f.ctx); err != nil {
			f.Fatalf("give message %s back: %v", d.ID, err)
		}
	}
}

func (f *fixture) dead(d *broker.Delivery, reason string) {
	f.Helper()
	if err := d.Dead(f.ctx, reason); err != nil {
		f.Fatalf("dead-letter message %s: %v", d.ID, err)
	}
}

// stop ends the receiver, which has settled everything.
func (r *receiver) stop() {
	r.Helper()
	r.cancel()
	r.wantEnd()
	if r.err != nil {
		r.Errorf("Receive whose ctx ended returned %v, want nil", r.err)
	}
}

// wantEnd waits until Receive has returned.
func (r *receiver) wantEnd() {
	r.Helper()
	select {
	case <-r.ended:
	case <-r.ctx.Done():
		r.Fatalf("Receive did not return in time")
	}
}

// wantNothingElse checks that nothing is left but a message that is published
// now. It tells what should not be there apart from what is merely late.
func (f *fixture) wantNothingElse(r *receiver, key string) {
	f.Helper()
	last := message(key, 1_000_000)
	f.publish(last)
	f.wantIDs(r.handle(1), last)
}

// either waits for a message of one of several receivers, and says of which.
func (f *fixture) either(receivers ...*receiver) (int, *broker.Delivery) {
	f.Helper()
	cases := []reflect.SelectCase{{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(f.ctx.Done())}}
	for _, r := range receivers {
		cases = append(cases, reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(r.got)})
	}
	i, v, ok := reflect.Select(cases)
	if !ok {
		f.Fatalf("no message came in time, but one must")
	}
	return i - 1, v.Interface().(*broker.Delivery)
}
