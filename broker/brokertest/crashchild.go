package brokertest

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/talix-dev/talix/broker"
)

// What a child says, one line each, with a key and a number: that Publish has
// promised the message, that it was delivered, that it is about to be settled.
const (
	sayPublished = "brokertest-published"
	sayReceived  = "brokertest-received"
	saySettles   = "brokertest-settles"
)

// child is the process that gets killed.
type child struct {
	testing.TB
	broker broker.Broker
	order  order

	room chan struct{} // a token for each message that may be published and not received

	out sync.Mutex

	mu   sync.Mutex
	held []*broker.Delivery
}

// runChild publishes and receives until the process is killed.
func runChild(tb testing.TB, open func(testing.TB, string) (broker.Broker, error), o order) {
	c := &child{TB: tb, order: o, room: make(chan struct{}, 300)}
	var err error
	if c.broker, err = open(tb, o.address); err != nil {
		c.fail("open broker: %v", err)
	}
	for k := range crashKeys {
		go c.publish(k)
	}
	err = c.broker.Receive(tb.Context(), broker.Subscription{Topic: o.topic, Group: crashGroup, InFlight: 32}, c.deliver)
	c.fail("Receive ended: %v", err)
}

func (c *child) publish(key int) {
	name := strconv.Itoa(key)
	for n := c.order.promised[key]; ; {
		count := 1 + n%3 // in one call
		for range count {
			c.room <- struct{}{}
		}
		if err := c.broker.Publish(c.Context(), c.order.topic, messages(name, n+1, n+count)...); err != nil {
			c.fail("publish: %v", err)
		}
		n += count
		c.say(sayPublished, message(name, n).ID)
	}
}

// deliver holds every seventh message for a long time, and settles the others.
func (c *child) deliver(d *broker.Delivery) {
	c.say(sayReceived, d.ID)
	select {
	case <-c.room:
	default:
	}
	n, _ := strconv.Atoi(d.ID[strings.Index(d.ID, "/")+1:])
	if n%7 == 3 {
		d = c.hold(d)
	}
	if d != nil {
		go c.settle(d)
	}
}

// hold keeps a message, and lets the oldest go if there are many.
func (c *child) hold(d *broker.Delivery) *broker.Delivery {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held = append(c.held, d)
	if len(c.held) < 16 {
		return nil
	}
	d, c.held = c.held[0], c.held[1:]
	return d
}

func (c *child) settle(d *broker.Delivery) {
	c.say(saySettles, d.ID)
	if err := d.Ack(c.Context()); err != nil {
		c.fail("acknowledge: %v", err)
	}
}

func (c *child) say(what, id string) {
	c.out.Lock()
	_, err := fmt.Fprintln(os.Stdout, what, strings.Replace(id, "/", " ", 1))
	c.out.Unlock()
	if err != nil {
		os.Exit(1) // nobody listens any more
	}
}

func (c *child) fail(format string, args ...any) {
	c.out.Lock()
	_, _ = io.WriteString(os.Stdout, fmt.Sprintf(format, args...)+"\n")
	os.Exit(1)
}
