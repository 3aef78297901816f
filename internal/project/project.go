// Package project keeps view tables up with the log. Each view has a runner
// for each partition, which takes events from the tail in batches, folds them
// into rows, and writes the rows and the view's mark in one transaction.
package project

import (
	"cmp"
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/tail"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/table"
)

// Config says what a Projector runs on. Tables, Tail, Load and Registry have to
// be set.
type Config struct {
	// Tables holds the rows and marks.
	Tables table.Store
	// Tail gives the events.
	Tail *tail.Tail
	// Load reads the events of one entity, as store.Store does.
	Load func(ctx context.Context, s store.Stream, after store.Version) iter.Seq2[store.Event, error]
	// Registry names the views and decodes events. It has been checked, and
	// does not change any more.
	Registry *registry.Registry
	// Identity is that of the log's store, as text: tables made of another log
	// are made anew.
	Identity string
	// Changed, if it is set, is told the name of a table after a transaction
	// that may have changed its rows, before anyone who waits for that is
	// answered. It must not block.
	Changed func(table string)
	// Took, if it is set, is told of each transaction with events that a view
	// took, or failed to: how many they were and when it began. It must not
	// block.
	Took func(view string, events int, began time.Time, err error)
	// Erasure, if it is set, is the number of the last erasure of personal data
	// after which no one is handed such data any more.
	Erasure func() int64
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
	// Held is the same while a view catches up. Defaults to 300,000.
	Held int
	// Ignored is how many positions of events that a view does not take may
	// pass before its stored mark follows them. Defaults to 10,000.
	Ignored int
	// MaxParked is how many entities one partition of a view parks before it
	// stops: then it is the code that is at fault, and not some events.
	// Defaults to 1,000.
	MaxParked int
	// Shared: other processes work on the log and the tables too. Each takes
	// the events of those partitions that it serves (Serve), and knows of the
	// others by their marks. Tables are made anew by all of them together.
	Shared bool
	// Self is the name of this process among them, another one each time that it
	// begins, and Sight tells what it knows of them. Needed if Shared.
	Self  string
	Sight func() Sight

	holds                 []hold
	crew                  *crew // nil unless Shared
	states, parked, nodes *table.Schema
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
	c.Held = cmp.Or(c.Held, 300_000)
	c.Ignored = cmp.Or(c.Ignored, 10_000)
	c.MaxParked = cmp.Or(c.MaxParked, 1000)
	c.states, c.parked, c.nodes = stateTable(), parkedTable(), nodeTable()
	if c.Shared {
		c.holds, c.crew = newHolds(c.Tail.Partitions()), newCrew(c.Self)
	}
}

// newID makes a name that is given once.
func (c *Config) newID() string { return crand.Text() }

// Projector runs the views of one runtime. Its methods may be called from many
// goroutines at once.
type Projector struct {
	cfg     Config
	views   []*view
	byName  map[string]*view // by the names of views and tables
	ended   chan struct{}    // closed when Run has returned
	ensured atomic.Bool
}

// New checks the views of the registry. The error joins all that is wrong with
// them, each with its place and how to mend it.
func New(cfg Config) (*Projector, error) {
	cfg.setDefaults()
	p := &Projector{cfg: cfg, byName: map[string]*view{}, ended: make(chan struct{})}
	var faults []error
	for _, def := range cfg.Registry.Views {
		v, errs := newView(&p.cfg, def)
		faults = append(faults, errs...)
		p.views = append(p.views, v)
	}
	faults = append(faults, p.name()...)
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	p.share()
	return p, nil
}

