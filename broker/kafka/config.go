package kafka

import (
	"cmp"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/talix-dev/talix/broker"
)

// Config is what Open needs. The zero value means a Kafka on this machine.
type Config struct {
	// Servers are the addresses of some of the servers. Default to
	// 127.0.0.1:9092.
	Servers []string
	// Options are further options for the client, such as kgo.SASL and
	// kgo.DialTLSConfig.
	Options []kgo.Opt
	// Partitions and Replicas are those of topics that the driver makes.
	// Default to what the servers are configured for.
	Partitions, Replicas int
	// Session is how long a receiver may be silent before its partitions go to
	// others; the servers bound what is allowed. Defaults to 45 seconds.
	Session time.Duration
	// Handover is how long a partition that moves to another receiver waits for
	// messages that are in work; then they are delivered to the other one too.
	// Defaults to 5 minutes.
	Handover time.Duration
	// IDHeader names the header from which messages of other programs get
	// their ID. It must be unique in the topic: of two messages with the same
	// ID, one counts as a repeat. Defaults to none.
	IDHeader string
	// Log is told when the servers are lost. Defaults to none.
	Log *slog.Logger
}

const (
	defaultServer   = "127.0.0.1:9092"
	defaultSession  = 45 * time.Second
	defaultHandover = 5 * time.Minute
)

// Open makes a Broker. It does not wait for the servers: Publish and Receive
// do.
func Open(cfg Config) (*Broker, error) {
	if len(cfg.Servers) == 0 {
		cfg.Servers = []string{defaultServer}
	}
	cfg.Session = cmp.Or(cfg.Session, defaultSession)
	cfg.Handover = cmp.Or(cfg.Handover, defaultHandover)
	cfg.Log = cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))
	b := &Broker{cfg: cfg, calls: map[*call]struct{}{}, topics: map[string]bool{}}
	var err error
	b.client, err = b.connect(
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerLinger(0),
		kgo.UnknownTopicRetries(-1),
	)
	if err != nil {
		return nil, fmt.Errorf("open kafka: %w", err)
	}
	return b, nil
}

// connect makes a client.
func (b *Broker) connect(more ...kgo.Opt) (*kgo.Client, error) {
	options := []kgo.Opt{
		kgo.SeedBrokers(b.cfg.Servers...),
		kgo.ClientID("talix"),
		kgo.RetryBackoffFn(backoff),
		kgo.MetadataMinAge(100 * time.Millisecond),
	}
	return kgo.NewClient(append(append(options, b.cfg.Options...), more...)...)
}

// Broker is a broker.Broker on Kafka.
type Broker struct {
	cfg    Config
	client *kgo.Client // for all but receiving

	mu     sync.Mutex
	closed bool
	calls  map[*call]struct{}
	topics map[string]bool // those that are there
	active sync.WaitGroup
}

var _ broker.Broker = (*Broker)(nil)
