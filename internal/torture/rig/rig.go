// Package rig sets up what is tortured: a PostgreSQL server, nodes, and lines
// between all of them that can be cut.
package rig

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/talix-dev/talix/internal/database"
	"github.com/talix-dev/talix/internal/process"
)

// Config says what to set up.
type Config struct {
	// Nodes is how many there are.
	Nodes int
	// Program is what they run.
	Program *process.Program
	// Sink is a URL that nodes tell of effects.
	Sink string
	// Dir is for what they write.
	Dir string
}

// Rig is what is tortured. Nodes, Any and Healthy may be called from many
// goroutines, all else from one at a time, but for different nodes.
type Rig struct {
	cfg    Config
	server *database.Server
	named  int // how many nodes there have been

	mu    sync.Mutex
	nodes []*Node
}

// New starts everything, and returns when all nodes are ready.
func New(ctx context.Context, cfg Config) (*Rig, error) {
	server, err := database.New(ctx)
	if err != nil {
		return nil, err
	}
	server.Options = "-c max_connections=300" // those of a node that was killed or cut off are there for a while
	r := &Rig{cfg: cfg, server: server}
	if err := r.start(ctx); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

func (r *Rig) start(ctx context.Context) error {
	if err := r.server.Start(ctx); err != nil {
		return err
	}
	for range r.cfg.Nodes {
		if _, err := r.Join(ctx); err != nil {
			return err
		}
	}
	return r.Ready(ctx)
}

// Close ends everything and keeps what was written in the folder of the config.
func (r *Rig) Close() error {
	var faults []error
	for _, n := range r.Nodes() {
		faults = append(faults, n.close())
	}
	faults = append(faults, os.WriteFile(filepath.Join(r.cfg.Dir, "postgres.log"), []byte(r.server.Log()), 0o600), r.server.Close())
	return errors.Join(faults...)
}

// Join adds a node and returns when it is ready.
func (r *Rig) Join(ctx context.Context) (*Node, error) {
	n, err := r.newNode(ctx, string(rune('a'+r.named%26)))
	if err != nil {
		return nil, err
	}
	r.named++
	r.mu.Lock()
	r.nodes = append(slices.Clone(r.nodes), n)
	r.mu.Unlock()
	err = n.Start(ctx)
	return n, err
}

// Leave takes a node away, which stops in order.
func (r *Rig) Leave(n *Node) error {
	err := n.Stop()
	r.mu.Lock()
	r.nodes = slices.DeleteFunc(slices.Clone(r.nodes), func(o *Node) bool { return o == n })
	r.mu.Unlock()
	return errors.Join(err, n.close())
}

// Nodes are all, dead or alive.
func (r *Rig) Nodes() []*Node {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.nodes
}

// Any is the URL of one that listens, or once did: it may be dead, hung or cut
// off. Empty: there is none.
func (r *Rig) Any(rng *rand.Rand) string {
	return pick(rng, r.Nodes(), func(*Node) bool { return true })
}

// Healthy is the URL of one that a balancer would choose.
func (r *Rig) Healthy(rng *rand.Rand) string {
	return pick(rng, r.Nodes(), func(n *Node) bool { return n.healthy.Load() })
}

func pick(rng *rand.Rand, nodes []*Node, ok func(*Node) bool) string {
	var urls []string
	for _, n := range nodes {
		if url := n.URL(); url != "" && ok(n) {
			urls = append(urls, url)
		}
	}
	if len(urls) == 0 {
		return ""
	}
	return urls[rng.IntN(len(urls))]
}

// Ready waits until all nodes say that they are.
func (r *Rig) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	return process.Poll(ctx, func() error {
		for _, n := range r.Nodes() {
			if err := n.ready(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

// Server is the database's.
func (r *Rig) Server() *database.Server { return r.server }

// StepClock sets the clock of the database forward, or back by a negative time,
// as far as nodes can see it: it decides when their leases end, and nothing
// else.
func (r *Rig) StepClock(ctx context.Context, by time.Duration) error {
	conn, err := pgx.Connect(ctx, r.server.DSN())
	if err != nil {
		return fmt.Errorf("step clock: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it has done its work
	if _, err := conn.Exec(ctx, "UPDATE talix.nodes SET until = until - $1::float8 * interval '1 second'", by.Seconds()); err != nil {
		return fmt.Errorf("step clock: %w", err)
	}
	return nil
}
