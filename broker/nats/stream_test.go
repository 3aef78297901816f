package nats_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/talix-dev/talix/broker"
	"github.com/talix-dev/talix/broker/nats"
)

// inProcess is a server in the test's own process, for what needs no kill.
func inProcess(t *testing.T, change func(*server.Options)) *server.Server {
	t.Helper()
	o := &server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true}
	if change != nil {
		change(o)
	}
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(time.Minute) {
		t.Fatal("the server does not start")
	}
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	return s
}

// world is a server, a broker on it, and the client library to look behind it.
type world struct {
	*testing.T
	server *server.Server
	broker *nats.Broker
	js     jetstream.JetStream
}

func newWorld(t *testing.T, c nats.Config) *world {
	t.Helper()
	w := &world{T: t, server: inProcess(t, nil)}
	c.URL = w.server.ClientURL()
	w.broker = w.open(c)
	conn, err := client.Connect(c.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	if w.js, err = jetstream.New(conn); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) open(c nats.Config) *nats.Broker {
	w.Helper()
	b, err := nats.Open(c)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() {
		if err := b.Close(); err != nil {
			w.Errorf("close: %v", err)
		}
	})
	return b
}

func (w *world) stream(c jetstream.StreamConfig) {
	w.Helper()
	if _, err := w.js.CreateStream(w.Context(), c); err != nil {
		w.Fatal(err)
	}
}

func (w *world) publish(topic string, ms ...broker.Message) {
	w.Helper()
	if err := w.broker.Publish(w.Context(), topic, ms...); err != nil {
		w.Fatal(err)
	}
}

// take receives n messages and acknowledges them.
func (w *world) take(topic string, n int) []*broker.Delivery {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), time.Minute)
	defer cancel()
	var got []*broker.Delivery
	err := w.broker.Receive(ctx, broker.Subscription{Topic: topic, Group: "g", InFlight: 1}, func(d *broker.Delivery) {
		got = append(got, d)
		if len(got) == n {
			cancel()
		}
		w.settle(d.Ack(context.WithoutCancel(ctx)))
	})
	if err != nil || len(got) != n {
		w.Fatalf("%d messages came, want %d (%v)", len(got), n, err)
	}
	return got
}

func (w *world) settle(err error) {
	if err != nil {
		w.Errorf("settle: %v", err)
	}
}

// TestForeignMessages: what others publish is received too.
func TestForeignMessages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nats.Config{})
	w.stream(jetstream.StreamConfig{Name: "SHOP", Subjects: []string{"shop.>"}})
	for _, m := range []*client.Msg{
		{Subject: "shop.a", Data: []byte("1")},
		{Subject: "shop.b", Data: []byte("2"), Header: client.Header{"Nats-Msg-Id": {"x"}, "Two": {"a", "b"}, "Bad": {"\xff"}}},
		{Subject: "shop.a", Data: []byte("3"), Header: client.Header{"Talix-More": {"not base64"}, "Talix-Time": {"never"}}},
	} {
		if _, err := w.js.PublishMsg(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	got := w.take("shop.>", 3)
	for i, want := range []struct{ id, key string }{{"SHOP/1", "shop.a"}, {"x", "shop.b"}, {"SHOP/3", "shop.a"}} {
		if d := got[i]; d.ID != want.id || d.Key != want.key || string(d.Data) != fmt.Sprint(i+1) || d.Time.IsZero() {
			t.Errorf("message %d is %+v, want id %q and key %q", i+1, d.Message, want.id, want.key)
		}
	}
	if a := got[1].Attributes; a["Two"] != "a, b" || a["Bad"] != "\uFFFD" || len(a) != 2 {
		t.Errorf("its attributes are %q", a)
	}
	if one := w.take("shop.b", 1); one[0].ID != "x" || one[0].Key != "" {
		t.Errorf("by its own subject it is %+v", one[0].Message)
	}
}

func TestDeadLettersOfAWildcard(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nats.Config{})
	w.stream(jetstream.StreamConfig{Name: "SHOP", Subjects: []string{"shop.>"}})
	w.publish("shop.a", broker.Message{ID: "1", Key: "k"})
	ctx, cancel := context.WithCancel(t.Context())
	err := w.broker.Receive(ctx, broker.Subscription{Topic: "shop.*", Group: "g"}, func(d *broker.Delivery) {
		go func() { defer cancel(); w.settle(d.Dead(t.Context(), strings.Repeat("long ", 1000))) }()
	})
	if err != nil {
		t.Fatal(err)
	}
	d := w.take("shop-dead", 1)[0]
	if d.ID != "1" || d.Key != "k" || d.Attributes[broker.DeadTopic] != "shop.*" || len(d.Attributes[broker.DeadReason]) != 1000 {
		t.Errorf("the dead letter is %+v", d.Message)
	}
}

