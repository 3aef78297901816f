package redis_test

import (
	"context"
	"fmt"
	"log"

	"github.com/alicebob/miniredis/v2"

	"github.com/talix-dev/talix/broker"
	"github.com/talix-dev/talix/broker/redis"
)

func Example() {
	server, err := miniredis.Run() // or a Redis with appendonly yes and appendfsync always
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	b, err := redis.Open(redis.Config{Address: "redis://" + server.Addr()})
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
