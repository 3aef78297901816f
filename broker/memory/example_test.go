package memory_test

import (
	"context"
	"fmt"
	"log"

	"github.com/talix-dev/talix/broker"
	"github.com/talix-dev/talix/broker/memory"
)

func Example() {
	ctx, cancel := context.WithCancel(context.Background())
	b := memory.New(memory.Config{})
	defer b.Close()
	if err := b.Publish(ctx, "orders", broker.Message{ID: "1", Key: "order-7", Data: []byte("paid")}); err != nil {
		log.Fatal(err)
	}
	err := b.Receive(ctx, broker.Subscription{Topic: "orders", Group: "billing"}, func(d *broker.Delivery) {
		fmt.Printf("%s %s %s\n", d.ID, d.Key, d.Data)
		if err := d.Ack(ctx); err != nil {
			log.Fatal(err)
		}
		cancel()
	})
	fmt.Println(err)
	// Output:
	// 1 order-7 paid
	// <nil>
}

// What acknowledges is told that it failed, and the message comes again.
func ExampleConfig_fault() {
	ctx, cancel := context.WithCancel(context.Background())
	lost := true
	b := memory.New(memory.Config{Fault: func(c memory.Call) memory.Fault {
		if c.Op == memory.Ack && lost {
			lost = false
			return memory.Fault{Before: memory.ErrInjected}
		}
		return memory.Fault{}
	}})
	defer b.Close()
	if err := b.Publish(ctx, "orders", broker.Message{ID: "1"}); err != nil {
		log.Fatal(err)
	}
	err := b.Receive(ctx, broker.Subscription{Topic: "orders", Group: "billing"}, func(d *broker.Delivery) {
		fmt.Println("delivery", d.Attempt)
		if err := d.Ack(ctx); err != nil {
			fmt.Println(err)
			err = d.Back(ctx)
			fmt.Println("back:", err)
			return
		}
		cancel()
	})
	fmt.Println(err)
	// Output:
	// delivery 1
	// ack message 1: injected fault
	// back: <nil>
	// delivery 2
	// <nil>
}