// TestDeadLetterOfTheLargest: what could be published can be dead-lettered.
func TestDeadLetterOfTheLargest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nats.Config{})
	large := broker.Message{ID: "1", Data: make([]byte, 1<<20-5<<10)}
	w.publish("t", large)
	large.Data = make([]byte, 1<<20-4<<10)
	if err := w.broker.Publish(t.Context(), "t", large); !errors.Is(err, broker.ErrTooLarge) {
		t.Errorf("Publish of what leaves no room says %v, want ErrTooLarge", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err := w.broker.Receive(ctx, broker.Subscription{Topic: "t", Group: strings.Repeat("g", 200)}, func(d *broker.Delivery) {
		go func() { defer cancel(); w.settle(d.Dead(t.Context(), strings.Repeat("ü", 3000))) }()
	})
	if err != nil {
		t.Fatal(err)
	}
	w.take("t-dead", 1)
}

func TestStreamsAreMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nats.Config{MaxAge: time.Hour})
	w.publish("a.b", broker.Message{ID: "1"})
	w.publish("a.b-dead", broker.Message{ID: "1"})
	for topic, age := range map[string]time.Duration{"a.b": time.Hour, "a.b-dead": 0} {
		name, err := w.js.StreamNameBySubject(t.Context(), topic)
		if err != nil {
			t.Fatal(err)
		}
		s, err := w.js.Stream(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		c := s.CachedInfo().Config
		if c.MaxAge != age || len(c.Subjects) != 1 || c.Retention != jetstream.LimitsPolicy || c.Storage != jetstream.FileStorage {
			t.Errorf("the stream of %s is %+v", topic, c)
		}
	}
}

// TestHopeless: errors that waiting does not mend say what to do.
func TestHopeless(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nats.Config{NoCreate: true})
	w.stream(jetstream.StreamConfig{Name: "JOBS", Subjects: []string{"jobs"}, Retention: jetstream.WorkQueuePolicy})
	w.stream(jetstream.StreamConfig{Name: "SMALL", Subjects: []string{"small"}, MaxMsgSize: 1000})
	publish := func(topic string, size int) error {
		return w.broker.Publish(t.Context(), topic, broker.Message{ID: "1", Data: make([]byte, size)})
	}
	receive := func(topic string) error {
		return w.broker.Receive(t.Context(), broker.Subscription{Topic: topic, Group: "g"}, func(*broker.Delivery) {})
	}
	for name, test := range map[string]struct {
		err  error
		says string
	}{
		"publish without a stream": {publish("none", 1), "nats stream add"},
		"receive without a stream": {receive("none"), "nats stream add"},
		"receive a wildcard":       {receive("none.>"), "nats stream add"},
		"publish to a wildcard":    {publish("none.*", 1), "only be received"},
		"publish to no subject":    {publish("a b", 1), "no subject"},
		"receive no subject":       {receive("a..b"), "no subject"},
		"receive a work queue":     {receive("jobs"), "workqueue"},
		"the stream's own limit":   {publish("small", 2000), broker.ErrTooLarge.Error()},
		"bad message":              {w.broker.Publish(t.Context(), "small", broker.Message{ID: "\xff"}), "UTF-8"},
	} {
		if test.err == nil || !strings.Contains(test.err.Error(), test.says) {
			t.Errorf("%s: the error is %v, want something of %q", name, test.err, test.says)
		}
	}
}

