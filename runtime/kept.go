package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strconv"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/internal/flow"
	"github.com/talix-dev/talix/internal/id"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
)

// What a scope can do more where its run is kept: line is the run's line of
// steps, nil where it is not kept.

func (s *scope) Do(ctx context.Context, name string, t reflect.Type, fn func(context.Context) ([]byte, error)) ([]byte, error) {
	fn = s.told(name, fn)
	if s.line == nil {
		return fn(ctx)
	}
	data, err := s.line.Do(ctx, name, func(ctx context.Context) ([]byte, error) {
		data, err := fn(ctx)
		if err != nil {
			return nil, err
		}
		return s.r.box().Keep(ctx, t, data, s.cause.of)
	})
	if err != nil {
		return nil, err
	}
	return s.r.box().Kept(ctx, data)
}

// told is a step that reporters are told of whenever it was run.
func (s *scope) told(name string, fn func(context.Context) ([]byte, error)) func(context.Context) ([]byte, error) {
	if len(s.r.plugins.reporters) == 0 {
		return fn
	}
	return func(ctx context.Context) (data []byte, err error) {
		started, op := s.r.cfg.Now(), s.operation(talix.KindStep, s.cause.service, name)
		ctx = s.r.plugins.begin(ctx, op)
		err = errPanicked
		defer func() { s.r.tell(ctx, op, started, 0, err) }()
		data, err = fn(ctx)
		return data, err
	}
}

// errPanicked is what is told of a step that did not return.
var errPanicked = errors.New("the step panicked")

// Fork gives each branch a scope of its own, so that what it does has the same
// ids whenever it is repeated.
func (s *scope) Fork(ctx context.Context, n int) []registry.Host {
	hosts := make([]registry.Host, n)
	var lines []*flow.Line
	if s.line != nil {
		lines = s.line.Fork(ctx, n)
	}
	fork := strconv.FormatUint(s.forks.Add(1), 10)
	for i := range hosts {
		child := s.child("branch/" + fork + "/" + strconv.Itoa(i))
		if lines != nil {
			child.line = lines[i]
		}
		hosts[i] = child
	}
	return hosts
}

// child is a scope for a part of what this one does.
func (s *scope) child(name string) *scope {
	c := &scope{r: s.r, cause: s.cause, parent: s, wrote: s.written()}
	if !c.cause.base.IsZero() {
		c.cause.base = id.DeriveName(c.cause.base, name)
	}
	return c
}

func (s *scope) Sleep(ctx context.Context, d time.Duration) {
	s.kept("Sleep").Sleep(ctx, d)
}

func (s *scope) Await(ctx context.Context, signal string, timeout time.Duration) ([]byte, bool) {
	data, ok := s.kept("Await").Await(ctx, signal, timeout)
	data, err := s.r.box().Kept(ctx, data)
	s.must(err)
	return data, ok
}

func (s *scope) Compensate(name string, undo func(context.Context, registry.Host) error) {
	line := s.kept("Compensate")
	n := s.forks.Add(1)
	line.Compensate(name, func(ctx context.Context, l *flow.Line) error {
		child := s.child("undo/" + strconv.FormatUint(n, 10))
		child.line = l
		return undo(ctx, child)
	})
}

// kept is the line of a run that is kept; others end here.
func (s *scope) kept(what string) *flow.Line {
	if s.line == nil {
		panic(&registry.Interrupt{Kind: registry.Misused, Cause: errors.New(what +
			" needs an action whose work is kept: give the OnHTTP action the option Async, or do this in a workflow")})
	}
	return s.line
}

// once does what has its effect once however often it is done; in a run that is
// kept, a repeated run does not do it again.
func (s *scope) once(ctx context.Context, name string, fn func(context.Context) error) error {
	if s.line == nil {
		return fn(ctx)
	}
	return s.line.Note(ctx, name, fn)
}

// origin is the cause of something that this scope sets off.
func (s *scope) origin(ctx context.Context, name string) flow.Cause {
	c := flow.Cause{Correlation: s.cause.correlation, Causation: s.cause.causation, Of: s.cause.of, Carried: s.r.plugins.carry(ctx)}
	if s.cause.base.IsZero() {
		c.Base = s.r.ids.New()
		return c
	}
	c.Base = id.Derive(id.DeriveName(s.cause.base, name), s.count(name, ""))
	return c
}

func (s *scope) Schedule(ctx context.Context, t *registry.Timer, key string, when time.Time, in []byte) {
	name := "timer " + t.Name + " " + key
	c := s.origin(ctx, name)
	s.must(s.once(ctx, name, func(ctx context.Context) error {
		return s.r.flow.Schedule(ctx, c, t, key, when, in)
	}))
}

func (s *scope) Unschedule(ctx context.Context, t *registry.Timer, key string) {
	s.must(s.once(ctx, "no timer "+t.Name+" "+key, func(ctx context.Context) error {
		return s.r.flow.Unschedule(ctx, t, key)
	}))
}

