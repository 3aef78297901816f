package rabbitmq_test

import (
	"context"
	"fmt"
	"log"

	"github.com/talix-dev/talix/broker"
	"github.com/talix-dev/talix/broker/rabbitmq"
)

// It needs a server, so it is only compiled.
func Example() {
	b, err := rabbitmq.Open(rabbitmq.Config{Address: "amqp://guest:guest@127.0.0.1:5672/"})
	if err != nil {
		log.Fatal(err)
	}
	defer b.Close()

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if err := b.Publish(ctx, "orders", broker.Message{ID: "1", Key: "customer-7", Data: []byte(`{"total": 12}`)}); err != nil {
		log.Fatal(err)
	}
	err = b.Receive(ctx, broker.Subscription{Topic: "orders", Group: "billing"}, func(d *broker.Delivery) {
		fmt.Println(d.ID, d.Key, string(d.Data))
		if err := d.Ack(ctx); err != nil {
			log.Fatal(err)
		}
		cancel() // one is enough here
	})
	if err != nil {
		log.Fatal(err)
	}
}
