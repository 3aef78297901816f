// Package project keeps view tables up with the log. Each view has a runner
// for each partition, which takes events from the tail in batches, folds them
// into rows, and writes the rows and the view's mark in one transaction.
package project

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/tail"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/table"
)

// Config says what a Projector runs on. Tables, Tail and Registry have to be
// set.
type Config struct {
	// Tables holds the rows and marks.
	Tables table.Store
	// Tail gives the events.
	Tail *tail.Tail
	// Registry names the tables and decodes events. It has been checked, and
	// does not change any more.
	Registry *registry.Registry
	// Identity is that of the log's store, as text: tables made of another log
	// are made anew.
	Identity string
	// Log gets failures. Defaults to slog.Default().
	Log *slog.Logger
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
	// Jitter is a random number from 0 to 1, for the pauses after failures.
	// Defaults to rand.Float64.
	Jitter func() float64
	// Batch is the most events in one transaction. Defaults to 8,192.
	Batch int
	// Cache is the most rows that all runners of a view keep in memory between
	// batches. Defaults to 20,000; below zero none are kept.
	Cache int
	// Ignored is how many positions of events that a view does not take may
	// pass before its stored mark follows them. Defaults to 10,000.
	Ignored int
}

func (c *Config) setDefaults() {
	c.Log = cmp.Or(c.Log, slog.Default())
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Jitter == nil {
		c.Jitter = rand.Float64
	}
	c.Batch = cmp.Or(c.Batch, 8192)
	c.Cache = cmp.Or(c.Cache, 20_000)
	c.Ignored = cmp.Or(c.Ignored, 10_000)
}

// Projector runs the views of one runtime. Its methods may be called from many
// goroutines at once.
type Projector struct {
	cfg     Config
	views   []*view
	byName  map[string]*view
	ended   chan struct{} // closed when Run has returned
	ensured atomic.Bool
}

// New checks the tables of the registry. The error joins all that is wrong with
// them, each with its place and how to mend it.
func New(cfg Config) (*Projector, error) {
	cfg.setDefaults()
	p := &Projector{cfg: cfg, byName: map[string]*view{}, ended: make(chan struct{})}
	var faults []error
	for _, t := range cfg.Registry.Tables {
		v, errs := newView(&cfg, t)
		for _, err := range errs {
			faults = append(faults, fmt.Errorf("%s: table %q: %w", t.Place, t.Name, err))
		}
		if other := p.byName[fold(t.Name)]; other != nil && other.schema.Name != t.Name {
			faults = append(faults, fmt.Errorf("%s: table %q: SQL takes it for the table %q, as case is not told apart: rename one", t.Place, t.Name, other.schema.Name))
		}
		p.views = append(p.views, v)
		p.byName[fold(t.Name)] = v
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	p.share()
	return p, nil
}

// share lets runners of a partition share the events that several views take.
func (p *Projector) share() {
	takers := map[string][]*take{}
	for _, v := range p.views {
		for typ, t := range v.takes {
			takers[typ] = append(takers[typ], t)
		}
	}
	shared := false
	for _, ts := range takers {
		for _, t := range ts {
			t.shared = len(ts) > 1
			shared = shared || t.shared
		}
	}
	for i := range p.cfg.Tail.Partitions() {
		if !shared {
			break
		}
		s := newShared(&p.cfg)
		for _, v := range p.views {
			v.parts[i].shared = s
		}
	}
}

// Ensure makes the tables, so that queries can be compiled. Run does it too,
// where it was not done before.
func (p *Projector) Ensure(ctx context.Context) error {
	if p.ensured.Load() {
		return nil
	}
	schemas := make([]table.Schema, len(p.views))
	for i, v := range p.views {
		schemas[i] = *v.schema
	}
	if err := p.cfg.Tables.Ensure(ctx, p.cfg.Identity, schemas); err != nil {
		return fmt.Errorf("make view tables: %w", err)
	}
	p.ensured.Store(true)
	return nil
}

// Run keeps the views up until ctx ends, and returns when all its goroutines
// have ended. It returns an error only where the tables can't be made; other
// failures are logged, told by Status, and tried again. It is called once.
func (p *Projector) Run(ctx context.Context) error {
	defer close(p.ended)
	if err := p.Ensure(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, v := range p.views {
		wg.Go(func() { v.run(ctx) })
	}
	return nil
}

// Status is how far one view is with one partition.
type Status struct {
	View      string
	Partition store.Partition
	// Mark is the position up to which the view has taken events.
	Mark store.Position
	// Head is the position of the last event that is known to be durable.
	Head store.Position
	// Fault is why the view does not go on at present, or nil; it is tried
	// again by itself. It was first seen at Since.
	Fault error
	Since time.Time
	// Stopped tells that Fault is about an event, which is most likely to fail
	// again. It is then a *Poison.
	Stopped bool
}

// Lag is the number of positions that the view is behind.
func (s Status) Lag() int64 { return max(0, int64(s.Head-s.Mark)) }

// Status tells how far every view is with every partition.
func (p *Projector) Status() []Status {
	var all []Status
	for _, v := range p.views {
		for i := range v.parts {
			s := v.parts[i].progress.status()
			s.View, s.Partition = v.schema.Name, store.Partition(i)
			s.Head = p.cfg.Tail.Head(s.Partition)
			all = append(all, s)
		}
	}
	return all
}
