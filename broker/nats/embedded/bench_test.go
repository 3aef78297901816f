package embedded_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/talix-dev/talix/broker"
	"github.com/talix-dev/talix/broker/nats/embedded"
)

func opened(b *testing.B) *embedded.Broker {
	b.Helper()
	e, err := embedded.Open(embedded.Config{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := e.Close(); err != nil {
			b.Error(err)
		}
	})
	return e
}

func batch(from, n int) []broker.Message {
	ms := make([]broker.Message, n)
	for i := range ms {
		ms[i] = broker.Message{ID: fmt.Sprint(from + i), Key: fmt.Sprint("k", i%256), Data: make([]byte, 200)}
	}
	return ms
}

// BenchmarkPublish publishes 256 messages of 256 keys a call.
func BenchmarkPublish(b *testing.B) {
	e := opened(b)
	for n := 0; b.Loop(); n += 256 {
		if err := e.Publish(b.Context(), "t", batch(n, 256)...); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(256*b.N)/b.Elapsed().Seconds(), "messages/s")
}

// BenchmarkReceive receives messages that are there, and acknowledges each.
func BenchmarkReceive(b *testing.B) {
	const n = 10_000
	e := opened(b)
	for from := 0; from < n; from += 500 {
		if err := e.Publish(b.Context(), "t", batch(from, 500)...); err != nil {
			b.Fatal(err)
		}
	}
	for round := 0; b.Loop(); round++ {
		ctx, cancel := context.WithCancel(b.Context())
		var work sync.WaitGroup
		got := 0
		err := e.Receive(ctx, broker.Subscription{Topic: "t", Group: fmt.Sprint("g", round)}, func(d *broker.Delivery) {
			if got++; got == n {
				cancel()
			}
			work.Go(func() {
				if err := d.Ack(b.Context()); err != nil {
					b.Error(err)
				}
			})
		})
		cancel()
		work.Wait()
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "messages/s")
}

// BenchmarkRoundTrip is the time from Publish to the end of Ack.
func BenchmarkRoundTrip(b *testing.B) {
	e := opened(b)
	ctx, cancel := context.WithCancel(b.Context())
	done, ended := make(chan error), make(chan error, 1)
	go func() {
		ended <- e.Receive(ctx, broker.Subscription{Topic: "t", Group: "g"}, func(d *broker.Delivery) {
			go func() { done <- d.Ack(b.Context()) }()
		})
	}()
	for n := 0; b.Loop(); n++ {
		if err := e.Publish(b.Context(), "t", batch(n, 1)...); err != nil {
			b.Fatal(err)
		}
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		b.Error(err)
	}
}
