package nats

import (
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
)

// Config of a Broker. The zero value works with a server on this machine.
type Config struct {
	// URL of the server, or several with commas between. Defaults to
	// nats://127.0.0.1:4222.
	URL string
	// Options of the connection, such as nats.UserCredentials and
	// nats.RootCAs. Those about reconnecting are set by this package.
	Options []nats.Option
	// NoCreate makes a topic without a stream an error, instead of making one.
	NoCreate bool
	// Replicas of streams that are made. Defaults to 1.
	Replicas int
	// MaxAge after which streams that are made drop messages, whether they were
	// received or not. Dead letters are kept for ever. Defaults to for ever.
	MaxAge time.Duration
	// Lease is how long a receiver may be silent, because its process is gone
	// or cut off, before another one of its group takes over. Defaults to 5
	// seconds.
	Lease time.Duration
	// Sole says that no other process uses the server, so that what an earlier
	// one left behind is taken over without waiting for its lease.
	Sole bool
	// Log gets what happens to the connection. Defaults to nobody.
	Log *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.URL == "" {
		c.URL = nats.DefaultURL
	}
	if c.Replicas < 1 {
		c.Replicas = 1
	}
	if c.Lease <= 0 {
		c.Lease = 5 * time.Second
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}
