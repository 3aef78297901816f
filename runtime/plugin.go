package runtime

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"
	"sync"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// plugins are those of a runtime, by what they do.
type plugins struct {
	reporters    []talix.Reporter
	observers    []talix.Observer // reporters too
	carriers     *sync.Pool       // of *carrier
	interceptors []talix.Interceptor
	validator    talix.Validator // the last one that was used
	guards       []talix.Guard
	followers    []talix.Follower
	retriers     []talix.Retrier
}

func pluginsOf(reg *registry.Registry) plugins {
	ps := plugins{carriers: &sync.Pool{New: newCarrier}}
	for _, p := range reg.Plugins {
		if reporter, ok := p.(talix.Reporter); ok {
			ps.reporters = append(ps.reporters, reporter)
		}
		if observer, ok := p.(talix.Observer); ok {
			ps.observers = append(ps.observers, observer)
		}
		if interceptor, ok := p.(talix.Interceptor); ok {
			ps.interceptors = append(ps.interceptors, interceptor)
		}
		ps.watch(p)
		if validator, ok := p.(talix.Validator); ok {
			ps.validator = validator
		}
	}
	return ps
}

// custom is the check of the validator plugin in the engine's terms; nil
// without one.
func (ps plugins) custom() func(reflect.Type) (func(any) []registry.Field, error) {
	if ps.validator == nil {
		return nil
	}
	return func(t reflect.Type) (func(any) []registry.Field, error) {
		check, err := ps.validator.Compile(t)
		if err != nil || check == nil {
			return nil, err
		}
		return func(doc any) []registry.Field {
			var out []registry.Field
			for _, f := range check(doc) {
				out = append(out, registry.Field(f))
			}
			return out
		}, nil
	}
}

// observe runs an action or a query within the interceptors, and reports it.
func (r *Runtime) observe(ctx context.Context, op talix.Operation, run func(context.Context) error) error {
	started := r.cfg.Now()
	ctx = r.plugins.begin(ctx, op)
	err := r.intercept(ctx, op, r.plugins.interceptors, run)
	if i, ok := errors.AsType[*registry.Interrupt](err); ok {
		err = i
	} else if err != nil {
		err = r.fail(err, string(op.Kind), op.Name, op.CorrelationID)
	}
	if len(r.plugins.reporters) > 0 {
		r.tell(ctx, op, started, 0, err)
	}
	return err
}

func (r *Runtime) intercept(ctx context.Context, op talix.Operation, rest []talix.Interceptor, run func(context.Context) error) (err error) {
	if len(rest) == 0 {
		return contain(ctx, run)
	}
	return talix.EngineError(contain(ctx, func(ctx context.Context) error {
		return rest[0].Intercept(ctx, op, func(ctx context.Context) error {
			return r.intercept(ctx, op, rest[1:], run)
		})
	}))
}

// contain turns a panic into an error.
func contain(ctx context.Context, run func(context.Context) error) (err error) {
	defer func() {
		p := recover()
		if i, ok := p.(*registry.Interrupt); ok {
			err = i
		} else if p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return run(ctx)
}

// fail makes a Fault of an error. What is unexpected is logged, once, here.
func (r *Runtime) fail(err error, what, name string, correlation store.ID) error {
	f, ok := errors.AsType[*registry.Fault](err)
	if !ok {
		f = registry.Faultf(registry.Internal, "an unexpected failure").Because(err)
	}
	if f.Code != registry.Internal || f.Logged {
		return f
	}
	r.cfg.Log.Error("unexpected failure", what, name, "correlation", correlation, "error", f)
	logged := *f // others may hold the same
	logged.Logged = true
	return &logged
}

func (r *Runtime) tell(ctx context.Context, op talix.Operation, started time.Time, events int, err error) {
	report := talix.Report{Operation: op, Started: started, Duration: r.cfg.Now().Sub(started), Events: events}
	if err != nil {
		report.Err = talix.UserError(err)
	}
	for _, reporter := range r.plugins.reporters {
		reporter.Report(ctx, report)
	}
}
