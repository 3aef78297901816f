package kafka_test

import (
	"context"
	"fmt"
	"log"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/talix-dev/talix/broker"
	"github.com/talix-dev/talix/broker/kafka"
)

func Example() {
	server, err := kfake.NewCluster() // or a Kafka
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	b, err := kafka.Open(kafka.Config{Servers: server.ListenAddrs(), Partitions: 12})
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
	// Output: 1 customer-7 {"total": 12}
}
