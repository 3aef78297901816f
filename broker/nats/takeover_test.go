package nats_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/talix-dev/talix/broker"
	"github.com/talix-dev/talix/broker/nats"
)

// wire is a connection to the server that can be cut without a word.
type wire struct {
	listener net.Listener
	to       string
	all      sync.WaitGroup

	mu     sync.Mutex
	frozen chan struct{} // not nil: nothing passes until it is closed
	conns  []net.Conn
}

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{listener: l, to: strings.TrimPrefix(to, "nats://")}
	w.all.Go(w.accept)
	t.Cleanup(func() {
		w.thaw()
		l.Close()
		w.mu.Lock()
		for _, c := range w.conns {
			c.Close()
		}
		w.mu.Unlock()
		w.all.Wait()
	})
	return w
}

func (w *wire) url() string { return "nats://" + w.listener.Addr().String() }

func (w *wire) accept() {
	for {
		in, err := w.listener.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", w.to)
		if err != nil {
			in.Close()
			continue
		}
		w.mu.Lock()
		w.conns = append(w.conns, in, out)
		w.mu.Unlock()
		w.all.Go(func() { w.carry(in, out) })
		w.all.Go(func() { w.carry(out, in) })
	}
}

func (w *wire) carry(from, to net.Conn) {
	defer to.Close()
	b := make([]byte, 64<<10)
	for {
		n, err := from.Read(b)
		w.mu.Lock()
		frozen := w.frozen
		w.mu.Unlock()
		if frozen != nil {
			<-frozen
		}
		if err != nil {
			return
		}
		if _, err := to.Write(b[:n]); err != nil {
			return
		}
	}
}

func (w *wire) freeze() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.frozen = make(chan struct{})
}

func (w *wire) thaw() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.frozen != nil {
		close(w.frozen)
		w.frozen = nil
	}
}

// TestCutOffReceiver: a receiver that is cut off loses the group after its
// lease; the next one gets in order whatever was not settled; and when the
// first one is back, it can settle nothing of it any more.
func TestCutOffReceiver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nats.Config{})
	cable := newWire(t, w.server.ClientURL())
	cut := w.open(nats.Config{URL: cable.url(), Lease: lease})
	for n := range 8 {
		w.publish("t", broker.Message{ID: fmt.Sprint(n), Key: "k"})
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	sub := broker.Subscription{Topic: "t", Group: "g", InFlight: 5}
	first, second := make(chan *broker.Delivery, 100), make(chan *broker.Delivery, 100)
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	all.Go(func() { w.settle(cut.Receive(ctx, sub, func(d *broker.Delivery) { first <- d })) })
	next := func(c chan *broker.Delivery) *broker.Delivery {
		select {
		case d := <-c:
			return d
		case <-ctx.Done():
			t.Fatal("no message came")
			return nil
		}
	}
	var held []*broker.Delivery
	for range 5 {
		held = append(held, next(first))
	}
	w.settle(held[1].Ack(ctx))
	w.settle(held[0].Ack(ctx))
	held = append(held[2:], next(first), next(first))
	cable.freeze()
	other := w.open(nats.Config{URL: w.server.ClientURL(), Lease: lease})
	all.Go(func() { w.settle(other.Receive(ctx, sub, func(d *broker.Delivery) { second <- d })) })
	var ids []string
	for len(ids) < 6 {
		d := next(second)
		ids = append(ids, d.ID)
		w.settle(d.Ack(ctx))
	}
	if want := []string{"2", "3", "4", "5", "6", "7"}; !slices.Equal(ids, want) {
		t.Errorf("the second receiver got %q, want %q", ids, want)
	}
	cable.thaw()
	for _, d := range held {
		if err := d.Ack(ctx); err == nil || ctx.Err() != nil {
			t.Errorf("the first receiver could settle message %s", d.ID)
		}
	}
	w.publish("t", broker.Message{ID: "8", Key: "k"})
	if d := next(second); d.ID != "8" {
		t.Errorf("message %s came, want 8", d.ID)
	} else {
		w.settle(d.Ack(ctx))
	}
	if len(first) != 0 {
		t.Errorf("the first receiver got message %s after it had lost the group", (<-first).ID)
	}
}
