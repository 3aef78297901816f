package embedded_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/talix-dev/talix/broker"
	"github.com/talix-dev/talix/broker/nats/embedded"
)

func Example() {
	dir, err := os.MkdirTemp("", "broker")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	b, err := embedded.Open(embedded.Config{Dir: dir})
	if err != nil {
		log.Fatal(err)
	}
	defer b.Close()

	ctx, cancel := context.WithCancel(context.Background())
	if err := b.Publish(ctx, "orders", broker.Message{ID: "1", Key: "order-7", Data: []byte("paid")}); err != nil {
		log.Fatal(err)
	}
	err = b.Receive(ctx, broker.Subscription{Topic: "orders", Group: "billing"}, func(d *broker.Delivery) {
		fmt.Printf("%s %s %s\n", d.ID, d.Key, d.Data)
		go func() {
			defer cancel()
			if err := d.Ack(context.Background()); err != nil {
				log.Print(err)
			}
		}()
	})
	fmt.Println(err)
	// Output:
	// 1 order-7 paid
	// <nil>
}
