package redis

import (
	"cmp"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/talix-dev/talix/broker"
)

// Config is what Open needs. The zero value means a Redis on this machine.
type Config struct {
	// Address is a URL such as rediss://user:password@host:6379/0, with the
	// parameters that go-redis takes. Defaults to redis://127.0.0.1:6379.
	Address string
	// Lease is how long a receiver may be silent before another one of its
	// group takes its messages over. Defaults to 15 seconds, at least 1 second.
	Lease time.Duration
	// Keep is how long messages that every group has taken care of are kept,
	// for groups that are still to come. Defaults to for ever.
	Keep time.Duration
	// Replicas is how many replicas must have a message before Publish
	// returns. Defaults to 0.
	Replicas int
	// Volatile accepts a server that may forget what it has acknowledged.
	Volatile bool
	// MaxData is the size of data, in bytes, from which on a message is refused
	// with broker.ErrTooLarge. Defaults to what Redis takes, 512 MB.
	MaxData int
	// IDField names the field from which messages of other programs get their
	// ID. It must be unique in the topic: of two messages with the same ID, one
	// counts as a repeat. Defaults to none: the ID is made of the entry's id.
	IDField string
	// KeyField names the field from which messages of other programs get their
	// Key. Defaults to none: they have no key.
	KeyField string
	// Log is told when the server is lost and found. Defaults to none.
	Log *slog.Logger
}

const (
	defaultAddress = "redis://127.0.0.1:6379"
	defaultLease   = 15 * time.Second
	shortestLease  = time.Second
	defaultMaxData = 512 << 20
)

// Open makes a Broker. It does not wait for the server: Publish and Receive do.
func Open(cfg Config) (*Broker, error) {
	options, err := redis.ParseURL(cmp.Or(cfg.Address, defaultAddress))
	if err != nil {
		return nil, fmt.Errorf("open redis: read Address, which must be like %s: %w", defaultAddress, err)
	}
	cfg.Lease = cmp.Or(cfg.Lease, defaultLease)
	if cfg.Lease < shortestLease {
		return nil, fmt.Errorf("open redis: Lease is %v: make it %v or longer", cfg.Lease, shortestLease)
	}
	cfg.MaxData = cmp.Or(cfg.MaxData, defaultMaxData)
	cfg.Log = cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))
	options.Protocol = 2 // the replies of scripts have the same form in all versions
	options.DisableIdentity = true
	options.ContextTimeoutEnabled = true
	options.MaxRetries = -1 // Publish and Receive know what may be repeated
	return &Broker{cfg: cfg, options: options, client: redis.NewClient(options), calls: map[*call]struct{}{}}, nil
}

// Broker is a broker.Broker on Redis Streams.
type Broker struct {
	cfg     Config
	options *redis.Options
	client  *redis.Client
	sound   soundness

	mu     sync.Mutex
	closed bool
	calls  map[*call]struct{}
	active sync.WaitGroup
}

var _ broker.Broker = (*Broker)(nil)
