package flow

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"time"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
)

// verdict says what becomes of an item after a run.
func (f *Flow) verdict(a *registry.Action, ran work.Item, run *Run, out any, err error) work.Verdict {
	return func(now work.Item) (*work.Item, []store.Change) {
		if now.Base != ran.Base { // a timer that was set anew
			return &now, forgetAll(ran.Run)
		}
		if run.Wrote != "" {
			now.Header = map[string]string{Wrote: run.Wrote}
		}
		if err == nil {
			return f.finished(a, now, out)
		}
		next := f.unfinished(a, ran, now, err)
		if a.Schedule != nil && next.Status == work.Parked && next.ID == clockID(a.Name) {
			clock, more := f.setAside(a, next)
			return clock, append(more, run.Notes()...)
		}
		return &next, run.Notes()
	}
}

// Wrote names what an item's Header says of where its last run wrote.
const Wrote = "wrote"

// finished is what becomes of an item whose run came to its end.
func (f *Flow) finished(a *registry.Action, now work.Item, out any) (*work.Item, []store.Change) {
	journals := forgetAll(now.Run)
	now.Attempts, now.Awaits = 0, ""
	switch {
	case now.Undo && now.Cancel:
		now.Status = work.Cancelled
	case now.Undo:
		now.Status = work.Failed
	case a.Schedule != nil:
		return f.next(a, now), journals
	case a.Timer != nil:
		return nil, journals
	default:
		now.Status, now.Error, now.Code, now.Failure = work.Done, "", "", nil
		data, err := f.output(now, out)
		if err != nil {
			next := f.unfinished(a, now, now, faultOf(err))
			return &next, nil
		}
		now.Output = data
	}
	now.Due = f.cfg.Now().Add(f.keep(a))
	return &now, journals
}

// output is what is kept of what an action returned.
func (f *Flow) output(now work.Item, out any) ([]byte, error) {
	data, err := json.Marshal(out)
	if err != nil {
		return nil, registry.Faultf(registry.Internal, "the output of %s cannot be written as JSON", now.Action).Because(err)
	}
	return f.cfg.Seal.Keep(context.Background(), reflect.TypeOf(out), data, SubjectOf(now))
}

// SubjectOf is whom an item's data is about where the data does not tell: the
// entity of a timer or an event, or what a workflow was started under.
func SubjectOf(i work.Item) string {
	if i.Kind != work.Workflow {
		return i.Stream.ID
	}
	return work.Unescape(i.ID[strings.LastIndexByte(i.ID, '/')+1:])
}

// keep is how long an outcome can be asked for.
func (f *Flow) keep(a *registry.Action) time.Duration {
	switch {
	case a.Workflow == nil:
		return f.cfg.KeepRequest
	case a.Workflow.Keep > 0:
		return a.Workflow.Keep
	default:
		return f.cfg.KeepWorkflow
	}
}

// unfinished is what becomes of an item whose run ended before it was done.
func (f *Flow) unfinished(a *registry.Action, ran, now work.Item, err error) work.Item {
	i, interrupted := errors.AsType[*registry.Interrupt](err)
	switch {
	case interrupted && i.Kind == registry.Cancelled:
		return f.undoing(a, now, nil)
	case !interrupted && !now.Undo && says(a, err) && !work.Outage(err):
		return f.undoing(a, now, faultOf(err))
	}
	next := f.policy(a).After(ran, now, err, f.cfg.Now())
	switch {
	case next.Cancel && next.Status == work.Waiting:
		next.Status, next.Due = work.Ready, f.cfg.Now()
	case next.Undo && next.Status == work.Ready:
		next.Status = work.Compensating
	}
	return next
}

// says tells whether an error is the outcome of an action that has one.
func says(a *registry.Action, err error) bool {
	return (a.Workflow != nil || a.HTTP != nil) && final(err)
}

// undoing is an item whose run failed for good, or was cancelled: what it did
// is undone in a run of its own.
func (f *Flow) undoing(a *registry.Action, now work.Item, failure *registry.Fault) work.Item {
	now.Attempts, now.Awaits, now.Hold = 0, "", false
	if failure != nil {
		now.Error, now.Code, now.Failure = failure.Error(), string(failure.Code), failure.Keep()
		now.Cancel = false
	}
	if a.Workflow == nil {
		now.Status, now.Due = work.Failed, f.cfg.Now().Add(f.keep(a))
		return now
	}
	now.Undo, now.Status, now.Due = true, work.Compensating, f.cfg.Now()
	return now
}

func (f *Flow) policy(a *registry.Action) work.Policy {
	return work.Policy{First: a.Retry.First, Most: a.Retry.Max, Attempts: a.Retry.Attempts, Limit: a.Retry.Limit}
}

// park is the verdict on an item that cannot be run.
func (f *Flow) park(err *registry.Fault) work.Verdict {
	err.Final = true
	return func(now work.Item) (*work.Item, []store.Change) {
		next := work.Policy{}.Failed(now, err, f.cfg.Now(), nil)
		return &next, nil
	}
}

// orphan is the verdict on an item whose action is in no service any more.
func (f *Flow) orphan(item work.Item) work.Verdict {
	if item.ID == clockID(item.Action) {
		return func(work.Item) (*work.Item, []store.Change) { return nil, nil }
	}
	return f.park(registry.Faultf(registry.Internal, "no service has the %s %q any more: add it again, or skip this", item.Kind, item.Action))
}