// name finds the views by the names of their tables. Tables of the very same
// name are a fault that the registry has noted.
func (p *Projector) name() (faults []error) {
	names, defined := map[string]string{}, map[string]bool{}
	for _, v := range p.views {
		for _, s := range v.sheets {
			defined[s.def.Name] = true
		}
	}
	for _, v := range p.views {
		for _, name := range v.logical() {
			other, ok := names[fold(name)]
			beside := !slices.ContainsFunc(v.sheets, func(s *sheet) bool { return s.def.Name == name })
			if ok && other != name || beside && (ok || defined[name]) {
				faults = append(faults, fmt.Errorf("%s: table %q: SQL takes it for the table %q, as case is not told apart and each history is a table, too: rename one", v.def.Place, name, cmp.Or(other, name)))
			}
			names[fold(name)] = name
			p.byName[fold(name)] = v
		}
	}
	for _, v := range p.views {
		if len(v.sheets) == 1 && v.sheets[0].def.Name == v.def.Name {
			continue
		}
		if other := p.byName[fold(v.def.Name)]; other != nil && other != v {
			faults = append(faults, fmt.Errorf("%s: view %q: a table of the view %q has this name: rename one", v.def.Place, v.def.Name, other.def.Name))
		}
		p.byName[fold(v.def.Name)] = v
	}
	return faults
}

// find finds the view of a table, or of one that the database keeps beside it.
func (p *Projector) find(table string) *view {
	name, _, _ := strings.Cut(fold(table), "_talix_")
	return p.byName[name]
}

// share lets runners of a partition share the events that several views take.
func (p *Projector) share() {
	takers := map[*registry.Event][]*take{}
	for _, v := range p.views {
		for ev, t := range v.events {
			takers[ev] = append(takers[ev], t)
		}
	}
	shared := false
	for _, ts := range takers {
		for _, t := range ts {
			t.shared = len(ts) > 1
			shared = shared || t.shared
		}
	}
	for range p.cfg.Tail.Partitions() {
		if !shared {
			break
		}
		s := newShared(&p.cfg)
		for _, v := range p.views {
			v.shared = append(v.shared, s)
		}
	}
}

// share is what the views of a partition have decoded, or nil.
func (v *view) share(p store.Partition) *shared {
	if v.shared == nil {
		return nil
	}
	return v.shared[p]
}

// changed tells that the rows of the tables may have changed.
func (v *view) changed() {
	if v.cfg.Changed == nil {
		return
	}
	for _, name := range v.logical() {
		v.cfg.Changed(name)
	}
}

// Ensure makes the tables, and finds out where the views stand, so that queries
// can be compiled.
func (p *Projector) Ensure(ctx context.Context) error {
	if err := p.ensure(ctx); err != nil {
		return err
	}
	if p.cfg.Shared {
		if err := p.enroll(ctx); err != nil {
			return err
		}
	}
	for _, v := range p.views {
		if err := v.stand(ctx); err != nil {
			return err
		}
	}
	return nil
}

// attempts is how often tables are looked at anew while others change them.
const attempts = 10

// ensure makes the tables that all views have in common.
func (p *Projector) ensure(ctx context.Context) error {
	if p.ensured.Load() {
		return nil
	}
	common := []table.Schema{*p.cfg.states, *p.cfg.parked}
	if p.cfg.Shared {
		common = append(common, *p.cfg.nodes)
	}
	err := p.cfg.Tables.Ensure(ctx, p.cfg.Identity, common)
	if err != nil {
		return fmt.Errorf("make view tables: %w", err)
	}
	p.ensured.Store(true)
	return nil
}

// Schemas are those of all tables that queries may read.
func (p *Projector) Schemas() []table.Schema {
	var all []table.Schema
	for _, v := range p.views {
		all = append(all, v.build("").schemas()...)
	}
	return all
}

// Run keeps the views up until ctx ends, and returns when all its goroutines
// have ended. It returns an error only where the tables of all views can't be
// made; other failures are logged, told by Status, and tried again. It is called
// once.
func (p *Projector) Run(ctx context.Context) error {
	defer close(p.ended)
	if err := p.ensure(ctx); err != nil {
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
	if p.cfg.Shared {
		wg.Go(func() { p.watch(ctx) })
	}
	return nil
}
