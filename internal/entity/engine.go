// Package entity keeps entities alive: one instance each, which takes one
// command after another, decides on tentative state, and lets nothing out
// before what it rests on is durable.
package entity

import (
	"cmp"
	"context"
	"hash/maphash"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/talix-dev/talix/internal/commit"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/seal"
	"github.com/talix-dev/talix/internal/snapshot"
	"github.com/talix-dev/talix/store"
)

// Config is what an Engine needs. Zero fields take the defaults named.
type Config struct {
	Store store.Store
	// Group is the group commit of a partition.
	Group func(store.Partition) *commit.Group
	Now   func() time.Time
	NewID func() store.ID
	Log   *slog.Logger
	// Timers is what commands set timers with; nil: they cannot.
	Timers Timers
	// Snapshots spares loads the reading of all events; nil: there are none.
	Snapshots *snapshot.Snapshots
	// Own tells whether this process may answer from what it has in memory of
	// a partition: where several share a store, one at a time may. Nil: it
	// always may.
	Own func(store.Partition) bool
	// Nodes are the others, for groups of entities that several own. Set together
	// with Own.
	Nodes Nodes
	// Seal seals the replies that are stored; nil: nothing is sealed.
	Seal *seal.Box

	// MaxLive and MaxBytes bound the instances in memory. Default to 100,000
	// and 256 MiB.
	MaxLive, MaxBytes int
	// Idle is how long an instance stays without being used. Defaults to ten
	// minutes.
	Idle time.Duration
	// MaxQueue bounds the commands that wait for one entity. Defaults to 1,024.
	MaxQueue int
	// MaxWait bounds how long they wait. Defaults to ten seconds.
	MaxWait time.Duration
	// Attempts bounds how often a command is decided after conflicts, in all.
	// Defaults to 16.
	Attempts int
	// MaxPause bounds the pause before another attempt. Defaults to 100
	// milliseconds.
	MaxPause time.Duration
}

func (c *Config) defaults() {
	c.MaxLive = cmp.Or(c.MaxLive, 100_000)
	c.MaxBytes = cmp.Or(c.MaxBytes, 256<<20)
	c.Idle = cmp.Or(c.Idle, 10*time.Minute)
	c.MaxQueue = cmp.Or(c.MaxQueue, 1024)
	c.MaxWait = cmp.Or(c.MaxWait, 10*time.Second)
	c.Attempts = cmp.Or(c.Attempts, 16)
	c.MaxPause = cmp.Or(c.MaxPause, 100*time.Millisecond)
}

// Engine hosts entities. Its methods may be called from many goroutines.
type Engine struct {
	cfg        Config
	partitions int
	seed       maphash.Seed
	shards     [shardCount]shard
	terms      []atomic.Int64 // by partition
	closed     chan struct{}
	sweeping   sync.WaitGroup
}

// New makes an Engine; Close ends its goroutine.
func New(cfg Config) *Engine {
	cfg.defaults()
	g := &Engine{cfg: cfg, partitions: cfg.Store.Partitions(), seed: maphash.MakeSeed(), closed: make(chan struct{})}
	g.terms = make([]atomic.Int64, g.partitions)
	for i := range g.shards {
		g.shards[i].init(cfg.MaxLive/shardCount+1, cfg.MaxBytes/shardCount+1)
	}
	g.sweeping.Go(g.sweep)
	return g
}

// Close ends the engine's goroutine. Commands under way are not waited for.
func (g *Engine) Close() {
	close(g.closed)
	g.sweeping.Wait()
}

// Call is one command for one entity.
type Call struct {
	Command *registry.Command
	ID      string
	In      any
	// Key is the command id.
	Key store.ID
	// Repeatable: the same key may come again, or came before, so that the
	// first reply has to be found. Digest then tells inputs apart.
	Repeatable  bool
	Digest      Digest
	Correlation store.ID
	Causation   store.ID
	// Metadata goes along with the events and timers: a JSON object of strings,
	// or nil. It must not be changed.
	Metadata []byte

	// Appended, if set, is told of the events that the command stored, once they
	// are durable, and Retried of an attempt that failed before the next one. The
	// events must not be changed.
	Appended func(events []store.Event)
	Retried  func(Retry)
}

