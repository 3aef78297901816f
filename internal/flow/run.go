// Package flow runs actions whose work is kept: it journals their steps, lets
// them wait, undoes what failed workflows did, and drives timers, schedules,
// requests that were answered before the work, and workflows.
package flow

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/talix-dev/talix/internal/journal"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// The kinds of journal entries.
const (
	kindStep     = "step"
	kindRun      = "run" // a command
	kindSleep    = "sleep"
	kindDeadline = "deadline"
	kindAwait    = "await"
	kindNote     = "note" // something with an effect that is had once anyhow
	kindUndo     = "undo"
)

// Run is one run of an action that is kept. Its first Line is what the
// handler begins with.
type Run struct {
	ID        string // names the run; its signals and its journal go by it
	Partition store.Partition
	Wrote     string // what the caller wants to remember of where the run wrote

	flow    *Flow
	fresh   bool // it is certain that it had no journal
	journal *journal.Journal
	asked   atomic.Bool // something was asked of the journal
	written atomic.Bool // the journal has entries in the store
	ending  atomic.Bool // nothing new is to be begun: cancelled, or being undone
	holding atomic.Bool // it was asked to pause

	signals  sync.Mutex // one Await looks at a time
	consumed map[string]bool

	mu    sync.Mutex
	undos []undo
}

// Line is a line of steps, one after another: of the handler, or of a branch
// of All. It is used by one goroutine at a time.
type Line struct {
	run      *Run
	branch   *journal.Branch
	failed   []journal.Step // whose failure is no result unless the handler goes on
	branches []*Line        // which ended before the line goes on
}

// Open makes the run of that name. Fresh: it is certain that it has no journal.
func (f *Flow) Open(p store.Partition, runID string, fresh bool) *Run {
	return &Run{
		ID: runID, Partition: p, flow: f, fresh: fresh,
		journal: journal.New(journal.Config{
			Store: f.cfg.Store, Group: f.cfg.Group(p), Partition: p, NewRev: f.cfg.NewID, ID: runID, Fresh: fresh,
		}),
		consumed: map[string]bool{},
	}
}

// Line is where the handler begins.
func (r *Run) Line() *Line { return &Line{run: r, branch: r.journal.Root()} }

// RunID names the line's run.
func (l *Line) RunID() string { return l.run.ID }

// Compensate registers what undoes something, should the run fail.
func (l *Line) Compensate(name string, fn func(context.Context, *Line) error) {
	l.run.mu.Lock()
	defer l.run.mu.Unlock()
	l.run.undos = append(l.run.undos, undo{name, fn})
}

// Journaled tells whether the store has entries of the run's journal, as far as
// the run has seen.
func (r *Run) Journaled() bool { return r.written.Load() }

// Notes are entries that are to be written with whatever becomes of the run;
// Noted tells that they were.
func (r *Run) Notes() []store.Change { return r.journal.Changes() }

// Noted tells that what Notes returned is durable.
func (r *Run) Noted() { r.journal.Kept() }

// Missed tells, of a handler that returned, what it did not ask for.
func (r *Run) Missed(ctx context.Context) error {
	if !r.asked.Load() {
		return r.ignored(ctx)
	}
	if err := r.journal.Missed(); err != nil {
		return &registry.Interrupt{Kind: registry.Changed, Cause: err}
	}
	return nil
}

// ignored tells, of a handler that asked for nothing, whether there was
// something to ask for.
func (r *Run) ignored(ctx context.Context) error {
	if r.fresh {
		return nil
	}
	entries, err := r.journal.Entries(ctx)
	switch {
	case err != nil:
		return &registry.Interrupt{Kind: registry.Broken, Cause: err}
	case len(entries) > 0:
		return &registry.Interrupt{Kind: registry.Changed, Cause: fmt.Errorf("%w: it did not ask for the %s %q", journal.ErrChanged, entries[0].Kind, entries[0].Name)}
	}
	return nil
}

// find takes the line's next place in the journal.
func (l *Line) find(ctx context.Context, kind, name string) journal.Step {
	l.settle()
	l.run.asked.Store(true)
	step, err := l.branch.Find(ctx, kind, name)
	if err != nil {
		broken(err)
	}
	if step.Found {
		l.run.written.Store(true)
	}
	return step
}

// settle makes failures results, since the handler goes on from them.
func (l *Line) settle() {
	for _, b := range l.branches {
		b.settle()
	}
	for _, s := range l.failed {
		l.run.journal.Note(s)
	}
	l.branches, l.failed = nil, nil
}

// goOn ends a run that is not to begin anything new.
func (r *Run) goOn() {
	if r.ending.Load() {
		panic(&registry.Interrupt{Kind: registry.Cancelled, Cause: errCancelled})
	}
	if r.holding.Load() {
		panic(&registry.Interrupt{Kind: registry.Suspended})
	}
}

var errCancelled = errors.New("the run was cancelled")

