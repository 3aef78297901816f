package rabbitmq_test

import (
	"context"
	"maps"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/talix-dev/talix/broker"
	"github.com/talix-dev/talix/broker/rabbitmq"
)

// limit is how long to wait for what must happen.
const limit = time.Minute

func TestConfig(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		cfg  rabbitmq.Config
		want string
	}{
		{rabbitmq.Config{Address: "localhost:5672"}, "must be like amqp://"},
		{rabbitmq.Config{Heartbeat: time.Millisecond}, "make it 1s or longer"},
	} {
		if _, err := rabbitmq.Open(c.cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Open(%+v) = %v, want an error with %q", c.cfg, err, c.want)
		}
	}
}

func TestHopeless(t *testing.T) {
	t.Parallel()
	address := given(t)
	ch := channel(t, address)
	if _, err := ch.QueueDeclare("a-classic-queue", true, false, false, false, nil); err != nil {
		t.Fatal(err)
	}
	body := amqp.Publishing{Body: []byte("x")}
	if err := ch.PublishWithContext(t.Context(), "", "a-classic-queue", true, false, body); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ address, topic, want string }{
		{strings.Replace(address, "guest:guest", "guest:wrong", 1), "t", "set the user and password in Address"},
		{address + "absent", "t", "set a vhost in Address"},
		{address, "amq.topic", "allow the user"},
		{address, "a-classic-queue", "is no stream"},
	} {
		b := openWith(t, rabbitmq.Config{Address: c.address})
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		err := b.Receive(ctx, broker.Subscription{Topic: c.topic, Group: "g"}, func(*broker.Delivery) {})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Receive from %s at %s = %v, want an error with %q", c.topic, c.address, err, c.want)
		}
		cancel()
	}
}

// TestForeignMessages: what other programs publish to the exchange is received.
func TestForeignMessages(t *testing.T) {
	t.Parallel()
	address := given(t)
	topic := "foreign-" + t.Name() + time.Now().Format("150405.000000000")
	b := openWith(t, rabbitmq.Config{Address: address})
	if err := b.Publish(t.Context(), topic, broker.Message{ID: "first"}); err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1_700_000_000, 0)
	err := channel(t, address).PublishWithContext(t.Context(), topic, "any.key", true, false, amqp.Publishing{
		ContentType: "text/plain", Timestamp: at, Body: []byte("d"),
		Headers: amqp.Table{"customer": "c7", "number": int32(5), "flag": true, "talix-attr-CC": "x"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"customer": "c7", "number": "5", "flag": "true", "CC": "x", "content-type": "text/plain"}
	for _, c := range []struct {
		cfg rabbitmq.Config
		key string
	}{
		{rabbitmq.Config{}, ""},
		{rabbitmq.Config{KeyHeader: "customer"}, "c7"},
	} {
		c.cfg.Address = address
		d := take(t, openWith(t, c.cfg), topic, "group"+c.key, 2)[1]
		if d.ID != topic+"/1" || d.Key != c.key || string(d.Data) != "d" || !maps.Equal(d.Attributes, want) || !d.Time.Equal(at) {
			t.Errorf("with %+v came %+v", c.cfg, d.Message)
		}
	}
}

// TestHeadersTooLarge: they would not fit into a frame, and the server would
// end the connection.
func TestHeadersTooLarge(t *testing.T) {
	t.Parallel()
	b := openWith(t, rabbitmq.Config{})
	m := broker.Message{ID: "1", Attributes: map[string]string{"a": strings.Repeat("x", 200_000)}}
	if err := b.Publish(t.Context(), "t", m); err == nil || !strings.Contains(err.Error(), broker.ErrTooLarge.Error()) {
		t.Errorf("Publish = %v, want ErrTooLarge", err)
	}
}

// TestQuorum: with the default settings, the position of a group is in a quorum
// queue, and is there after a crash of the server.
func TestQuorum(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	b := openWith(t, rabbitmq.Config{Address: s.address, Heartbeat: heartbeat})
	if err := b.Publish(t.Context(), "t", messages("1", "2", "3")...); err != nil {
		t.Fatal(err)
	}
	take(t, b, "t", "g", 2)
	s.await(t, func() bool { return s.wrote(t, "quorum", "talix-group:t/g") }, "write down its quorum queue")
	s.kill(t)
	s.start(t)
	for _, d := range take(t, b, "t", "g", 1) {
		if d.ID != "3" {
			t.Errorf("after a crash of the server came %s, want 3", d.ID)
		}
	}
}

func openWith(t *testing.T, cfg rabbitmq.Config) *rabbitmq.Broker {
	t.Helper()
	b, err := rabbitmq.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func channel(t *testing.T, address string) *amqp.Channel {
	t.Helper()
	c, err := amqp.Dial(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	ch, err := c.Channel()
	if err != nil {
		t.Fatal(err)
	}
	return ch
}

func messages(ids ...string) []broker.Message {
	var ms []broker.Message
	for _, id := range ids {
		ms = append(ms, broker.Message{ID: id, Key: "k"})
	}
	return ms
}

// take receives and acknowledges n messages.
func take(t *testing.T, b *rabbitmq.Broker, topic, group string, n int) []*broker.Delivery {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), boot)
	defer cancel()
	var got []*broker.Delivery
	s := broker.Subscription{Topic: topic, Group: group, InFlight: 1}
	err := b.Receive(ctx, s, func(d *broker.Delivery) {
		if got = append(got, d); len(got) == n {
			cancel()
		}
		if err := d.Ack(context.WithoutCancel(ctx)); err != nil {
			t.Error(err)
		}
	})
	if err != nil || len(got) != n {
		t.Fatalf("%d messages came, want %d: %v", len(got), n, err)
	}
	return got
}
