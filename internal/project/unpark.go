package project

import (
	"context"
	"errors"
	"fmt"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/table"
)

// unparkSize is how many events of an entity are taken in one transaction.
const unparkSize = 500

// tryParked takes what is parked once more: the program may be another one.
func (s *standing) tryParked(ctx context.Context) {
	for _, b := range s.builds() {
		for _, r := range b.parts {
			for _, p := range r.lot.list() {
				err := r.unpark(ctx, p.stream, false)
				if _, still := errors.AsType[*Poison](err); err != nil && !still {
					return // the store is away, which others will tell
				}
			}
		}
	}
}

// unpark takes the parked events of an entity in order, with or without the
// first one. The error is a *Poison if one of them still can't be taken; those
// before it were.
func (r *runner) unpark(ctx context.Context, s store.Stream, skip bool) error {
	u := unparking{runner: r, parked: r.lot.all[s], size: unparkSize}
	u.begin(skip)
	skipped := u.parked.version
	for {
		if r.reload {
			if err := r.load(ctx); err != nil {
				return err
			}
			if u.parked = r.lot.all[s]; u.parked == nil {
				return nil // it was done, and only the answer was lost
			}
			u.begin(skip && u.parked.version == skipped)
		}
		done, err := u.step(ctx)
		if done || err != nil {
			return err
		}
	}
}

// unparking is the way of one entity out.
type unparking struct {
	*runner
	parked    *parked
	after     store.Version
	waiting   int64 // events that are to be taken
	size      int
	condemned *Poison
}

// begin goes to the first event to take.
func (u *unparking) begin(skip bool) {
	u.after, u.waiting = u.parked.version-1, u.parked.behind+1
	if skip {
		u.after, u.waiting = u.after+1, u.waiting-1
	}
}

// step takes some events.
func (u *unparking) step(ctx context.Context) (done bool, err error) {
	events, err := u.events(ctx)
	if err != nil {
		return false, err
	}
	r := u.runner
	r.batch.fill(r.view, r.mark, events)
	defer r.batch.free()
	r.batch.to = r.mark // where it stays
	r.batch.decode(nil)
	last := len(events) < u.size
	var next *parked
	var poison *Poison
	err = r.update(ctx, func(tx table.Tx) (err error) {
		next, poison, err = u.fold(tx, last, events)
		if err != nil {
			return err
		}
		if next == nil {
			return tx.Delete(r.view.cfg.parked, u.parked.key(r.build.name))
		}
		return tx.Put(r.view.cfg.parked, next.row(r.build.name))
	})
	if err != nil {
		return false, u.failed(err, events)
	}
	delete(r.lot.all, u.parked.stream)
	if next != nil {
		r.lot.all[next.stream] = next
		u.parked = next
		u.begin(false)
	}
	r.progress.parked.Store(int64(len(r.lot.all)))
	if poison != nil {
		r.logParked(poison)
		return true, poison
	}
	return last, nil
}

// events are the next ones that were passed.
func (u *unparking) events(ctx context.Context) (events []*store.Event, err error) {
	for e, err := range u.view.cfg.Load(ctx, u.parked.stream, u.after) {
		if err != nil {
			return nil, fmt.Errorf("load %s: %w", u.parked.stream, err)
		}
		if e.Position > u.mark || len(events) == u.size {
			break
		}
		events = append(events, &e)
	}
	return events, nil
}

// fold applies the events up to one that can't be. next is what is parked
// after them, or nil.
func (u *unparking) fold(tx table.Tx, last bool, events []*store.Event) (next *parked, poison *Poison, err error) {
	r := u.runner
	r.rows.begin(tx)
	for i := range r.batch.jobs {
		j := &r.batch.jobs[i]
		err := j.err
		if c := u.condemned; c != nil && c.Event.Position == j.event.Position {
			err = c.Err
		}
		if err == nil {
			err = r.rows.job(j)
		}
		if r.rows.failed != nil {
			return nil, nil, r.rows.failed
		}
		if err != nil {
			return u.still(j, i, err), &Poison{View: r.view.def.Name, Event: j.event, Err: err}, nil
		}
	}
	if last {
		return nil, nil, nil
	}
	more := *u.parked
	more.version = events[len(events)-1].Version + 1
	more.position = events[len(events)-1].Position + 1
	more.behind = max(0, u.waiting-int64(len(r.batch.jobs))-1)
	return &more, nil, nil
}

// still is what is parked when job i of the batch can't be taken.
func (u *unparking) still(j *job, i int, err error) *parked {
	p := *u.parked
	now := u.view.cfg.Now()
	if p.version != j.event.Version {
		p.version, p.position, p.event, p.typ = j.event.Version, j.event.Position, j.event.ID, j.event.Type
		p.attempts, p.since = 0, now
		p.behind = max(0, u.waiting-int64(i)-1)
	}
	p.err, p.tried = err.Error(), now
	p.attempts++
	return &p
}

// failed finds the event that the store refuses.
func (u *unparking) failed(err error, events []*store.Event) error {
	if !errors.Is(err, table.ErrConstraint) {
		return err
	}
	if u.size == 1 && len(events) == 1 {
		u.condemned = &Poison{View: u.view.def.Name, Event: events[0], Err: err}
	}
	u.size = 1
	return nil
}

// ask has something done to a view while its runners rest.
func (p *Projector) ask(ctx context.Context, name string, do func(context.Context, *standing) error) error {
	v, err := p.view(name)
	if err != nil {
		return err
	}
	r := &request{do, make(chan error, 1)}
	select {
	case v.requests <- r:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-p.ended:
		return errEnded
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (p *Projector) view(name string) (*view, error) {
	if v := p.find(name); v != nil {
		return v, nil
	}
	return nil, registry.Faultf(registry.NotFound, "there is no view %q", name)
}

// Retry takes the parked events of an entity again, in order. The error is a
// *Poison if one still can't be taken. It needs Run.
func (p *Projector) Retry(ctx context.Context, view string, s store.Stream) error {
	return p.unpark(ctx, view, s, false)
}

// Skip passes over the event that is parked and takes the later ones of its
// entity. The error is a *Poison if one of these can't be taken. It needs Run.
func (p *Projector) Skip(ctx context.Context, view string, s store.Stream) error {
	return p.unpark(ctx, view, s, true)
}

func (p *Projector) unpark(ctx context.Context, view string, s store.Stream, skip bool) error {
	return p.ask(ctx, view, func(ctx context.Context, st *standing) (err error) {
		found := false
		for _, b := range st.builds() {
			for _, r := range b.parts {
				if r.lot.all[s] != nil {
					found = true
					err = errors.Join(err, r.unpark(ctx, s, skip))
				}
			}
		}
		if !found && p.cfg.Shared {
			return registry.Faultf(registry.Rejected, "this node has nothing of %s parked in the view %q: ask the node that owns its partition", s, view)
		}
		if !found {
			return registry.Faultf(registry.NotFound, "the view %q has parked nothing of %s", view, s)
		}
		return err
	})
}
