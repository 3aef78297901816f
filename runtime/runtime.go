// Package runtime hosts services: it wires what users defined to a store, to
// view tables, to HTTP and to plugins. Package standalone is the same with
// batteries; this package is for those who embed it, and for tests.
package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/broker"
	"github.com/talix-dev/talix/internal/cluster"
	"github.com/talix-dev/talix/internal/commit"
	"github.com/talix-dev/talix/internal/deliver"
	"github.com/talix-dev/talix/internal/entity"
	"github.com/talix-dev/talix/internal/flow"
	"github.com/talix-dev/talix/internal/httpedge"
	"github.com/talix-dev/talix/internal/id"
	"github.com/talix-dev/talix/internal/live"
	"github.com/talix-dev/talix/internal/move"
	"github.com/talix-dev/talix/internal/peer"
	"github.com/talix-dev/talix/internal/project"
	"github.com/talix-dev/talix/internal/queue"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/snapshot"
	"github.com/talix-dev/talix/internal/sqlquery"
	"github.com/talix-dev/talix/internal/tail"
	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/source"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/table"
	"github.com/talix-dev/talix/vault"
)

// Config says what a Runtime is made of. Store is needed; everything else has
// a default.
type Config struct {
	// Store holds the events. The runtime does not close it.
	Store store.Store
	// Tables holds the view tables. It is needed by services that define
	// tables or SQL queries. The runtime does not close it.
	Tables table.Store
	// Keys holds the keys of personal data, one for each subject. It is needed
	// by services that have fields tagged as personal; see Personal. The
	// runtime does not close it.
	Keys vault.Vault
	// Brokers are the brokers of actions on messages and of what is published,
	// by name. The one with the empty name is the default. The runtime does
	// not close them.
	Brokers map[string]broker.Broker
	// Parts are the services, what is provided to them, and plugins.
	Parts []talix.Part

	// Log gets what operators should know. Defaults to slog.Default().
	Log *slog.Logger
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
	// Poll bounds how long it goes unnoticed that the clock was set, by work
	// that is due at a time. Defaults to one second.
	Poll time.Duration
	// MaxBody bounds the body of a request in bytes. Defaults to 1 MiB.
	MaxBody int64
	// KeepResults is how long a command id is remembered. Defaults to 24 hours.
	KeepResults time.Duration
	// QueryWait bounds how long a query waits for what its caller wrote.
	// Defaults to five seconds.
	QueryWait time.Duration
	// Entities bounds the live entities.
	Entities EntityConfig
	// Queries bounds SQL queries.
	Queries QueryConfig
	// Cluster makes the runtime one of several nodes that share the store. Nil:
	// it is the only one.
	Cluster *ClusterConfig
}

// EntityConfig bounds live entities. Zero fields take the defaults named.
type EntityConfig struct {
	// MaxLive and MaxBytes bound how many stay in memory; the longest unused
	// leave first. Default to 100,000 and 256 MiB.
	MaxLive, MaxBytes int
	// Idle is how long one stays unused. Defaults to ten minutes.
	Idle time.Duration
	// MaxQueue and MaxWait bound the commands that wait for one entity; beyond
	// them they are answered with ErrOverloaded. Default to 1,024 and ten
	// seconds.
	MaxQueue int
	MaxWait  time.Duration
	// Attempts is how often a command, or a group, is decided in all when others
	// change its entity meanwhile, or its append is sent while the store does not
	// tell what became of it. Then it is answered with ErrUnavailable, or
	// ErrUnknown. Defaults to 16.
	Attempts int
	// MaxPause bounds the pause between these attempts. There is none before the
	// second; before the third it is up to two milliseconds, then twice as long
	// each time, with jitter. Defaults to 100 milliseconds.
	MaxPause time.Duration
	// SnapshotEvery is how many events of an entity lie between two snapshots,
	// where its definition names no number. Defaults to 100; below zero, none
	// are made. Large states have them further apart.
	SnapshotEvery int
	// SlowLoad is how long a load takes at most until it leaves a snapshot,
	// however few events it read. Defaults to 50 milliseconds.
	SlowLoad time.Duration
}

func (c *Config) defaults() {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.KeepResults == 0 {
		c.KeepResults = 24 * time.Hour
	}
	if c.QueryWait == 0 {
		c.QueryWait = 5 * time.Second
	}
}

// Runtime hosts services. Its methods may be called from many goroutines.
type Runtime struct {
	cfg       Config
	registry  *registry.Registry
	plugins   plugins
	needed    needs
	sources   map[*registry.Action]source.Source
	hosted    map[*registry.Command]hosted
	workflows map[*registry.Action]func(in any) error // nil: nothing to check
	queries   map[*registry.Query]*sqlquery.Query
	inputs    map[any]json.RawMessage    // schemas, by definition
	schemas   map[string]json.RawMessage // what those refer to

	ids        *id.Source
	tail       *tail.Tail
	groups     []*commit.Group
	snapshots  *snapshot.Snapshots
	engine     *entity.Engine
	queues     *queue.Queues
	flow       *flow.Flow
	past       past
	others     map[work.Kind]func(context.Context, work.Item) work.Verdict
	dispatcher *deliver.Dispatcher
	projector  *project.Projector
	hub        *live.Hub // nil without Tables
	personal   *personal // nil without Keys
	edge       *httpedge.Edge
	handler    http.Handler // the edge, and hooks beside it

	node  *cluster.Node // nil without Config.Cluster
	peers *peer.Client
	trust peer.Trust
	lent  *lent

	running sync.WaitGroup
	cancel  context.CancelFunc
	state   atomic.Int32
}

