package redis_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	miniserver "github.com/alicebob/miniredis/v2/server"
	client "github.com/redis/go-redis/v9"

	"github.com/talix-dev/talix/broker"
	"github.com/talix-dev/talix/broker/redis"
)

// limit is how long to wait for what must happen.
const limit = time.Minute

func TestConfig(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		cfg  redis.Config
		want string
	}{
		{redis.Config{Address: "localhost:6379"}, "must be like redis://127.0.0.1:6379"},
		{redis.Config{Lease: time.Millisecond}, "make it 1s or longer"},
	} {
		if _, err := redis.Open(c.cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Open(%+v) = %v, want an error with %q", c.cfg, err, c.want)
		}
	}
}

// TestVolatile: a server that may forget is refused, by both ways in.
func TestVolatile(t *testing.T) {
	t.Parallel()
	for _, settings := range [][]string{{"--appendonly", "no"}, {"--appendfsync", "everysec"}} {
		s := startServer(t, settings...)
		b := openWith(t, redis.Config{Address: s.address})
		if err := b.Publish(t.Context(), "t", broker.Message{ID: "1"}); err == nil || !strings.Contains(err.Error(), "set them to yes and always") {
			t.Errorf("Publish to a server with %s = %v, want an error that says what to set", settings, err)
		}
		err := b.Receive(t.Context(), broker.Subscription{Topic: "t", Group: "g"}, func(*broker.Delivery) {})
		if err == nil || !strings.Contains(err.Error(), "Config.Volatile") {
			t.Errorf("Receive from a server with %s = %v, want an error that names Volatile", settings, err)
		}
		careless := openWith(t, redis.Config{Address: s.address, Volatile: true})
		if err := careless.Publish(t.Context(), "t", broker.Message{ID: "1"}); err != nil {
			t.Errorf("Publish with Volatile: %v", err)
		}
	}
}

// TestSyncIsAskedFor: of a server that syncs every second and can be asked.
func TestSyncIsAskedFor(t *testing.T) {
	t.Parallel()
	asked, synced := new(atomic.Int64), new(atomic.Int64)
	m := miniredis.RunT(t)
	reply := func(c *miniserver.Peer, words ...string) {
		c.WriteLen(len(words))
		for _, w := range words {
			c.WriteBulk(w)
		}
	}
	m.Server().Register("CONFIG", func(c *miniserver.Peer, _ string, _ []string) {
		reply(c, "appendonly", "yes", "appendfsync", "everysec")
	})
	m.Server().Register("WAITAOF", func(c *miniserver.Peer, _ string, args []string) {
		if slices.Equal(args[:2], []string{"1", "1"}) {
			asked.Add(1)
		}
		c.WriteLen(2)
		c.WriteInt(int(synced.Load()))
		c.WriteInt(1)
	})
	b := openWith(t, redis.Config{Address: "redis://" + m.Addr(), Replicas: 1})
	if err := b.Publish(t.Context(), "t", broker.Message{ID: "1"}); err == nil || asked.Load() == 0 {
		t.Errorf("Publish that was not synced = %v after %d questions, want an error after one", err, asked.Load())
	}
	synced.Store(1)
	if err := b.Publish(t.Context(), "t", broker.Message{ID: "1"}); err != nil {
		t.Errorf("Publish that was synced: %v", err)
	}
}

func TestReplicas(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	b := openWith(t, redis.Config{Address: s.address, Replicas: 1})
	if err := b.Publish(t.Context(), "t", broker.Message{ID: "1"}); err == nil || !strings.Contains(err.Error(), "0 of 1") {
		t.Errorf("Publish to a server without replicas = %v, want an error that says so", err)
	}
}