// must ends the run where the store does not serve it. What it refuses fails it.
func (s *scope) must(err error) {
	if f, ok := errors.AsType[*registry.Fault](err); ok && f.Final {
		panic(f)
	}
	if err != nil {
		panic(&registry.Interrupt{Kind: registry.Broken, Cause: err})
	}
}

func (s *scope) Start(ctx context.Context, w *registry.Action, entityID string, in any, data []byte) error {
	check, hosted := s.r.workflows[w]
	switch {
	case !hosted:
		return registry.Faultf(registry.Internal, "workflow %s is in no service of this runtime: add it to Components", w.Name)
	case entityID == "" || len(entityID) > maxEntityID:
		return registry.Faultf(registry.Invalid, "the id of workflow %s has 1 to %d bytes", w.Name, maxEntityID)
	}
	if check != nil {
		if err := check(in); err != nil {
			return err
		}
	}
	data, err := s.r.box().Keep(ctx, w.Workflow.In, data, entityID)
	if err != nil {
		return s.outcome(err)
	}
	runID := registry.RunID(string(work.Workflow), w.Name, entityID)
	c := s.origin(ctx, runID)
	return s.outcome(s.once(ctx, "start "+runID, func(ctx context.Context) error {
		return s.r.flow.Start(ctx, w, runID, data, c)
	}))
}

func (s *scope) Signal(ctx context.Context, runID, signal string, t reflect.Type, data []byte) error {
	data, err := s.r.box().Keep(ctx, t, data, s.cause.of)
	if err != nil {
		return s.outcome(err)
	}
	name := "signal " + signal + " " + runID
	sending := s.origin(ctx, name).Base
	return s.outcome(s.once(ctx, name, func(ctx context.Context) error {
		return s.r.flow.Signal(ctx, runID, signal, sending, data)
	}))
}

func (s *scope) Control(ctx context.Context, runID string, c registry.RunCommand) error {
	return s.outcome(s.once(ctx, string(c)+" "+runID, func(ctx context.Context) error {
		return s.r.flow.Control(ctx, runID, c)
	}))
}

// outcome gives what is no Fault the form of one.
func (s *scope) outcome(err error) error {
	if err == nil {
		return nil
	}
	return s.r.fail(err, "action", "run", s.cause.correlation)
}

func (s *scope) RunState(ctx context.Context, runID string, wait bool) (registry.RunState, error) {
	state, err := s.sealedState(ctx, runID, wait)
	if err != nil {
		return state, err
	}
	if state.Output, err = s.r.box().Kept(ctx, state.Output); err != nil {
		return registry.RunState{}, s.outcome(err)
	}
	return state, nil
}

// sealedState is RunState as it is kept.
func (s *scope) sealedState(ctx context.Context, runID string, wait bool) (registry.RunState, error) {
	if s.line == nil || !wait {
		return s.runState(ctx, runID, wait)
	}
	var state registry.RunState
	data, err := s.line.Do(ctx, "wait "+runID, func(ctx context.Context) ([]byte, error) {
		state, err := s.runState(ctx, runID, true)
		if err != nil {
			return nil, err
		}
		return json.Marshal(runRecord{state, keptOf(state.Error)})
	})
	if err != nil {
		return state, err
	}
	var rec runRecord
	if err := json.Unmarshal(data, &rec); err != nil {
		return state, err
	}
	if rec.Failure != nil {
		rec.Error = registry.KeptFault(rec.Failure)
	}
	return rec.RunState, nil
}

// runRecord is a run's state as a step's result.
type runRecord struct {
	registry.RunState
	Failure []byte
}

func keptOf(f *registry.Fault) []byte {
	if f == nil {
		return nil
	}
	return f.Keep()
}

func (s *scope) runState(ctx context.Context, runID string, wait bool) (registry.RunState, error) {
	item, err := s.r.flow.Status(ctx, runID, wait)
	if err != nil {
		return registry.RunState{}, s.outcome(err)
	}
	if ps, err := parsePositions(item.Header[flow.Wrote], s.r.tail.Partitions()); err == nil {
		s.noteAll(ps)
	}
	return stateOf(item), nil
}

// stateOf is an item as users see it.
func stateOf(i work.Item) registry.RunState {
	s := registry.RunState{Status: string(i.Status), Output: i.Output, Created: i.Created, Changed: i.Changed, Awaits: i.Awaits}
	if i.Status == work.Ready {
		s.Status = "running"
	}
	switch {
	case i.Failure != nil:
		s.Error = registry.KeptFault(i.Failure)
	case i.Error != "":
		s.Error = &registry.Fault{Code: registry.Code(i.Code), Message: i.Error, Logged: true}
	}
	return s
}

// noteAll is note for several positions.
func (s *scope) noteAll(ps positions) {
	for _, at := range ps {
		s.noteAt(at.partition, at.at)
	}
}

func (s *scope) noteAt(p store.Partition, at store.Position) {
	if at == 0 {
		return
	}
	for o := s; o != nil; o = o.parent {
		o.mu.Lock()
		o.wrote = o.wrote.with(p, at)
		o.mu.Unlock()
	}
}