// The states of a Runtime.
const (
	made int32 = iota
	ready
	stopped
)

// New checks everything and wires it. All faults of the definitions are in the
// one error that it returns, each with its place and how to mend it. The
// runtime answers calls and requests at once; Start begins the work of views
// and of actions on events. A Runtime that was made has to be stopped.
func New(ctx context.Context, cfg Config) (*Runtime, error) {
	cfg.defaults()
	if cfg.Store == nil {
		return nil, errors.New("make runtime: Config.Store is nil: give it a store, such as sqlite.Open or memory.New make")
	}
	if _, ok := cfg.Store.(store.Keeper); !ok {
		return nil, fmt.Errorf("make runtime: the store %T keeps no records: use one that is a store.Keeper", cfg.Store)
	}
	if err := move.Enter(ctx, cfg.Store); err != nil {
		return nil, fmt.Errorf("make runtime: %w", err)
	}
	r := &Runtime{cfg: cfg, ids: id.NewSource(cfg.Now)}
	err := errors.Join(r.join(), r.seal(ctx))
	if err != nil {
		return nil, fmt.Errorf("make runtime: %w", err)
	}
	if r.tail, err = tail.Open(ctx, r.cfg.Store); err != nil {
		return nil, fmt.Errorf("make runtime: %w", err)
	}
	if err := r.define(ctx); err != nil {
		return nil, fmt.Errorf("make runtime: %w", err)
	}
	if err := r.build(ctx); err != nil {
		r.release()
		return nil, fmt.Errorf("make runtime: %w", err)
	}
	return r, nil
}

// Start begins the work of views, of actions on events and of outside triggers.
func (r *Runtime) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	if r.shared() {
		r.startNode(ctx)
	} else {
		r.startAlone(ctx)
	}
	if r.projector != nil {
		r.running.Go(func() { r.project(ctx) })
	}
	if r.personal != nil {
		r.running.Go(func() { r.personal.run(ctx) })
	}
	r.state.Store(ready)
}

func (r *Runtime) startAlone(ctx context.Context) {
	r.running.Go(func() { r.dispatcher.Run(ctx) })
	r.running.Go(func() { r.flow.Run(ctx) })
	r.running.Go(func() { r.queues.Run(ctx) })
	r.running.Go(func() { r.receive(ctx) })
	r.running.Go(func() { r.trim(ctx) })
}

// Stop ends what Start began: it waits for what is under way, stores marks, and
// answers later commands with ErrUnavailable. Stop HTTP servers first. The
// stores stay open.
func (r *Runtime) Stop() {
	if r.state.Swap(stopped) == stopped {
		return
	}
	r.EndWatches()
	if r.cancel != nil {
		r.cancel()
	}
	r.running.Wait()
	r.release()
}

func (r *Runtime) release() {
	if r.snapshots != nil {
		r.snapshots.Close()
	}
	for _, g := range r.groups {
		g.Close()
	}
	if r.engine != nil {
		r.engine.Close()
	}
	if r.peers != nil {
		r.peers.Close()
	}
}

// Ready tells whether the runtime takes work: nil, or why not.
func (r *Runtime) Ready() error {
	switch r.state.Load() {
	case made:
		return errors.New("the runtime was not started")
	case stopped:
		return errors.New("the runtime is stopping")
	}
	if r.node != nil {
		return r.node.Fault()
	}
	return nil
}

// Handler answers the requests that trigger actions, and exposed queries.
func (r *Runtime) Handler() http.Handler { return r.handler }

// OpenAPI is the OpenAPI 3.1 document of what Handler answers, as JSON.
func (r *Runtime) OpenAPI() ([]byte, error) { return r.edge.OpenAPI() }

// Context lets Go code outside of actions run commands and ask queries, as an
// action could. Each call begins a new cause, with a correlation id of its own.
func (r *Runtime) Context(ctx context.Context) talix.ActionContext {
	return talix.NewActionContext(ctx, r.newScope(cause{}))
}

// ContextWithKey is Context under an idempotency key: the same commands, run
// again under the same key in the same order, have their effect once, and
// their first replies are answered.
func (r *Runtime) ContextWithKey(ctx context.Context, key string) talix.ActionContext {
	return talix.NewActionContext(ctx, r.newScope(cause{base: id.Hash("key", key)}))
}

// Stats is what a runtime holds in memory.
type Stats struct {
	Live  int // entities
	Bytes int // about what they take
}

// Stats counts the live entities.
func (r *Runtime) Stats() Stats { return Stats(r.engine.Stats()) }

func (r *Runtime) group(p store.Partition) *commit.Group { return r.groups[p] }

func (r *Runtime) project(ctx context.Context) {
	if err := r.projector.Run(ctx); err != nil && ctx.Err() == nil {
		r.cfg.Log.Error("keep views", "error", err)
	}
}
