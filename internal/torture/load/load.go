package load

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Target is where nodes are. Its methods may be called from many goroutines.
type Target interface {
	// Any is the URL of some node, which may be dead; empty: there is none.
	Any(rng *rand.Rand) string
	// Healthy is the URL of a node that a balancer would choose.
	Healthy(rng *rand.Rand) string
}

// Config says how much load there is. Zero takes the defaults named.
type Config struct {
	Target Target
	Seed   uint64
	// Clients send requests to any nodes. Defaults to 12.
	Clients int
	// Probers send deposits to healthy nodes, each to an account of its own, so
	// that it is seen how long partitions pause. Defaults to 16.
	Probers int
	// Groups has clients move money in one append too.
	Groups bool
}

// Load is clients at work.
type Load struct {
	History *History
	Pauses  *Pauses

	cfg     Config
	http    *http.Client
	start   time.Time
	amounts atomic.Int64
	running sync.WaitGroup
	done    chan struct{} // closed when no more requests are to begin
	slots   []slot
}

// accounts is how many are in use by clients at a time.
const accounts = 8

// slot is a place for an account, which is another one after some requests: what
// has been asked of one account has to be few enough to be checked.
type slot struct{ used atomic.Int64 }

// perAccount is how many requests one account gets.
const perAccount = 1200

// take is the account for one more request.
func (s *slot) take(prefix string, n int) string {
	return fmt.Sprintf("%s-%d-%d", prefix, n, (s.used.Add(1)-1)/perAccount)
}

// quietAccounts are written by few, and read by all: so it is seen if a node that
// has one in memory misses what another node has written to it.
const quietAccounts, writers, readers = 8, 8, 4

func (l *Load) quiet(n int) string { return l.slots[accounts+n].take("quiet", n) }

// Start starts the clients.
func Start(ctx context.Context, cfg Config) *Load {
	if cfg.Clients == 0 {
		cfg.Clients = 12
	}
	if cfg.Probers == 0 {
		cfg.Probers = 16
	}
	l := &Load{
		History: &History{}, Pauses: newPauses(cfg.Probers), cfg: cfg, start: time.Now(), done: make(chan struct{}),
		http:  &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
		slots: make([]slot, accounts+quietAccounts+cfg.Probers),
	}
	for n := range cfg.Clients {
		l.running.Go(func() { l.client(n).loop(ctx) })
	}
	for n := range cfg.Probers {
		l.running.Go(func() { l.client(cfg.Clients+n).probe(ctx, n) })
	}
	for n := range writers {
		l.running.Go(func() { l.client(cfg.Clients+cfg.Probers+n).write(ctx, n*quietAccounts/writers) })
	}
	for n := range readers {
		l.running.Go(func() { l.client(cfg.Clients + cfg.Probers + writers + n).read(ctx) })
	}
	l.running.Go(func() { l.client(cfg.Clients + cfg.Probers + writers + readers).transfers(ctx) })
	return l
}

// Stop lets no more requests begin, and waits until all have been answered, or
// ctx ends: then their outcome is unknown.
func (l *Load) Stop(ctx context.Context) {
	close(l.done)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		l.running.Wait()
	}()
	select {
	case <-ended:
	case <-ctx.Done():
		l.http.CloseIdleConnections()
		<-ended // the context of Start ends with that one
	}
	l.http.CloseIdleConnections()
}

func (l *Load) client(n int) *client {
	return &client{load: l, number: n, rng: rand.New(rand.NewPCG(l.cfg.Seed, uint64(n)))}
}

func (l *Load) stopping() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// rest waits for a time; false: the client is to end.
func (l *Load) rest(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.done:
		return false
	case <-ctx.Done():
		return false
	}
	return !l.stopping()
}
