// Package embedded is a broker with a NATS server in the process: queues and
// topics that need no server, in a folder. It does not listen on the network,
// and writes every message to disk before Publish returns.
//
// Topics, groups and messages are those of package nats. One process at a time
// can have a folder; for several processes start a NATS server.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	client "github.com/nats-io/nats.go"

	"github.com/talix-dev/talix/broker"
	"github.com/talix-dev/talix/broker/nats"
)

// Config of a Broker.
type Config struct {
	// Dir is the folder of the messages. It is made if it is missing. Defaults
	// to ./data/broker.
	Dir string
	// MaxAge after which topics drop messages, whether they were received or
	// not. Dead letters are kept for ever. Defaults to for ever.
	MaxAge time.Duration
	// MaxMessage is the size of a message with its attributes, in bytes, that
	// can be published. Defaults to 8 MB, and is 64 MB at most.
	MaxMessage int
	// Log gets what happens to the server. Defaults to nobody.
	Log *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.Dir == "" {
		c.Dir = filepath.Join("data", "broker")
	}
	if c.MaxMessage <= 0 {
		c.MaxMessage = 8 << 20
	}
	return c
}

// Broker is a broker.Broker with its server inside.
type Broker struct {
	*nats.Broker
	server *server.Server
	lock   *lock
}

var _ broker.Broker = (*Broker)(nil)

// Open starts the server on a folder, which no other process may have.
func Open(c Config) (_ *Broker, err error) {
	c = c.withDefaults()
	if err := os.MkdirAll(c.Dir, 0o750); err != nil {
		return nil, fmt.Errorf("make folder of the broker: %w", err)
	}
	b := &Broker{}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("open broker in %s: %w", c.Dir, err), b.stop())
		}
	}()
	if b.lock, err = lockDir(c.Dir); err != nil {
		return nil, err
	}
	if b.server, err = start(c); err != nil {
		return nil, err
	}
	b.Broker, err = nats.Open(nats.Config{
		Options: []client.Option{client.InProcessServer(b.server)},
		MaxAge:  c.MaxAge, Sole: true, Log: c.Log,
	})
	if err != nil {
		return nil, err
	}
	return b, nil
}

// readyWithin is how long the server may take to read its folder.
const readyWithin = 5 * time.Minute

func start(c Config) (*server.Server, error) {
	s, err := server.NewServer(&server.Options{
		ServerName: "talix", DontListen: true, NoSigs: true, NoLog: true, NoSystemAccount: true,
		JetStream: true, StoreDir: c.Dir, SyncAlways: true,
		MaxPayload: int32(min(c.MaxMessage, 64<<20)), //nolint:gosec // it is bounded
	})
	if err != nil {
		return nil, fmt.Errorf("make NATS server: %w", err)
	}
	if c.Log != nil {
		s.SetLoggerV2(logger{c.Log.With("from", "nats-server")}, false, false, false)
	}
	s.Start()
	if !s.ReadyForConnections(readyWithin) || !s.JetStreamEnabled() {
		s.Shutdown()
		return nil, errors.New("the NATS server did not start: its Log says why")
	}
	return s, nil
}

// Close implements broker.Broker, and stops the server.
func (b *Broker) Close() error {
	return errors.Join(b.Broker.Close(), b.stop())
}

// stop ends what was started, in the opposite order.
func (b *Broker) stop() error {
	if b.server != nil {
		b.server.Shutdown()
		b.server.WaitForShutdown()
	}
	if b.lock == nil {
		return nil
	}
	if err := b.lock.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("close lock file: %w", err)
	}
	return nil
}

// logger hands what the server says to slog.
type logger struct{ to *slog.Logger }

func (l logger) say(level slog.Level, format string, args []any) {
	l.to.Log(context.Background(), level, "NATS server", "says", fmt.Sprintf(format, args...))
}

func (l logger) Noticef(format string, v ...any) { l.say(slog.LevelDebug, format, v) }
func (l logger) Warnf(format string, v ...any)   { l.say(slog.LevelWarn, format, v) }
func (l logger) Fatalf(format string, v ...any)  { l.say(slog.LevelError, format, v) }
func (l logger) Errorf(format string, v ...any)  { l.say(slog.LevelError, format, v) }
func (l logger) Debugf(format string, v ...any)  { l.say(slog.LevelDebug, format, v) }
func (l logger) Tracef(format string, v ...any)  { l.say(slog.LevelDebug, format, v) }