func TestHopeless(t *testing.T) {
	t.Parallel()
	s := startServer(t, "--requirepass", "secret")
	raw := connect(t, strings.Replace(s.address, "redis://", "redis://:secret@", 1))
	if err := raw.Set(t.Context(), "taken", "x", 0).Err(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ password, topic, want string }{
		{"", "t", "set the user and password in Address"},
		{":wrong@", "t", "set the user and password in Address"},
		{":secret@", "taken", "choose another topic"},
	} {
		b := openWith(t, redis.Config{Address: strings.Replace(s.address, "redis://", "redis://"+c.password, 1)})
		err := b.Receive(t.Context(), broker.Subscription{Topic: c.topic, Group: "g"}, func(*broker.Delivery) {})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Receive from %s with password %q = %v, want an error with %q", c.topic, c.password, err, c.want)
		}
		if err := b.Publish(t.Context(), c.topic, broker.Message{ID: "1"}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Publish to %s with password %q = %v, want an error with %q", c.topic, c.password, err, c.want)
		}
	}
}

// TestForeignEntries: what other programs add is received.
func TestForeignEntries(t *testing.T) {
	t.Parallel()
	address := inProcess(t)
	raw := connect(t, address)
	id := raw.XAdd(t.Context(), &client.XAddArgs{Stream: "t", ID: "1700000000000-5", Values: []string{
		"data", "d", "customer", "c7", "number", "n1", "talix-attr-data", "x",
	}}).Val()
	want := map[string]string{"customer": "c7", "number": "n1", "data": "x"}
	for _, c := range []struct {
		cfg     redis.Config
		id, key string
	}{
		{redis.Config{}, "t/" + id, ""},
		{redis.Config{IDField: "number", KeyField: "customer"}, "n1", "c7"},
		{redis.Config{IDField: "absent", KeyField: "absent"}, "t/" + id, ""},
	} {
		c.cfg.Address = address
		d := first(t, openWith(t, c.cfg), "t", "group-"+c.id+c.cfg.IDField)
		if d.ID != c.id || d.Key != c.key || string(d.Data) != "d" || fmt.Sprint(d.Attributes) != fmt.Sprint(want) {
			t.Errorf("with %+v came %+v", c.cfg, d.Message)
		}
		if at := time.UnixMilli(1700000000000); !d.Time.Equal(at) {
			t.Errorf("its time is %v, want the entry's, %v", d.Time, at)
		}
	}
}

// TestStolenLease: a receiver that has lost its lease takes nothing any more,
// until it gets the lease again.
func TestStolenLease(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	raw := connect(t, s.address)
	lost := make(chan struct{}, 1)
	b := openWith(t, redis.Config{Address: s.address, Lease: time.Second, Log: slog.New(onLog(func(r slog.Record) {
		r.Attrs(func(a slog.Attr) bool {
			if strings.Contains(a.Value.String(), "TALIXLOST") {
				lost <- struct{}{}
			}
			return true
		})
	}))})
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	got := make(chan *broker.Delivery, 10)
	done := make(chan error, 1)
	receiving, stop := context.WithCancel(ctx)
	go func() {
		done <- b.Receive(receiving, broker.Subscription{Topic: "t", Group: "g"}, func(d *broker.Delivery) { got <- d })
	}()
	publish(t, b, "1")
	if err := (<-got).Ack(ctx); err != nil {
		t.Fatal(err)
	}
	key := "{t}:talix:lease:g"
	if err := raw.Set(ctx, key, "thief", 0).Err(); err != nil {
		t.Fatal(err)
	}
	publish(t, b, "2")
	<-lost
	if p := raw.XPending(ctx, "t", "g").Val(); p.Count != 0 || len(got) != 0 {
		t.Errorf("without the lease %d messages were taken and %d delivered", p.Count, len(got))
	}
	if err := raw.Del(ctx, key).Err(); err != nil {
		t.Fatal(err)
	}
	d := <-got
	if d.ID != "2" {
		t.Errorf("after the lease was free came %s, want 2", d.ID)
	}
	_ = d.Ack(ctx)
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if n := raw.Exists(t.Context(), key).Val(); n != 0 {
		t.Error("the lease is held though its receiver has ended")
	}
}

