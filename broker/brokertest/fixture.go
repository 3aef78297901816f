package brokertest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/talix-dev/talix/broker"
)

// limit is how long a case waits for what must happen. It is long because a
// loaded machine is slow; a broker that passes never waits so long.
const limit = 90 * time.Second

// fixture is a broker with a topic of its own, and what cases need to speak to
// it tersely.
type fixture struct {
	testing.TB
	factory Factory
	broker  broker.Broker
	topic   string
	ctx     context.Context //nolint:containedctx // of the case: it ends when waiting has become pointless
	cancel  context.CancelFunc

	mu     sync.Mutex
	opened []broker.Broker
	work   sync.WaitGroup // receivers
}

func newFixture(tb testing.TB, factory Factory, limit time.Duration) *fixture {
	tb.Helper()
	if factory.Features.Single {
		factory.Address = filepath.Join(factory.Address, unique())
	}
	f := &fixture{TB: tb, factory: factory, topic: "topic-" + unique()}
	f.ctx, f.cancel = context.WithTimeout(tb.Context(), limit)
	f.broker = f.open()
	return f
}

// unique is part of a name that nobody used before.
func unique() string {
	var b [6]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// open connects one more broker.
func (f *fixture) open() broker.Broker {
	f.Helper()
	b, err := f.factory.Open(f.TB, f.factory.Address)
	if err != nil {
		f.Fatalf("open broker: %v", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.opened = append(f.opened, b)
	return b
}

// another is one more broker where there can be several, else the first.
func (f *fixture) another() broker.Broker {
	f.Helper()
	if f.factory.Features.Single {
		return f.broker
	}
	return f.open()
}

// reopen closes a broker, with what it has in flight, and opens another one.
func (f *fixture) reopen(b broker.Broker) broker.Broker {
	f.Helper()
	f.close(b)
	again := f.open()
	if b == f.broker {
		f.broker = again
	}
	return again
}

func (f *fixture) close(b broker.Broker) {
	f.Helper()
	f.mu.Lock()
	f.opened = slices.DeleteFunc(f.opened, func(o broker.Broker) bool { return o == b })
	f.mu.Unlock()
	if err := b.Close(); err != nil {
		f.Errorf("close broker: %v", err)
	}
}

// shut closes every broker, which ends the receivers.
func (f *fixture) shut() {
	f.Helper()
	for _, b := range slices.Clone(f.opened) {
		f.close(b)
	}
	f.work.Wait()
	f.cancel()
}

// message is the n-th message of a key.
func message(key string, n int) broker.Message {
	id := fmt.Sprintf("%s/%d", key, n)
	return broker.Message{ID: id, Key: key, Data: []byte(id)}
}

// messages are those of a key from a number to another, both included.
func messages(key string, from, to int) []broker.Message {
	var ms []broker.Message
	for n := from; n <= to; n++ {
		ms = append(ms, message(key, n))
	}
	return ms
}

func (f *fixture) publish(ms ...broker.Message) {
	f.Helper()
	f.publishTo(f.broker, f.topic, ms...)
}

func (f *fixture) publishTo(b broker.Broker, topic string, ms ...broker.Message) {
	f.Helper()
	if err := b.Publish(f.ctx, topic, ms...); err != nil {
		f.Fatalf("publish: %v", err)
	}
}

// wantIDs checks which messages came, in this order.
func (f *fixture) wantIDs(got []*broker.Delivery, want ...broker.Message) {
	f.Helper()
	if g, w := idsOf(got), messageIDs(want); !slices.Equal(g, w) {
		f.Fatalf("got the messages %s, want %s", strings.Join(g, " "), strings.Join(w, " "))
	}
}

// wantSet checks which messages came, in any order.
func (f *fixture) wantSet(got []*broker.Delivery, want ...broker.Message) {
	f.Helper()
	g, w := idsOf(got), messageIDs(want)
	slices.Sort(g)
	slices.Sort(w)
	if !slices.Equal(g, w) {
		f.Fatalf("got the messages %s, want, in any order, %s", strings.Join(g, " "), strings.Join(w, " "))
	}
}

func idsOf(ds []*broker.Delivery) []string {
	var ids []string
	for _, d := range ds {
		ids = append(ids, d.ID)
	}
	return ids
}

func messageIDs(ms []broker.Message) []string {
	var ids []string
	for _, m := range ms {
		ids = append(ids, m.ID)
	}
	return ids
}

// poll waits until something is so.
func (f *fixture) poll(so func() bool, otherwise string) {
	f.Helper()
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	for !so() {
		select {
		case <-ticker.C:
		case <-f.ctx.Done():
			f.Fatal(otherwise)
		}
	}
}

// moment is how long a case lets pass where something must not happen. One
// that is too short can only overlook a fault.
const moment = 200 * time.Millisecond

// quiet checks that a channel gives nothing for a moment.
func quiet[T any](f *fixture, c <-chan T, otherwise string) {
	f.Helper()
	timer := time.NewTimer(moment)
	defer timer.Stop()
	select {
	case v := <-c:
		f.Fatalf("%s (%v)", otherwise, v)
	case <-timer.C:
	}
}
