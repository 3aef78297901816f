package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/talix-dev/talix/broker"
	"github.com/talix-dev/talix/broker/kafka"
)

// limit is how long to wait for what must happen.
const limit = time.Minute

func TestHopeless(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	for _, cs := range []struct {
		cfg         kafka.Config
		topic, want string
	}{
		{kafka.Config{}, "no topic", "choose another name for the topic"},
		{kafka.Config{Replicas: 5}, "t", "make the topic by hand"},
		{kafka.Config{Session: time.Hour}, "long", "set Session to what the servers allow"},
	} {
		b := openWith(t, c, cs.cfg)
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		err := b.Receive(ctx, broker.Subscription{Topic: cs.topic, Group: "g"}, func(*broker.Delivery) {})
		if err == nil || !strings.Contains(err.Error(), cs.want) {
			t.Errorf("Receive from %q with %+v = %v, want an error with %q", cs.topic, cs.cfg, err, cs.want)
		}
		cancel()
	}
}

// TestForeignRecords: what other programs write is received.
func TestForeignRecords(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	producer, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	at := time.UnixMilli(1_700_000_000_123)
	record := &kgo.Record{
		Topic: "t", Key: []byte("k"), Value: []byte("d"), Timestamp: at,
		Headers: []kgo.RecordHeader{{Key: "number", Value: []byte("n1")}},
	}
	if err := c.CreateTopic("t", 1, nil); err != nil {
		t.Fatal(err)
	}
	if err := producer.ProduceSync(t.Context(), record, record).FirstErr(); err != nil {
		t.Fatal(err)
	}
	for i, cs := range []struct {
		header string
		ids    [2]string
	}{
		{"", [2]string{"t/0/0", "t/0/1"}},
		{"number", [2]string{"n1", "n1"}},
		{"absent", [2]string{"t/0/0", "t/0/1"}},
	} {
		for n, d := range take(t, openWith(t, c, kafka.Config{IDHeader: cs.header}), fmt.Sprint("g", i), 2) {
			want := map[string]string{"number": "n1"}
			if d.ID != cs.ids[n] || d.Key != "k" || string(d.Data) != "d" || !d.Time.Equal(at) || !maps.Equal(d.Attributes, want) {
				t.Errorf("with IDHeader %q came %+v, want id %s", cs.header, d.Message, cs.ids[n])
			}
		}
	}
}

// TestCommitFails: Ack waits until the offset is committed, however often that
// fails.
func TestCommitFails(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	var refused atomic.Int64
	c.ControlKey(int16(kmsg.OffsetCommit), func(request kmsg.Request) (kmsg.Response, error, bool) {
		if refused.Add(1) > 3 {
			return nil, nil, false
		}
		c.KeepControl()
		return refuse(request.(*kmsg.OffsetCommitRequest)), nil, true
	})
	b := openWith(t, c, kafka.Config{})
	publish(t, b, "1", "2")
	take(t, b, "g", 1)
	if n := refused.Load(); n < 4 {
		t.Errorf("Ack returned after %d commits, of which the first three were refused", n)
	}
	if d := take(t, openWith(t, c, kafka.Config{}), "g", 1)[0]; d.ID != "2" {
		t.Errorf("after 1 was acknowledged came %s, want 2", d.ID)
	}
}

func refuse(request *kmsg.OffsetCommitRequest) kmsg.Response {
	response := request.ResponseKind().(*kmsg.OffsetCommitResponse)
	for _, rt := range request.Topics {
		topic := kmsg.NewOffsetCommitResponseTopic()
		topic.Topic, topic.TopicID = rt.Topic, rt.TopicID
		for _, rp := range rt.Partitions {
			p := kmsg.NewOffsetCommitResponseTopicPartition()
			p.Partition, p.ErrorCode = rp.Partition, kerr.CoordinatorLoadInProgress.Code
			topic.Partitions = append(topic.Partitions, p)
		}
		response.Topics = append(response.Topics, topic)
	}
	return response
}

// TestHandover: a partition moves to another receiver when nothing of it is in
// work, or after Handover at the latest; the Ack that comes later fails.
func TestHandover(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	short := kafka.Config{Session: session, Handover: 100 * time.Millisecond, Partitions: 2}
	b1, b2 := openWith(t, c, short), openWith(t, c, short)
	ids := []string{"1", "2", "3", "4", "5", "6", "7", "8"}
	publish(t, b1, ids...)
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	first, again := make(chan *broker.Delivery, 100), make(chan *broker.Delivery, 100)
	done := make(chan error, 2)
	receive := func(b *kafka.Broker, got chan *broker.Delivery) {
		done <- b.Receive(ctx, broker.Subscription{Topic: "t", Group: "g"}, func(d *broker.Delivery) { got <- d })
	}
	go receive(b1, first)
	held := map[string]*broker.Delivery{}
	for range ids {
		d := <-first
		held[d.ID] = d
	}
	go receive(b2, again)
	d := <-again // nothing was settled, so it waited for the end of Handover
	if err := held[d.ID].Ack(ctx); err == nil || !strings.Contains(err.Error(), "another receiver") {
		t.Errorf("Ack of a message whose partition has moved = %v, want an error that says so", err)
	}
	if err := d.Ack(ctx); err != nil {
		t.Errorf("Ack by the receiver that has the partition now: %v", err)
	}
	b1.Close()
	b2.Close()
	for range 2 {
		if err := <-done; !errors.Is(err, broker.ErrClosed) {
			t.Error(err)
		}
	}
}

func cluster(t *testing.T) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.DefaultNumPartitions(2), kfake.GroupMinSessionTimeout(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func openWith(t *testing.T, c *kfake.Cluster, cfg kafka.Config) *kafka.Broker {
	t.Helper()
	cfg.Servers = c.ListenAddrs()
	b, err := kafka.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// publish publishes messages of as many keys.
func publish(t *testing.T, b *kafka.Broker, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if err := b.Publish(t.Context(), "t", broker.Message{ID: id, Key: "k" + id}); err != nil {
			t.Fatal(err)
		}
	}
}

// take receives and acknowledges n messages.
func take(t *testing.T, b *kafka.Broker, group string, n int) []*broker.Delivery {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	var got []*broker.Delivery
	err := b.Receive(ctx, broker.Subscription{Topic: "t", Group: group, InFlight: 1}, func(d *broker.Delivery) {
		if got = append(got, d); len(got) == n {
			cancel()
		}
		if err := d.Ack(t.Context()); err != nil {
			t.Error(err)
		}
	})
	if err != nil || len(got) != n {
		t.Fatalf("%d messages came, want %d: %v", len(got), n, err)
	}
	return got
}
