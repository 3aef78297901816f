package runtime

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/talix-dev/talix/internal/commit"
	"github.com/talix-dev/talix/internal/deliver"
	"github.com/talix-dev/talix/internal/entity"
	"github.com/talix-dev/talix/internal/flow"
	"github.com/talix-dev/talix/internal/httpedge"
	"github.com/talix-dev/talix/internal/project"
	"github.com/talix-dev/talix/internal/queue"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/schema"
	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
)

// define collects the definitions and checks them; all faults are in the error.
func (r *Runtime) define(ctx context.Context) error {
	r.registry = registry.New()
	for _, p := range r.cfg.Parts {
		if p == nil {
			r.registry.Fault("runtime.Config", "a part is nil: remove it")
			continue
		}
		p.Register(r.registry)
	}
	if r.asynchronous() {
		r.runs().Register(r.registry)
	}
	r.registry.Check()
	r.plugins = pluginsOf(r.registry)
	r.needed = needsOf(r.registry)
	set := schema.New()
	set.Custom = r.plugins.custom()
	faults := r.registry.Faults()
	faults = append(faults, r.checkInputs(set)...)
	faults = append(faults, r.checkKept(set)...)
	faults = append(faults, r.checkUniques(ctx)...)
	faults = append(faults, r.checkPersonal()...)
	faults = append(faults, r.defineViews(ctx)...)
	edge, err := httpedge.New(r.edgeConfig(set))
	r.edge = edge
	r.describeInputs(set)
	faults = append(faults, r.resolve()...)
	faults = append(faults, r.mount()...)
	return errors.Join(append(faults, err)...)
}

// hosted is what is looked up for each run of a command.
type hosted struct {
	check   func(in any) error // nil: nothing to check
	service string
	name    string // the full one
}

// checkInputs compiles what commands demand of their inputs.
func (r *Runtime) checkInputs(set *schema.Set) (faults []error) {
	r.hosted = map[*registry.Command]hosted{}
	for _, c := range r.registry.Commands {
		check, err := checkOf(set, c.In, c.FullName())
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: command %q: %w", c.Place, c.Name, err))
		}
		r.hosted[c] = hosted{check, r.registry.Owner(c), c.FullName()}
	}
	return faults
}

// checkOf compiles what a type demands of inputs; nil: nothing.
func checkOf(set *schema.Set, t reflect.Type, name string) (func(any) error, error) {
	checker, err := set.Checker(t)
	if err != nil || checker.Trivial() {
		return nil, err
	}
	return func(in any) error {
		if fields := checker.Value(in); len(fields) > 0 {
			return &registry.Fault{Code: registry.Invalid, Message: "the input of " + name + " is not valid", Fields: fields}
		}
		return nil
	}, nil
}

// defineViews checks view tables, and compiles the queries over them. The
// tables are made for that.
func (r *Runtime) defineViews(ctx context.Context) (faults []error) {
	if r.cfg.Tables == nil {
		return r.needTables()
	}
	r.hub = r.newHub()
	cfg := project.Config{
		Registry: r.registry, Tables: r.cfg.Tables, Tail: r.tail, Load: r.cfg.Store.Load,
		Identity: r.cfg.Store.Identity().String(), Log: r.cfg.Log, Now: r.cfg.Now,
		Changed: r.hub.Changed, Took: r.took, Erasure: r.erasure(),
	}
	r.shareViews(&cfg)
	projector, err := project.New(cfg)
	if err != nil {
		return []error{err}
	}
	if err := projector.Ensure(ctx); err != nil {
		return []error{err}
	}
	r.projector = projector
	return r.compileQueries(ctx)
}

// needTables names what cannot be without view tables.
func (r *Runtime) needTables() (faults []error) {
	for _, t := range r.registry.Tables {
		faults = append(faults, fmt.Errorf("%s: table %q needs a place: set Config.Tables, such as to what sqlite.OpenTables makes", t.Place, t.Name))
	}
	for _, q := range r.registry.Queries {
		if q.SQL != nil {
			faults = append(faults, fmt.Errorf("%s: query %q needs view tables: set Config.Tables", q.Place, q.Name))
		}
	}
	return faults
}

// build makes what works on the events.
func (r *Runtime) build(ctx context.Context) (err error) {
	for p := range r.tail.Partitions() {
		r.groups = append(r.groups, commit.Start(commit.Config{
			Store: r.cfg.Store, Partition: store.Partition(p), Publish: r.tail.Publish, Refresh: r.tail.Refresh,
		}))
	}
	r.keep()
	e := r.cfg.Entities
	r.snapshots = r.newSnapshots()
	r.engine = entity.New(entity.Config{
		Store: r.cfg.Store, Group: r.group, Now: r.cfg.Now, NewID: r.ids.New, Log: r.cfg.Log, Timers: r.flow.Timers(), Snapshots: r.snapshots, Own: r.owns(), Nodes: r.nodes(), Seal: r.box(),
		MaxLive: e.MaxLive, MaxBytes: e.MaxBytes, Idle: e.Idle, MaxQueue: e.MaxQueue, MaxWait: e.MaxWait,
		Attempts: e.Attempts, MaxPause: e.MaxPause,
	})
	r.dispatcher, err = deliver.New(ctx, deliver.Config{
		Registry: r.registry, Store: r.cfg.Store, Tail: r.tail, Group: r.group, Act: r.onEvent, Log: r.cfg.Log,
		Work: r.flow.Work, Forget: flow.Forget, Now: r.cfg.Now, Shared: r.shared(), Own: r.owns(),
	})
	if err != nil {
		return err
	}
	r.others[work.Event], r.others[work.Pour] = r.dispatcher.RunItem, r.runPour
	r.queues, err = queue.New(ctx, queue.Config{
		Registry: r.registry, Store: r.cfg.Store, Group: r.group, Work: r.flow.Work, Brokers: r.brokers(), Act: r.onMessage,
		Forget: flow.Forget, NewRev: r.ids.New, Now: r.cfg.Now, Log: r.cfg.Log, Shared: r.shared(), Seal: r.box(),
	})
	if err != nil {
		return err
	}
	r.others[work.Message] = r.queues.RunItem
	if r.shared() {
		return nil // whoever owns a clock's partition does
	}
	return r.flow.Arm(ctx)
}

// needs are the types that services named with Needs, and what is provided
// under them.
type needs map[reflect.Type]any

func needsOf(reg *registry.Registry) needs {
	n := needs{}
	for _, need := range reg.Needs {
		n[need.Type] = reg.Provided[need.Type]
	}
	return n
}

func (n needs) get(t reflect.Type) (any, error) {
	v, ok := n[t]
	if !ok {
		return nil, fmt.Errorf("%s was not asked for: add talix.Needs[%s]() to the service's Components", t, t)
	}
	return v, nil
}