// TestAttempts: Redis counts them, across brokers.
func TestAttempts(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	publish(t, openWith(t, redis.Config{Address: s.address}), "1")
	for want := 1; want <= 5; want += 2 {
		b := openWith(t, redis.Config{Address: s.address})
		got := make(chan *broker.Delivery, 1)
		done := make(chan error, 1)
		go func() {
			done <- b.Receive(t.Context(), broker.Subscription{Topic: "t", Group: "g"}, func(d *broker.Delivery) { got <- d })
		}()
		d := <-got
		if d.Attempt != want {
			t.Errorf("attempt is %d, want %d", d.Attempt, want)
		}
		if err := d.Back(t.Context()); err != nil {
			t.Fatal(err)
		}
		if d := <-got; d.Attempt != want+1 {
			t.Errorf("given back, attempt is %d, want %d", d.Attempt, want+1)
		}
		b.Close()
		if err := <-done; !errors.Is(err, broker.ErrClosed) {
			t.Error(err)
		}
	}
}

// TestKeep: what every group has taken care of goes, nothing else.
func TestKeep(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	raw := connect(t, s.address)
	b := openWith(t, redis.Config{Address: s.address, Lease: time.Second, Keep: time.Millisecond})
	const n, slow = 1000, 500
	for range n / 100 {
		publish(t, b, slices.Repeat([]string{"x"}, 100)...)
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	// A group that has one message pending, in the middle.
	raw.XGroupCreate(ctx, "t", "slow", "0")
	entries := raw.XReadGroup(ctx, &client.XReadGroupArgs{Group: "slow", Consumer: "c", Streams: []string{"t", ">"}, Count: n}).Val()[0].Messages
	for i, e := range entries {
		if i != slow {
			raw.XAck(ctx, "t", "slow", e.ID)
		}
	}
	done := make(chan error, 1)
	receiving, stop := context.WithCancel(ctx)
	go func() {
		done <- b.Receive(receiving, broker.Subscription{Topic: "t", Group: "g"}, func(d *broker.Delivery) {
			if err := d.Ack(ctx); err != nil {
				t.Error(err)
			}
		})
	}()
	await(ctx, t, func() bool { return raw.XLen(ctx, "t").Val() <= n-slow+100 })
	left := raw.XRange(ctx, "t", "-", "+").Val()
	if left[0].ID > entries[slow].ID {
		t.Errorf("the stream begins with %s, though a group needs %s", left[0].ID, entries[slow].ID)
	}
	raw.XAck(ctx, "t", "slow", entries[slow].ID)
	await(ctx, t, func() bool { return raw.XLen(ctx, "t").Val() <= 100 })
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func openWith(t *testing.T, cfg redis.Config) *redis.Broker {
	t.Helper()
	b, err := redis.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func connect(t *testing.T, address string) *client.Client {
	t.Helper()
	options, err := client.ParseURL(address)
	if err != nil {
		t.Fatal(err)
	}
	options.MaxRetries = 20 // the server may be starting
	c := client.NewClient(options)
	t.Cleanup(func() { c.Close() })
	return c
}

func publish(t *testing.T, b *redis.Broker, ids ...string) {
	t.Helper()
	var ms []broker.Message
	for _, id := range ids {
		ms = append(ms, broker.Message{ID: id, Key: "k"})
	}
	if err := b.Publish(t.Context(), "t", ms...); err != nil {
		t.Fatal(err)
	}
}

// first receives one message.
func first(t *testing.T, b *redis.Broker, topic, group string) *broker.Delivery {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	var got *broker.Delivery
	err := b.Receive(ctx, broker.Subscription{Topic: topic, Group: group}, func(d *broker.Delivery) {
		got = d
		if err := d.Ack(t.Context()); err != nil {
			t.Error(err)
		}
		cancel()
	})
	if err != nil || got == nil {
		t.Fatalf("no message came: %v", err)
	}
	return got
}

func await(ctx context.Context, t *testing.T, so func() bool) {
	t.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for !so() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatal("what must happen did not")
		}
	}
}

// onLog calls a function for every record.
type onLog func(slog.Record)

func (h onLog) Enabled(context.Context, slog.Level) bool      { return true }
func (h onLog) Handle(_ context.Context, r slog.Record) error { h(r); return nil }
func (h onLog) WithAttrs([]slog.Attr) slog.Handler            { return h }
func (h onLog) WithGroup(string) slog.Handler                 { return h }