// TestStreamMadeAnew: the group begins anew with it, though its sequences are
// below those of the old one; also while it receives.
func TestStreamMadeAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nats.Config{Lease: time.Second})
	for n := range 5 {
		w.publish("t", broker.Message{ID: fmt.Sprint("old", n)})
	}
	w.take("t", 5)
	w.delete("t")
	w.publish("t", broker.Message{ID: "new1"})
	if d := w.take("t", 1)[0]; d.ID != "new1" {
		t.Errorf("message %s came, want new1", d.ID)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	w.publish("t", broker.Message{ID: "new2"})
	var ids []string
	err := w.broker.Receive(ctx, broker.Subscription{Topic: "t", Group: "g"}, func(d *broker.Delivery) {
		ids = append(ids, d.ID)
		w.settle(d.Ack(t.Context()))
		if d.ID == "newest" {
			cancel()
			return
		}
		w.delete("t")
		w.publish("t", broker.Message{ID: "newest"})
	})
	if err != nil || len(ids) != 2 {
		t.Errorf("received were %q (%v), want new2 and newest", ids, err)
	}
}

func (w *world) delete(topic string) {
	w.Helper()
	if err := w.js.DeleteStream(w.Context(), topic); err != nil {
		w.Error(err)
	}
}

// TestStreamThatLostItsEnd: a power cut may take the last messages of a stream
// and leave the group's record, which then must not hide those that come.
func TestStreamThatLostItsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nats.Config{})
	w.publish("t", broker.Message{ID: "1"})
	w.take("t", 1)
	kv, err := w.js.KeyValue(t.Context(), "talix-groups")
	if err != nil {
		t.Fatal(err)
	}
	entry, err := kv.Get(t.Context(), "t/g")
	if err != nil {
		t.Fatal(err)
	}
	ahead := strings.Replace(string(entry.Value()), `"floor":1`, `"floor":1000`, 1)
	if _, err := kv.PutString(t.Context(), "t/g", ahead); err != nil || ahead == string(entry.Value()) {
		t.Fatalf("the record is %s (%v)", entry.Value(), err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	came := make(chan string, 10)
	go func() {
		done <- w.broker.Receive(ctx, broker.Subscription{Topic: "t", Group: "g"}, func(d *broker.Delivery) {
			came <- d.ID
			w.settle(d.Ack(t.Context()))
		})
	}()
	for owned := false; !owned; { // the record is read before the message comes
		entry, err := kv.Get(t.Context(), "t/g")
		if err != nil {
			t.Fatal(err)
		}
		owned = strings.Contains(string(entry.Value()), `"owner"`)
	}
	w.publish("t", broker.Message{ID: "2"})
	select {
	case id := <-came:
		if id != "2" {
			t.Errorf("message %s came, want 2", id)
		}
	case <-time.After(time.Minute):
		t.Error("no message came")
	}
	cancel()
	w.settle(<-done)
}

func TestServersThatRefuse(t *testing.T) {
	t.Parallel()
	plain := inProcess(t, func(o *server.Options) { o.JetStream = false })
	if _, err := nats.Open(nats.Config{URL: plain.ClientURL()}); err == nil || !strings.Contains(err.Error(), "-js") {
		t.Errorf("Open without JetStream says %v", err)
	}
	guarded := inProcess(t, func(o *server.Options) { o.Authorization = "token" })
	b, err := nats.Open(nats.Config{URL: guarded.ClientURL()})
	if err == nil {
		err = b.Publish(t.Context(), "t", broker.Message{ID: "1"})
		b.Close()
	}
	if err == nil || !strings.Contains(strings.ToLower(err.Error()), "authorization") {
		t.Errorf("without credentials the error is %v", err)
	}
	b, err = nats.Open(nats.Config{URL: guarded.ClientURL(), Options: []client.Option{client.Token("token")}})
	if err != nil {
		t.Fatal(err)
	}
	b.Close()
}
