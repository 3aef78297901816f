package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/internal/project"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/table"
)

// Views tells of the views of a runtime, and mends them. All methods but Status
// wait until the runtime was started, or ctx ends. Errors are of type
// *talix.Error.
type Views struct {
	r *Runtime
}

// Views tells of the views, and mends them.
func (r *Runtime) Views() Views { return Views{r} }

// ViewStatus tells how far a view is.
type ViewStatus struct {
	Name string
	// Lag is how many positions of the log are to be taken.
	Lag int64
	// Parked is how many entities are parked.
	Parked int
	// Fault is why the view does not go on at present, or nil; it is tried
	// again by itself. It was first seen at Since.
	Fault error
	Since time.Time
	// Stopped tells that an event is the cause, which is most likely to fail
	// again until the program is another one.
	Stopped bool
	// Rebuild is how far new tables are, or nil if none are made.
	Rebuild *Rebuild
}

// Rebuild is how far the tables are that are to take the place of those that
// queries read.
type Rebuild struct {
	// First tells that there are no older tables: queries wait.
	First bool
	// Done and Total count positions of the log.
	Done, Total int64
	// Rate is how many positions are passed in a second, and Left how long the
	// rest will take at that; zero if there is nothing to tell yet.
	Rate float64
	Left time.Duration
	// Fault is why it does not go on at present, or nil.
	Fault error
	// Waits are the names of the nodes that have an older definition of the
	// view, and read the tables which the new ones are to replace: that is done
	// once they have ended. See Runtime.Cluster.
	Waits []string
}

// Status tells how far every view is, in the order of their definition.
func (v Views) Status() []ViewStatus {
	if v.r.projector == nil {
		return nil
	}
	var all []ViewStatus
	for _, s := range v.r.projector.Status() {
		if len(all) == 0 || all[len(all)-1].Name != s.View {
			all = append(all, ViewStatus{Name: s.View})
		}
		all[len(all)-1].add(s)
	}
	return all
}

func (v *ViewStatus) add(s project.Status) {
	v.Lag += s.Lag()
	v.Parked += s.Parked
	if s.Fault != nil && v.Fault == nil {
		v.Fault, v.Since = s.Fault, s.Since
	}
	v.Stopped = v.Stopped || s.Stopped
	if s.Making == nil {
		return
	}
	if v.Rebuild == nil {
		v.Rebuild = &Rebuild{First: s.Making.First}
	}
	v.Rebuild.add(s)
}

func (r *Rebuild) add(s project.Status) {
	m := s.Making
	r.Done += int64(m.At - m.Start)
	r.Total += int64(max(s.Head, m.At) - m.Start)
	r.Rate += m.Rate
	r.Fault = errors.Join(r.Fault, m.Fault)
	r.Waits = m.Waits
	if r.Rate > 0 {
		r.Left = time.Duration(float64(r.Total-r.Done) / r.Rate * float64(time.Second))
	}
}

// Rebuild makes the tables of a view anew from the log. The present ones answer
// and are kept up meanwhile; then the new ones take their place in one step. It
// returns once that has begun; Status tells how it goes. After a restart it goes
// on where it was. On a cluster, all nodes take part.
func (v Views) Rebuild(ctx context.Context, view string) error {
	return v.do(func(p *project.Projector) error { return p.Rebuild(ctx, view) })
}

// ParkedEvent is an event that a view can't take, and that holds back the later
// events of its entity for this view.
type ParkedEvent struct {
	View string
	// Rebuilding tells that it is parked in the tables that are being made.
	Rebuilding bool
	talix.Meta
	Payload json.RawMessage
	// Error is why it can't be taken, as it was the last time.
	Error    string
	Attempts int64
	Since    time.Time // when it was parked
	Tried    time.Time // the last time
	Behind   int64     // later events of the entity that wait
}

// Parked lists up to max of a view's parked events, in order of entity type and
// id, beginning after one of them; a zero ParkedEvent is before all.
func (v Views) Parked(ctx context.Context, view string, after ParkedEvent, max int) (all []ParkedEvent, err error) {
	err = v.do(func(p *project.Projector) error {
		found, err := p.Parked(ctx, view, store.Stream{Type: after.EntityType, ID: after.EntityID}, max)
		for i := range found {
			all = append(all, parkedEvent(&found[i]))
		}
		return err
	})
	return all, err
}

func parkedEvent(p *project.Parked) ParkedEvent {
	e := &p.Event
	return ParkedEvent{
		View: p.View, Rebuilding: p.Making, Payload: e.Data, Error: p.Error, Attempts: p.Attempts, Since: p.Since, Tried: p.Tried, Behind: p.Behind,
		Meta: talix.Meta{
			EventID: e.ID, EventType: e.Type, EntityType: e.Stream.Type, EntityID: e.Stream.ID, Version: int64(e.Version), Time: e.Time,
			CommandID: e.Command, CorrelationID: e.Correlation, CausationID: e.Causation,
		},
	}
}

// Retry takes the parked events of an entity again, in order, as after a fix of
// the program; when a runtime starts, it does so by itself. The error says why
// one still can't be taken; those before it were taken, once.
func (v Views) Retry(ctx context.Context, view, entityType, entityID string) error {
	return v.do(func(p *project.Projector) error {
		return p.Retry(ctx, view, store.Stream{Type: entityType, ID: entityID})
	})
}

// Skip passes over the parked event of an entity for good, and takes the later
// ones. The view then is not the fold of the log any more, which a rebuild tries
// to make it again.
func (v Views) Skip(ctx context.Context, view, entityType, entityID string) error {
	return v.do(func(p *project.Projector) error {
		return p.Skip(ctx, view, store.Stream{Type: entityType, ID: entityID})
	})
}

// Difference is a row of a view that is not what the log makes of it.
type Difference struct {
	Table string
	// View is the row in the view, Log the one that the fold of the log gives;
	// nil where there is none. Columns are their names.
	Columns   []string
	View, Log []table.Value
}

// Differing are the names of the columns in which the rows differ; all of them
// if there is only one row.
func (d Difference) Differing() []string {
	if d.View == nil || d.Log == nil {
		return d.Columns
	}
	var names []string
	for i, name := range d.Columns {
		if d.View[i] != d.Log[i] {
			names = append(names, name)
		}
	}
	return names
}

// Verify compares a view with the fold of the log up to where the view is, and
// yields the rows that differ. The fold is made beside the view, at the rate of
// a rebuild; while rows are compared, the view is not kept up, on a cluster by no
// node: who waits for a later event gets it then.
func (v Views) Verify(ctx context.Context, view string) iter.Seq2[Difference, error] {
	return func(yield func(Difference, error) bool) {
		more := true
		err := v.do(func(p *project.Projector) error {
			for d, err := range p.Verify(ctx, view) {
				if err != nil {
					return err
				}
				if more = yield(difference(&d), nil); !more {
					return nil
				}
			}
			return nil
		})
		if err != nil && more {
			yield(Difference{}, err)
		}
	}
}

func difference(d *project.Difference) Difference {
	public := Difference{Table: d.Table, View: d.View, Log: d.Log}
	for _, c := range d.Columns {
		public.Columns = append(public.Columns, c.Name)
	}
	return public
}

// do calls the projector, and makes its errors public.
func (v Views) do(fn func(*project.Projector) error) error {
	if v.r.projector == nil {
		return talix.NotFound("this runtime has no views")
	}
	err := fn(v.r.projector)
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*project.Poison](err); ok {
		return talix.UserError(registry.Faultf(registry.Rejected, "%v", err).Because(err))
	}
	return talix.UserError(err)
}