// Retry is an attempt at a command that is followed by another one.
type Retry struct {
	Attempt int // that failed, from 1
	// Unknown: the store did not tell what became of the append, which is sent
	// again as it was. Otherwise it was a conflict, and the command is decided
	// anew.
	Unknown bool
	Pause   time.Duration // before the next attempt
}

// Reply is what a command led to.
type Reply struct {
	Data      []byte // JSON; must not be changed
	Value     any    // what the handler returned, unless Repeated
	Events    int
	Partition store.Partition
	// Position is where the last event that the reply rests on stands, or
	// zero where the call wrote nothing.
	Position store.Position
	Repeated bool // it is the first call's reply

	fromMemory bool // it rests on nothing that the call itself wrote or read
}

// Run runs a command. When it returns a reply or a rejection, all that this
// rests on is durable. Errors are *registry.Fault.
func (g *Engine) Run(ctx context.Context, call *Call) (Reply, error) {
	stream := store.Stream{Type: call.Command.Entity.Type, ID: call.ID}
	p := store.PartitionOf(stream, g.partitions)
	before, ok := g.owns(p)
	if !ok {
		return Reply{}, elsewhere(nil)
	}
	if g.cfg.Group(p).Busy() {
		return Reply{}, overloaded()
	}
	l := g.acquire(call.Command.Entity, stream, p)
	defer g.release(l)
	for attempt := range g.cfg.Attempts {
		reply, again, err := g.attempt(ctx, l, call)
		if !again && reply.fromMemory && !g.stillOwns(p, before) {
			return Reply{}, elsewhere(nil)
		}
		if !again {
			return reply, err
		}
		if attempt+1 == g.cfg.Attempts {
			break
		}
		if err := g.again(ctx, attempt, false, call); err != nil {
			return Reply{}, notStarted(err)
		}
	}
	return Reply{}, registry.Faultf(registry.Unavailable, "%s %q is changed by others all the time; try again later", stream.Type, stream.ID)
}

// Recall finds the reply of an earlier call with the same key, without running
// anything.
func (g *Engine) Recall(ctx context.Context, call *Call) (Reply, bool, error) {
	stream := store.Stream{Type: call.Command.Entity.Type, ID: call.ID}
	return g.recall(ctx, store.PartitionOf(stream, g.partitions), call)
}

// attempt decides once and waits for the outcome; again tells that it was
// decided on state that did not come to be.
func (g *Engine) attempt(ctx context.Context, l *live, call *Call) (reply Reply, again bool, err error) {
	t, err := g.decide(ctx, l, call)
	if err != nil {
		return Reply{}, false, err
	}
	if t.pending != nil {
		return g.await(ctx, l, call, t)
	}
	if !g.gate(ctx, t.gate) {
		return Reply{}, ctx.Err() == nil, notStarted(context.Cause(ctx))
	}
	if t.err != nil && call.Repeatable {
		if first, found, err := g.recall(ctx, l.partition, call); found || err != nil {
			return first, false, err
		}
	}
	return Reply{Data: t.reply, Value: t.out, Partition: l.partition, fromMemory: true}, false, t.err
}

// gate waits until the append that a decision rests on is settled, and tells
// whether it is durable. Without one, it is.
func (g *Engine) gate(ctx context.Context, p *commit.Pending) bool {
	if p == nil {
		return true
	}
	return p.Wait(ctx) && p.Outcome().Status == store.Durable
}

func notStarted(cause error) error {
	if cause == nil {
		return nil
	}
	return registry.Faultf(registry.Unavailable, "the request ended before the command was run").Because(cause)
}
