package rabbitmq

import (
	"cmp"
	"fmt"
	"log/slog"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/talix-dev/talix/broker"
)

// Config is what Open needs. The zero value means a RabbitMQ on this machine.
type Config struct {
	// Address is a URL such as amqps://user:password@host:5671/vhost. Defaults
	// to amqp://guest:guest@127.0.0.1:5672/.
	Address string
	// Heartbeat is how often a connection shows that it is alive. One that was
	// silent for two times as long is given up, and what it had in work goes to
	// others. Defaults to 10 seconds, at least 1 second.
	Heartbeat time.Duration
	// MaxAge and MaxBytes bound a stream that the driver makes: beyond them the
	// oldest messages are removed, received or not. Default to no bounds.
	MaxAge   time.Duration
	MaxBytes int64
	// Replicas is on how many nodes a stream that the driver makes is kept. Set
	// it to 1 where there is a single node: the position of a group is kept in
	// a classic queue then, which a crash of RabbitMQ 3.10 right after it was
	// made does not damage. Defaults to all nodes.
	Replicas int
	// KeyHeader names the header from which messages of other programs get
	// their Key. Defaults to none: they have no key.
	KeyHeader string
	// Log is told when the server is lost. Defaults to none.
	Log *slog.Logger
}

const (
	defaultAddress    = "amqp://guest:guest@127.0.0.1:5672/"
	defaultHeartbeat  = 10 * time.Second
	shortestHeartbeat = time.Second
)

// Open makes a Broker. It does not wait for the server: Publish and Receive do.
func Open(cfg Config) (*Broker, error) {
	cfg.Address = cmp.Or(cfg.Address, defaultAddress)
	if _, err := amqp.ParseURI(cfg.Address); err != nil {
		return nil, fmt.Errorf("open rabbitmq: read Address, which must be like %s: %w", defaultAddress, err)
	}
	cfg.Heartbeat = cmp.Or(cfg.Heartbeat, defaultHeartbeat)
	if cfg.Heartbeat < shortestHeartbeat {
		return nil, fmt.Errorf("open rabbitmq: Heartbeat is %v: make it %v or longer", cfg.Heartbeat, shortestHeartbeat)
	}
	cfg.Log = cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))
	return &Broker{
		cfg: cfg, calls: map[*call]struct{}{},
		dialing: make(chan struct{}, 1), publishing: make(chan struct{}, maxPublishing),
	}, nil
}

// Broker is a broker.Broker on RabbitMQ.
type Broker struct {
	cfg        Config
	dialing    chan struct{} // held by who makes the link
	publishing chan struct{} // held by calls that publish

	mu     sync.Mutex
	closed bool
	calls  map[*call]struct{}
	active sync.WaitGroup
	link   *link // of Publish; nil at first
}

var _ broker.Broker = (*Broker)(nil)
