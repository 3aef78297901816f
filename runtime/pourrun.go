package runtime

import (
	"cmp"
	"context"
	"fmt"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/talix-dev/talix/internal/deliver"
	"github.com/talix-dev/talix/internal/flow"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/stuck"
	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
)

// pourPage bounds the positions that one run of a pour's item passes, and so
// the events that an action gets again after a crash.
const pourPage = 64

// pourRun is one run of a pour's item.
type pourRun struct {
	*Runtime
	began   work.Item
	action  *registry.Action
	state   pouring
	from    store.Position // up to where all was done
	forgets []store.Change
}

// runPour pours some events, and writes how far it came.
func (r *Runtime) runPour(ctx context.Context, item work.Item) work.Verdict {
	a := r.eventAction(item.Action)
	if a == nil {
		return stuck.Orphaned
	}
	s, err := pouringOf(item)
	if err != nil {
		return func(now work.Item) (*work.Item, []store.Change) {
			next := work.Policy{}.Failed(now, err, r.cfg.Now(), nil)
			return &next, nil
		}
	}
	run := &pourRun{Runtime: r, began: item, action: a, state: s, from: s.At}
	if item.Cancel || item.Hold {
		return run.progress
	}
	events, err := r.cfg.Store.Log(ctx, item.Partition, s.At, pourPage)
	if err != nil {
		return run.failed(registry.Faultf(registry.Unavailable, "the log cannot be read").Because(err), deliver.Run{})
	}
	if len(events) == 0 {
		run.state.At = s.Head
	}
	for i := range events {
		if verdict := run.take(ctx, &events[i]); verdict != nil {
			return verdict
		}
	}
	return run.progress
}

// take gives an event to the action if it wants it; the verdict is that of a
// run that ends here.
func (r *pourRun) take(ctx context.Context, e *store.Event) work.Verdict {
	if e.Position > r.state.Head || ctx.Err() != nil {
		if ctx.Err() == nil {
			r.state.At = r.state.Head
		}
		return r.progress
	}
	if !r.wantsPoured(r.action, &r.state, e) {
		r.state.At = e.Position
		return nil
	}
	run := r.pour(ctx, e)
	switch {
	case run.Err != nil && ctx.Err() != nil:
		return r.progress
	case run.Err != nil:
		r.state.Stuck = e.Position
		return r.failed(run.Err, run)
	}
	if run.Journal != "" {
		r.forgets = append(r.forgets, flow.Forget(run.Journal)...)
	}
	r.state.At, r.state.Events = e.Position, r.state.Events+1
	return nil
}

// runID names the run of an event in a pour.
func (r *pourRun) runID(at store.Position) string {
	return r.began.ID + "/" + strconv.FormatInt(int64(at), 10)
}

// pour runs the action on an event.
func (r *pourRun) pour(ctx context.Context, e *store.Event) (run deliver.Run) {
	defer func() {
		if p := recover(); p != nil {
			run = deliver.Run{Err: fmt.Errorf("panic: %v\n%s", p, debug.Stack())}
		}
	}()
	facts, err := r.registry.Entity(e.Stream.Type).Decode(e)
	if err != nil {
		f := registry.Faultf(registry.Internal, "the event cannot be read").Because(err)
		f.Final = true
		return deliver.Run{Err: f}
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(r.began.ID, string(work.Pour)+"/"), "/")
	return r.deliver(ctx, r.action, facts, e, delivery{runID: r.runID(e.Position), base: r.action.Name + "\x00pour\x00" + name, replay: true})
}

// progress is the verdict of a run that got on, or was told to end or pause.
func (r *pourRun) progress(now work.Item) (*work.Item, []store.Change) {
	next := now
	if r.state.At > r.from {
		next = next.Recovered()
		next.Run = ""
	}
	next.Input = r.state.encode()
	switch at := r.cfg.Now(); {
	case r.state.At >= r.state.Head:
		next.Status, next.Due = work.Done, at.Add(keepPours)
	case now.Cancel:
		next.Status, next.Due = work.Cancelled, at.Add(keepPours)
		if r.state.At == r.from {
			return &next, r.pourForgets(now.Run)
		}
	case now.Hold:
		next.Status, next.Due = work.Suspended, time.Time{}
	default:
		next.Status, next.Due = work.Ready, at
	}
	return &next, r.forgets
}

// failed is the verdict of a run that ended at an event.
func (r *pourRun) failed(err error, run deliver.Run) work.Verdict {
	retry := r.action.Retry
	policy := work.Policy{
		First: cmp.Or(retry.First, 100*time.Millisecond), Most: cmp.Or(retry.Max, time.Minute), Attempts: retry.Attempts, Limit: retry.Limit,
	}
	notes, judged := run.Notes, store.ID{}
	return func(now work.Item) (*work.Item, []store.Change) {
		if now.Rev == judged {
			notes = nil // it did not change, so the journal is ahead of them
		}
		judged = now.Rev
		if now.Cancel {
			return r.progress(now)
		}
		if r.state.Stuck > 0 {
			now.Run = r.runID(r.state.Stuck)
		}
		if r.state.At > r.from {
			now = now.Recovered()
		}
		now.Input = r.state.encode()
		next := policy.After(r.began, now, err, r.cfg.Now())
		return &next, append(r.forgets, notes...)
	}
}

// pourForgets delete what a run of a pour has kept, if there is one.
func (r *Runtime) pourForgets(run string) []store.Change {
	if run == "" {
		return nil
	}
	return flow.Forget(run)
}
