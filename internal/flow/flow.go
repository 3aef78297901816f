package flow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/talix-dev/talix/internal/commit"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/seal"
	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
)

// Config is what a Flow needs. Zero numbers take the defaults named.
type Config struct {
	Registry *registry.Registry
	Store    store.Store // that is a store.Keeper
	Group    func(store.Partition) *commit.Group
	Now      func() time.Time
	NewID    func() store.ID
	Log      *slog.Logger

	// Act runs an action on the decoded input of an item.
	Act func(ctx context.Context, a *registry.Action, in any, item work.Item, run *Run) (any, error)
	// Others run the items of other kinds.
	Others map[work.Kind]func(context.Context, work.Item) work.Verdict

	// Poll is the runner's.
	Poll time.Duration
	// Seal seals what is kept; nil: nothing is sealed.
	Seal *seal.Box

	// Sweep is what else is to be deleted when its time has come.
	Sweep []work.Sweep
	// Keep is how long the outcome of requests can be asked for, and that of
	// workflows that say nothing else. Default to one day and 30 days.
	KeepRequest, KeepWorkflow time.Duration
}

// Flow runs the actions whose work is kept.
type Flow struct {
	cfg     Config
	keeper  store.Keeper
	actions map[actionKey]*registry.Action
	started time.Time

	// Work is where the work is kept.
	Work *work.Runner

	mu      sync.Mutex
	running map[place]*Run
}

type actionKey struct {
	kind work.Kind
	name string
}

type place struct {
	partition store.Partition
	id        string
}

// New makes a Flow.
func New(cfg Config) *Flow {
	cfg.KeepRequest = cmp.Or(cfg.KeepRequest, 24*time.Hour)
	cfg.KeepWorkflow = cmp.Or(cfg.KeepWorkflow, 30*24*time.Hour)
	f := &Flow{cfg: cfg, keeper: cfg.Store.(store.Keeper), actions: map[actionKey]*registry.Action{}, started: cfg.Now(), running: map[place]*Run{}}
	for _, a := range cfg.Registry.Actions {
		if kind := kindOf(a); kind != "" {
			f.actions[actionKey{kind, a.Name}] = a
		}
	}
	cfg.Sweep = append(cfg.Sweep, work.Sweep{Space: signalSpace})
	f.Work = work.New(work.Config{
		Store: cfg.Store, Group: cfg.Group, Now: cfg.Now, NewRev: cfg.NewID, Log: cfg.Log,
		Poll: cfg.Poll, Sweep: cfg.Sweep, Run: f.run, Forget: func(i work.Item) []store.Change { return forgetAll(i.Run) },
	})
	return f
}

// kindOf is the kind of the items that run an action here.
func kindOf(a *registry.Action) work.Kind {
	switch {
	case a.Workflow != nil:
		return work.Workflow
	case a.Timer != nil:
		return work.Timer
	case a.Schedule != nil:
		return work.Schedule
	case a.HTTP != nil && a.HTTP.Async:
		return work.Request
	}
	return ""
}

// Run runs what is due until ctx ends, and returns when nothing is under way.
func (f *Flow) Run(ctx context.Context) { f.Work.Run(ctx) }

// Serve is Run for one partition, for those who have it for a time: ArmIn comes
// before.
func (f *Flow) Serve(ctx context.Context, p store.Partition) { f.Work.Serve(ctx, p) }

// Notice takes in that others have changed records of a partition that is
// served here: work may be due, and a run under way may have been told to end or
// to pause.
func (f *Flow) Notice(p store.Partition, changes []store.Change) {
	for i := range changes {
		c := &changes[i]
		if c.Space != work.Space || c.Op != store.Put {
			continue
		}
		f.Work.Wake(p, c.Due)
		item, err := work.Read(p, c.Record)
		if err != nil {
			continue // who runs it will tell
		}
		f.mu.Lock()
		if run := f.running[place{p, c.Key}]; run != nil {
			run.ending.Store(run.ending.Load() || item.Cancel || item.Undo)
			run.holding.Store(item.Hold && !item.Undo)
		}
		f.mu.Unlock()
	}
}

// run does the work of an item that is due.
func (f *Flow) run(ctx context.Context, item work.Item) work.Verdict {
	if other := f.cfg.Others[item.Kind]; other != nil {
		return other(ctx, item)
	}
	a := f.actions[actionKey{item.Kind, item.Action}]
	if a == nil {
		return f.orphan(item)
	}
	run := f.begin(item)
	defer f.end(item)
	in, err := f.decode(ctx, a, item)
	if err != nil && !work.Outage(err) {
		return f.park(registry.Faultf(registry.Invalid, "the input of %s cannot be read", item.Action).Because(err))
	}
	var out any
	if err == nil {
		out, err = f.act(ctx, a, in, item, run)
	}
	if ctx.Err() != nil && err != nil {
		return nil // the runtime stops: run again when it starts
	}
	if err == nil {
		err = run.Missed(ctx)
	}
	return f.verdict(a, item, run, out, err)
}

// begin makes the item's run known, so that it can be told to end.
func (f *Flow) begin(item work.Item) *Run {
	run := f.Open(item.Partition, item.Run, false)
	run.ending.Store(item.Cancel || item.Undo)
	run.holding.Store(item.Hold && !item.Undo)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.running[place{item.Partition, item.ID}] = run
	return run
}

func (f *Flow) end(item work.Item) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.running, place{item.Partition, item.ID})
}

// act runs the handler and, of a run that failed or was cancelled, what undoes
// it.
func (f *Flow) act(ctx context.Context, a *registry.Action, in any, item work.Item, run *Run) (out any, err error) {
	out, err = f.cfg.Act(ctx, a, in, item, run)
	if !item.Undo || unready(err) {
		return out, err
	}
	defer func() {
		if p := recover(); p != nil {
			if err = asInterrupt(p); err == nil {
				panic(p)
			}
		}
	}()
	return nil, run.undoAll(ctx)
}

// asInterrupt is the Interrupt that a run panicked with, or nil.
func asInterrupt(p any) error {
	if i, ok := p.(*registry.Interrupt); ok {
		return i
	}
	return nil
}

// unready tells that a run that is being undone did not come to the point where
// its undoing begins.
func unready(err error) bool {
	i, ok := errors.AsType[*registry.Interrupt](err)
	return ok && i.Kind != registry.Cancelled || work.Outage(err)
}

// decode reads an item's input.
func (f *Flow) decode(ctx context.Context, a *registry.Action, item work.Item) (any, error) {
	var err error
	if item.Input, err = f.cfg.Seal.Kept(ctx, item.Input); err != nil {
		return nil, err
	}
	switch {
	case a.Workflow != nil:
		return a.Workflow.Decode(item.Input)
	case a.Timer != nil:
		return firedOf(a.Timer, item)
	case a.Schedule != nil:
		return scheduledFor(item)
	default:
		return registry.DecodeFields(a.HTTP.NewIn(), item.Input)
	}
}

// commit makes changes durable.
func (f *Flow) commit(ctx context.Context, p store.Partition, changes ...store.Change) error {
	pending := f.cfg.Group(p).Submit(store.Batch{Records: changes}, nil)
	if !pending.Wait(ctx) {
		return context.Cause(ctx)
	}
	if o := pending.Outcome(); o.Status != store.Durable {
		return registry.Faultf(registry.Unavailable, "the store does not take it at the moment; try again later").
			Because(fmt.Errorf("%s: %w", o.Status, errors.Join(o.Err)))
	}
	return nil
}