func (l *Line) keep(ctx context.Context, s journal.Step, more ...store.Change) journal.Step {
	l.run.written.Store(true)
	kept, err := l.run.journal.Keep(ctx, s, more...)
	if err != nil {
		broken(err)
	}
	return kept
}

// broken ends a run whose journal does not serve it.
func broken(err error) {
	kind := registry.Broken
	switch {
	case errors.Is(err, journal.ErrChanged):
		kind = registry.Changed
	case errors.Is(err, journal.ErrTooLarge):
		kind = registry.Misused
	}
	panic(&registry.Interrupt{Kind: kind, Cause: err})
}

// Do runs a step, or finds its result.
func (l *Line) Do(ctx context.Context, name string, fn func(context.Context) ([]byte, error)) ([]byte, error) {
	step := l.find(ctx, kindStep, name)
	if step.Found {
		return resultOf(step)
	}
	l.run.goOn()
	data, err := fn(ctx)
	if err != nil {
		return nil, l.failure(step, err)
	}
	step.Data = data
	return l.keep(ctx, step).Data, nil
}

// Command runs a command, or finds its reply. In a run that is not to begin
// anything new, earlier finds the reply of a command that was run without its
// reply having been noted.
func (l *Line) Command(ctx context.Context, name string, earlier func(context.Context) ([]byte, bool, error), run func(context.Context) ([]byte, error)) ([]byte, error) {
	step := l.find(ctx, kindRun, name)
	if step.Found {
		return resultOf(step)
	}
	if l.run.ending.Load() {
		run = func(ctx context.Context) ([]byte, error) { return l.recall(ctx, earlier) }
	}
	return l.once(ctx, step, run)
}

func (l *Line) recall(ctx context.Context, earlier func(context.Context) ([]byte, bool, error)) ([]byte, error) {
	data, found, err := earlier(ctx)
	if err != nil {
		broken(err)
	}
	if !found {
		l.run.goOn()
	}
	return data, nil
}

// once does something whose effect is had once, however often it is done: its
// result is noted, and not durable at once.
func (l *Line) once(ctx context.Context, step journal.Step, fn func(context.Context) ([]byte, error)) ([]byte, error) {
	data, err := fn(ctx)
	if err != nil {
		return nil, l.failure(step, err)
	}
	step.Data = data
	l.run.journal.Note(step)
	return data, nil
}

// Note does something that may be done again, if it was not noted before.
func (l *Line) Note(ctx context.Context, name string, fn func(context.Context) error) error {
	step := l.find(ctx, kindNote, name)
	if step.Found {
		_, err := resultOf(step)
		return err
	}
	l.run.goOn()
	_, err := l.once(ctx, step, func(ctx context.Context) ([]byte, error) { return nil, fn(ctx) })
	return err
}

// failure remembers that a step failed: that is its result only if the handler
// goes on from it.
func (l *Line) failure(step journal.Step, err error) error {
	step.Error = faultOf(err).Keep()
	l.failed = append(l.failed, step)
	return err
}

func faultOf(err error) *registry.Fault {
	if f, ok := errors.AsType[*registry.Fault](err); ok {
		return f
	}
	return registry.Faultf(registry.Internal, "%s", err.Error())
}

func resultOf(step journal.Step) ([]byte, error) {
	if step.Error != nil {
		return nil, registry.KeptFault(step.Error)
	}
	return step.Data, nil
}

func final(err error) bool {
	f, ok := errors.AsType[*registry.Fault](err)
	return ok && f.No()
}

// Fork makes lines for n branches that run at the same time.
func (l *Line) Fork(ctx context.Context, n int) []*Line {
	l.settle()
	l.run.asked.Store(true)
	names := make([]string, n)
	for i := range names {
		names[i] = strconv.Itoa(i)
	}
	branches, err := l.branch.Fork(ctx, "", names)
	if err != nil {
		broken(err)
	}
	lines := make([]*Line, n)
	for i, b := range branches {
		lines[i] = &Line{run: l.run, branch: b}
	}
	l.branches = lines
	return lines
}

// Sleep waits until a time that is fixed when it is first asked for.
func (l *Line) Sleep(ctx context.Context, d time.Duration) {
	until := l.moment(ctx, kindSleep, "", d)
	if l.run.flow.cfg.Now().Before(until) {
		l.run.goOn()
		panic(&registry.Interrupt{Kind: registry.Suspended, Until: until})
	}
}

// moment is the time that lies d after the moment when it was first asked for.
func (l *Line) moment(ctx context.Context, kind, name string, d time.Duration) time.Time {
	step := l.find(ctx, kind, name)
	if !step.Found {
		l.run.goOn()
		step.Data = []byte(l.run.flow.cfg.Now().Add(d).UTC().Format(time.RFC3339Nano))
		step = l.keep(ctx, step)
	}
	until, err := time.Parse(time.RFC3339Nano, string(step.Data))
	if err != nil {
		broken(err)
	}
	return until
}
