package talixtest

import (
	"context"
	"fmt"
	"time"

	"github.com/talix-dev/talix/runtime"
)

// Failure is work that failed and was not done since.
type Failure struct {
	// Name is that of the action or view.
	Name string
	// Parked: it is not tried again by itself.
	Parked bool
	// EntityType, EntityID and Version are those of the event, if it is about
	// one.
	EntityType, EntityID string
	Version              int64
	Attempts             int
	Error                string
	Due                  time.Time // when it is tried again; zero: not by time
	// ID names it in calls of runtime.Work; empty of a view.
	ID string
}

func (f Failure) String() string {
	s := fmt.Sprintf("%s, after %d attempts: %s", f.Name, f.Attempts, f.Error)
	if f.EntityID != "" {
		s = fmt.Sprintf("%s, at event %d of %s %q, after %d attempts: %s", f.Name, f.Version, f.EntityType, f.EntityID, f.Attempts, f.Error)
	}
	if !f.Parked {
		return s + " (it is tried again)"
	}
	return s + " (it is parked)"
}

func (f Failure) key() string {
	return fmt.Sprint(f.Name, "/", f.ID, "/", f.EntityType, "/", f.EntityID, "/", f.Version)
}

// Failures are the work that failed and was not done since: parked, or to be
// tried again. A test whose work fails on purpose asks for them; those that it
// has seen do not fail it in the end.
func (r *Runtime) Failures() (all []Failure) {
	r.t.Helper()
	r.call(func() { all = r.failures() })
	for _, f := range all {
		r.known[f.key()] = true
	}
	return all
}

// failures are all of them; inside the bubble.
func (r *Runtime) failures() []Failure {
	var all []Failure
	filter := runtime.WorkFilter{Max: 1000}
	for {
		items, err := r.rt.Work().List(r.ctx, filter)
		if err != nil {
			return append(all, Failure{Name: "list of work", Error: err.Error()})
		}
		for _, i := range items {
			filter.After = i.ID
			if i.Error != "" && i.Status != "behind" {
				all = append(all, Failure{i.Action, i.Status == "parked", i.EntityType, i.EntityID, i.Version, i.Attempts, i.Error, i.Due, i.ID})
			}
		}
		if len(items) < filter.Max {
			return append(append(all, r.unfinished()...), r.viewFailures(r.ctx)...)
		}
	}
}

// unfinished are the actions at whose events something they use is away, so
// that they wait for it.
func (r *Runtime) unfinished() (all []Failure) {
	for _, lag := range r.rt.Lags() {
		if lag.Begun > 0 {
			all = append(all, Failure{Name: lag.Action, Error: r.lastError(lag.Action)})
		}
	}
	return all
}

func (r *Runtime) lastError(action string) string {
	last := "it did not end"
	for _, report := range r.watcher.all() {
		if report.Name == action && report.Err != nil {
			last = report.Err.Error()
		}
	}
	return last
}

func (r *Runtime) viewFailures(ctx context.Context) (all []Failure) {
	for _, v := range r.rt.Views().Status() {
		if v.Fault != nil {
			all = append(all, Failure{Name: v.Name, Parked: v.Stopped, Error: v.Fault.Error()})
		}
		if v.Parked == 0 {
			continue
		}
		parked, err := r.rt.Views().Parked(ctx, v.Name, runtime.ParkedEvent{}, 100)
		if err != nil {
			all = append(all, Failure{Name: v.Name, Error: err.Error()})
		}
		for _, p := range parked {
			all = append(all, Failure{
				Name: v.Name, Parked: true, EntityType: p.EntityType, EntityID: p.EntityID, Version: p.Version, Attempts: int(p.Attempts), Error: p.Error,
			})
		}
	}
	return all
}
