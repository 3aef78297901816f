package runtime

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/talix-dev/talix/internal/commit"
	"github.com/talix-dev/talix/internal/deliver"
	"github.com/talix-dev/talix/internal/entity"
	"github.com/talix-dev/talix/internal/httpedge"
	"github.com/talix-dev/talix/internal/project"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/schema"
	"github.com/talix-dev/talix/internal/sqlquery"
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
	r.registry.Check()
	r.plugins = pluginsOf(r.registry)
	r.needed = needsOf(r.registry)
	set := schema.New()
	set.Custom = r.plugins.custom()
	faults := r.registry.Faults()
	faults = append(faults, r.checkInputs(set)...)
	faults = append(faults, r.defineViews(ctx)...)
	edge, err := httpedge.New(r.edgeConfig(set))
	r.edge = edge
	return errors.Join(append(faults, err)...)
}

// checkInputs compiles what commands demand of their inputs.
func (r *Runtime) checkInputs(set *schema.Set) (faults []error) {
	r.checks = map[*registry.Command]func(any) error{}
	for _, c := range r.registry.Commands {
		r.checks[c] = nil
		checker, err := set.Checker(c.In)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: command %q: %w", c.Place, c.Name, err))
			continue
		}
		if checker.Trivial() {
			continue
		}
		r.checks[c] = func(in any) error {
			if fields := checker.Value(in); len(fields) > 0 {
				return &registry.Fault{Code: registry.Invalid, Message: "the input of " + c.FullName() + " is not valid", Fields: fields}
			}
			return nil
		}
	}
	return faults
}

// defineViews checks view tables, and compiles the queries over them. The
// tables are made for that.
func (r *Runtime) defineViews(ctx context.Context) (faults []error) {
	if r.cfg.Tables == nil {
		return r.needTables()
	}
	projector, err := project.New(project.Config{
		Registry: r.registry, Tables: r.cfg.Tables, Tail: r.tail,
		Identity: r.cfg.Store.Identity().String(), Log: r.cfg.Log, Now: r.cfg.Now,
	})
	if err != nil {
		return []error{err}
	}
	if err := projector.Ensure(ctx); err != nil {
		return []error{err}
	}
	r.projector = projector
	r.queries = map[*registry.Query]*sqlquery.Query{}
	for _, q := range r.registry.Queries {
		if q.SQL == nil {
			continue
		}
		compiled, errs := sqlquery.Compile(ctx, sqlquery.Config{Tables: r.cfg.Tables}, q)
		faults = append(faults, errs...)
		r.queries[q] = compiled
	}
	return faults
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
	e := r.cfg.Entities
	r.engine = entity.New(entity.Config{
		Store: r.cfg.Store, Group: r.group, Now: r.cfg.Now, NewID: r.ids.New, Log: r.cfg.Log,
		MaxLive: e.MaxLive, MaxBytes: e.MaxBytes, Idle: e.Idle, MaxQueue: e.MaxQueue, MaxWait: e.MaxWait,
	})
	r.dispatcher, err = deliver.New(ctx, deliver.Config{
		Registry: r.registry, Store: r.cfg.Store, Tail: r.tail, Group: r.group, Act: r.onEvent, Log: r.cfg.Log,
	})
	return err
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
