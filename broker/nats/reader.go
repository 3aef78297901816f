package nats

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/talix-dev/talix/broker"
)

// incoming is a message with its sequence in the stream.
type incoming struct {
	seq     uint64
	message broker.Message
}

// reader reads the messages of a topic in the order of the stream, each once,
// by consumers that last as long as the connection does.
type reader struct {
	broker *Broker
	stream string
	topic  string
	next   uint64 // the sequence to go on with
	ahead  int    // how many messages to ask for
	// sink takes a message over, and may wait with it.
	sink func(ctx context.Context, m incoming) error
}

// errGap: messages were lost on their way.
var errGap = errors.New("a message of the consumer is missing")

// run reads until ctx ends or going on is hopeless.
func (r *reader) run(ctx context.Context) error {
	for fails := 0; ; fails++ {
		before := r.next
		if err := r.hopeless(r.pass(ctx)); err != nil || ctx.Err() != nil {
			return err
		}
		if r.next > before {
			fails = 0
		}
		r.broker.pause(ctx, fails)
	}
}

// hopeless tells whether trying again is pointless.
func (r *reader) hopeless(err error) error {
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return err
	}
	return r.broker.hopeless(err)
}

// silence is how long the server may say nothing until it counts as gone.
const silence = 2 * time.Second

// pass reads with one consumer.
func (r *reader) pass(ctx context.Context) error {
	consumer, err := r.consume(ctx)
	if err != nil {
		return err
	}
	defer r.drop(ctx, consumer)
	messages, err := consumer.Messages(
		jetstream.PullMaxMessages(r.ahead), jetstream.PullExpiry(30*time.Second), jetstream.PullHeartbeat(silence))
	if err != nil {
		return fmt.Errorf("ask for messages: %w", err)
	}
	defer messages.Stop()
	ctx, cancel := r.broker.lost.bind(ctx, errLost)
	defer cancel()
	for n := uint64(1); ; n++ {
		m, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return err
		}
		if err := r.handOn(ctx, m, n); err != nil {
			return err
		}
	}
}

// handOn hands one message on, the n-th of its consumer.
func (r *reader) handOn(ctx context.Context, m jetstream.Msg, n uint64) error {
	meta, err := m.Metadata()
	if err != nil {
		return fmt.Errorf("read metadata: %w", err)
	}
	if meta.Sequence.Consumer != n {
		return errGap
	}
	if err := r.sink(ctx, incoming{meta.Sequence.Stream, decode(r.topic, m, meta)}); err != nil {
		return err
	}
	r.next = meta.Sequence.Stream + 1
	return nil
}

func (r *reader) consume(ctx context.Context) (jetstream.Consumer, error) {
	ctx, cancel := r.broker.request(ctx)
	defer cancel()
	return r.broker.js.CreateConsumer(ctx, r.stream, jetstream.ConsumerConfig{
		FilterSubject: r.topic, DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: r.next,
		AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true, Replicas: 1, InactiveThreshold: 30 * time.Second,
	})
}

// drop deletes the consumer, which the server does by itself, later, if this
// fails.
func (r *reader) drop(ctx context.Context, consumer jetstream.Consumer) {
	if !r.broker.conn.IsConnected() {
		return
	}
	ctx, cancel := r.broker.request(context.WithoutCancel(ctx))
	defer cancel()
	_ = r.broker.js.DeleteConsumer(ctx, r.stream, consumer.CachedInfo().Name)
}
