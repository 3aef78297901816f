package nats_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/talix-dev/talix/broker"
	"github.com/talix-dev/talix/broker/nats"
)

// A poison message goes to the dead-letter topic, which is received like any
// other.
func Example() {
	url, stop := serverForExample()
	defer stop()
	b, err := nats.Open(nats.Config{URL: url, MaxAge: 30 * 24 * time.Hour})
	if err != nil {
		log.Fatal(err)
	}
	defer b.Close()

	if err := b.Publish(context.Background(), "orders", broker.Message{ID: "1", Data: []byte("?")}); err != nil {
		log.Fatal(err)
	}
	one := func(topic string, settle func(context.Context, *broker.Delivery) error) {
		ctx, cancel := context.WithCancel(context.Background())
		err := b.Receive(ctx, broker.Subscription{Topic: topic, Group: "billing"}, func(d *broker.Delivery) {
			go func() {
				defer cancel()
				if err := settle(context.Background(), d); err != nil {
					log.Print(err)
				}
			}()
		})
		if err != nil {
			log.Print(err)
		}
	}
	one("orders", func(ctx context.Context, d *broker.Delivery) error { return d.Dead(ctx, "not JSON") })
	one(broker.DeadLetter("orders"), func(ctx context.Context, d *broker.Delivery) error {
		fmt.Println(d.ID, d.Attributes[broker.DeadReason])
		return d.Ack(ctx)
	})
	// Output: 1 not JSON
}

func serverForExample() (url string, stop func()) {
	dir, err := os.MkdirTemp("", "nats")
	if err != nil {
		log.Fatal(err)
	}
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true})
	if err != nil {
		log.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(time.Minute) {
		log.Fatal("the server does not start")
	}
	return s.ClientURL(), func() {
		s.Shutdown()
		s.WaitForShutdown()
		os.RemoveAll(dir)
	}
}
