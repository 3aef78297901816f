package nats

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/talix-dev/talix/broker"
)

// Broker is a broker.Broker on a NATS server.
type Broker struct {
	config Config
	conn   *nats.Conn
	js     jetstream.JetStream
	run    string // names this Broker among all that there ever were

	close bell // rings at Close
	lost  bell // rings when the connection was lost
	back  bell // rings when it is there again
	calls sync.WaitGroup

	mu      sync.Mutex // guards what follows
	closed  bool
	streams map[string]kept // by topic
	groups  jetstream.KeyValue
}

var _ broker.Broker = (*Broker)(nil)

// errLost: an answer will not come, since the connection is gone.
var errLost = errors.New("the connection to the NATS server was lost")

// Open connects to the server, or goes on trying in the background if it can't
// be reached. It fails if the server refuses the connection or has no JetStream.
func Open(c Config) (*Broker, error) {
	b := &Broker{config: c.withDefaults(), run: rand.Text(), streams: map[string]kept{}, close: bell{once: true}}
	var err error
	if b.conn, err = nats.Connect(b.config.URL, b.options()...); err != nil {
		return nil, fmt.Errorf("connect to NATS at %s: %w", b.config.URL, err)
	}
	if b.js, err = jetstream.New(b.conn, jetstream.WithPublishAsyncTimeout(operation)); err != nil {
		b.conn.Close()
		return nil, fmt.Errorf("connect to NATS at %s: %w", b.config.URL, err)
	}
	if err := b.probe(); err != nil {
		b.conn.Close()
		return nil, fmt.Errorf("connect to NATS at %s: %w", b.config.URL, err)
	}
	return b, nil
}

func (b *Broker) options() []nats.Option {
	log := b.config.Log
	return append([]nats.Option{nats.Name("talix")}, append(b.config.Options,
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(100*time.Millisecond),
		nats.ReconnectJitter(50*time.Millisecond, 200*time.Millisecond),
		nats.ReconnectBufSize(-1), // what can't be sent now is tried again, in order
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			log.Warn("NATS connection lost", "error", err)
			b.lost.ring()
		}),
		nats.ConnectHandler(func(*nats.Conn) { b.back.ring() }),
		nats.ReconnectHandler(func(*nats.Conn) { log.Info("NATS connection is back"); b.back.ring() }),
		nats.ClosedHandler(func(*nats.Conn) { b.lost.ring(); b.back.ring() }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { log.Warn("NATS", "error", err) }),
	)...)
}

// probe finds out whether the server has JetStream, if it is there.
func (b *Broker) probe() error {
	if !b.conn.IsConnected() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), operation)
	defer cancel()
	_, err := b.js.AccountInfo(ctx)
	if errors.Is(err, jetstream.ErrJetStreamNotEnabled) || errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount) {
		return fmt.Errorf("%w: start the server with -js, or enable it for the account", err)
	}
	return nil
}

// Close implements broker.Broker.
func (b *Broker) Close() error {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.close.ring()
	b.calls.Wait()
	b.conn.Close()
	return nil
}

// begin starts a call: its ctx ends when the broker is closed, and done must be
// called at its end.
func (b *Broker) begin(ctx context.Context) (_ context.Context, done func(), err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, nil, broker.ErrClosed
	}
	b.calls.Add(1)
	ctx, cancel := b.close.bind(ctx, broker.ErrClosed)
	return ctx, func() { cancel(); b.calls.Done() }, nil
}

// operation is how long the server may take to answer.
const operation = 5 * time.Second

// request is the ctx of one request: it ends when no answer can come any more.
func (b *Broker) request(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeoutCause(ctx, operation, errSilent)
	ctx, off := b.lost.bind(ctx, errLost)
	return ctx, func() { off(); cancel() }
}

// errSilent: the server did not answer in time.
var errSilent = errors.New("the NATS server did not answer in time")

// ended is the reason why a request ended, if it is that its call did.
func ended(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// pause waits before the n-th try, or until the connection is back.
func (b *Broker) pause(ctx context.Context, n int) {
	ctx, cancel := b.back.bind(ctx, nil)
	defer cancel()
	timer := time.NewTimer(min(10*time.Millisecond<<min(n, 10), time.Second))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// hopeless tells whether trying again is pointless.
func (b *Broker) hopeless(err error) error {
	if b.conn.IsClosed() { // which NATS does if the server refuses us again and again
		return fmt.Errorf("%w: %w (check the credentials in Config.Options)", err, b.conn.LastError())
	}
	var api *jetstream.APIError
	if !errors.As(err, &api) || api.Code >= 500 || api.Code == 404 || api.Code == 408 || api.Code == 429 {
		return nil
	}
	return err
}
